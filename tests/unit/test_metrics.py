"""Metrics as text: every value has its place, and nobody can make them grow or say other things."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from prometheus_client.parser import text_string_to_metric_families

from offhook.metrics import OTHERS, RECEIVERS_MAX, Figures, Metrics, ReceiverFigures
from offhook.store.timing import WriteTimes

EXAMPLES = Path(__file__).parents[2] / "examples" / "monitoring"


def figures(**changed: object) -> Figures:
    """Figures that are 1 where they are numbers."""
    values: dict[str, object] = {}
    for field in dataclasses.fields(Figures):
        values[field.name] = {"int": 1, "float": 1.0, "bool": True, "str": "x"}.get(str(field.type), {})
    values |= {
        "store_times": WriteTimes(),
        "calls_ended": {("ANSWERED", "Internal"): 2},
        "events": {"NewCdr": 2},
        "alarms": {"disk": 1},
        "mails": {"waiting": 3},
        "api_refused": {"rate": 5},
        "connections": {"tcp": 2, "feed": 1},
        "cut_off": {"tcp": 4},
        "receivers": [ReceiverFigures("127.0.0.1:80", True, 1, 0.5, {"delivered": 4})],
    }
    return Figures(**{**values, **changed})  # type: ignore[arg-type]


def text_of(**changed: object) -> str:
    return Metrics(lambda: figures(**changed), os.getpid).render().decode()


def values_of(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_figure_is_told_with_its_labels() -> None:
    found = values_of(text_of())
    assert found["offhook_calls", ()] == 1
    assert found["offhook_calls_ended_total", (("outcome", "ANSWERED"), ("type", "Internal"))] == 2
    assert found["offhook_deliveries_total", (("receiver", "127.0.0.1:80"), ("state", "delivered"))] == 4
    assert found["offhook_mails", (("state", "waiting"),)] == 3
    assert found["offhook_api_refused_total", (("limit", "rate"),)] == 5
    assert found["offhook_event_connections", (("way", "tcp"),)] == 2
    assert found["offhook_event_connections_cut_off_total", (("way", "tcp"),)] == 4
    assert found["offhook_calls_limited_total", ()] == 1
    assert found["offhook_build_info", (("schema", "x"), ("version", "x"))] == 1
    assert found["offhook_process_resident_memory_bytes", ()] > 1e6
    assert found["offhook_engine_process_open_fds", ()] > 2


def test_times_of_writes_are_a_histogram() -> None:
    times = WriteTimes()
    for seconds in (0.001, 0.002, 0.03, 99.0):
        times.add(seconds)
    found = values_of(text_of(store_times=times))
    by_bound = {
        dict(labels)["le"]: value for (name, labels), value in found.items() if name.endswith("_bucket")
    }
    assert (by_bound["0.002"], by_bound["0.02"], by_bound["0.05"], by_bound["+Inf"]) == (2, 2, 3, 4)
    assert found["offhook_store_write_seconds_count", ()] == 4
    assert round(found["offhook_store_write_seconds_sum", ()], 3) == 99.033


def test_receivers_beyond_a_number_are_counted_together_and_the_worst_are_named() -> None:
    many = [ReceiverFigures(f"h{n}:80", n % 2 == 0, 1, float(n), {"delivered": 1}) for n in range(500)]
    found = values_of(text_of(receivers=many))
    named = {dict(labels)["receiver"] for name, labels in found if name == "offhook_receiver_up"}
    assert len(named) == RECEIVERS_MAX + 1
    assert {"h499:80", OTHERS} <= named
    assert found["offhook_receiver_waiting", (("receiver", OTHERS),)] == 500 - RECEIVERS_MAX
    assert found["offhook_deliveries_total", (("receiver", OTHERS), ("state", "delivered"))] == 450


def test_a_hostile_name_stays_a_label() -> None:
    name = 'x"} 1\noffhook_calls 666\n# \\'
    text = text_of(receivers=[ReceiverFigures(name, True, 1, 0.0, {})])
    found = values_of(text)
    assert found["offhook_calls", ()] == 1
    assert found["offhook_receiver_up", (("receiver", name),)] == 1


def test_without_an_engine_its_process_is_left_out() -> None:
    text = Metrics(figures, lambda: None).render().decode()
    assert "offhook_engine_process" not in text
    assert "offhook_engine_up 1.0" in text


def _named(node: object) -> Iterator[str]:
    """Every query in a document."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "expr" and isinstance(value, str):
                yield value
            else:
                yield from _named(value)
    elif isinstance(node, list):
        for value in node:
            yield from _named(value)


def test_the_examples_for_prometheus_and_grafana_name_metrics_that_there_are() -> None:
    told = {name for name, _ in values_of(text_of())}
    for file in ("alerts.yaml", "grafana.json"):
        queries = list(_named(yaml.safe_load((EXAMPLES / file).read_text())))
        assert len(queries) > 8
        for query in queries:
            names = set(re.findall(r"offhook_[a-z_]+", query))
            assert names, query
            assert names <= told, query
