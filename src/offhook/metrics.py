"""What a PBX tells those who watch it, in the text format of Prometheus.

Nothing is counted here: the parts keep plain numbers, which are read when somebody asks. Labels have few
values, whatever callers, applications or attackers send.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from offhook.store.timing import BOUNDS, WriteTimes

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
RECEIVERS_MAX = 50
"""So many receivers are told apart; further ones are counted together."""

OTHERS = "others"

_Family = TypeVar("_Family", GaugeMetricFamily, CounterMetricFamily)


@dataclass(frozen=True, slots=True)
class ReceiverFigures:
    """One receiver of events: where it is, whether it answers, what waits for it and for how many seconds the
    oldest of that, and what became of what was sent, by word, since the start."""

    receiver: str
    up: bool
    waiting: int
    lag: float
    events: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of one moment; sizes in bytes, times in seconds."""

    version: str
    schema: str
    ready: bool
    calls: int
    channels: int
    rooms: int
    extensions_registered: int
    contacts: int
    call_capacity: int
    calls_ended: Mapping[tuple[str, str], int]  # by outcome and type
    records_open: int
    record_violations: int
    recordings_running: int
    events: Mapping[str, int]  # by kind
    journal_first: int
    journal_last: int
    journal_bytes: int
    events_lost: int
    receivers: Iterable[ReceiverFigures]
    store_bytes: int
    store_log_bytes: int
    store_waiting: int
    store_refused: int
    store_times: WriteTimes
    engine_up: bool
    engine_latency: float
    alarms: Mapping[str, int]  # by kind
    bans: int
    banned: int
    attempts: int
    calls_limited: int
    api_refused: Mapping[str, int]  # by what was exceeded
    connections: Mapping[str, int]  # that are open for events, by way
    cut_off: Mapping[str, int]  # as they read too slowly, by way
    mails: Mapping[str, int]  # by state
    disk_free: int
    disk_size: int
    loop_lag: float


class Metrics:
    """Renders figures, and those of both processes; `engine` is the pid of the engine, None without one."""

    def __init__(self, figures: Callable[[], Figures], engine: Callable[[], int | None]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Pbx(figures))
        self._registry.register(_Process("offhook", lambda: "self"))
        self._registry.register(_Process("offhook_engine", lambda: engine() or "none"))

    def render(self) -> bytes:
        """All metrics, as `CONTENT_TYPE`."""
        return generate_latest(self._registry)


class _Process(Collector):
    """Processor time, memory and descriptors of a process; nothing when it is gone."""

    def __init__(self, name: str, pid: Callable[[], int | str]) -> None:
        self._inner = ProcessCollector(namespace=name, pid=pid, registry=None)

    def collect(self) -> Iterable[Metric]:
        try:
            return list(self._inner.collect())
        except (ValueError, IndexError):  # a limit that is no number, or a process that ended meanwhile
            return []


class _Pbx(Collector):
    def __init__(self, figures: Callable[[], Figures]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        now = self._figures()
        yield from _calls(now)
        yield from _events(now)
        yield from _store(now)
        yield from _rest(now)


def _calls(now: Figures) -> Iterator[Metric]:
    yield _gauge("offhook_calls", "Calls that go on.", now.calls)
    yield _gauge("offhook_channels", "Channels of these calls.", now.channels)
    yield _gauge("offhook_call_capacity", "Calls that this machine carries.", now.call_capacity)
    yield _gauge("offhook_conferences", "Conferences that go on.", now.rooms)
    yield _gauge(
        "offhook_extensions_registered", "Extensions with a registered phone.", now.extensions_registered
    )
    yield _gauge("offhook_contacts", "Phones that are registered.", now.contacts)
    ended = CounterMetricFamily(
        "offhook_calls_ended", "Calls that have their record.", labels=("outcome", "type")
    )
    for labels, count in sorted(now.calls_ended.items()):
        ended.add_metric(labels, count)
    yield ended
    yield _gauge("offhook_records_open", "Calls that have no record yet.", now.records_open)
    yield _counter(
        "offhook_record_violations",
        "Calls of whose end the engine's two ways of telling do not agree.",
        now.record_violations,
    )
    yield _gauge("offhook_recordings_running", "Recordings that go on.", now.recordings_running)


def _events(now: Figures) -> Iterator[Metric]:
    yield _by(CounterMetricFamily, "offhook_events", "Events that were told, by kind.", "kind", now.events)
    yield _counter("offhook_events_lost", "Events that the journal never took.", now.events_lost)
    yield _gauge("offhook_journal_first", "Number of the oldest event that is kept.", now.journal_first)
    yield _gauge("offhook_journal_last", "Number of the newest event.", now.journal_last)
    yield _gauge("offhook_journal_bytes", "About what the kept events take.", now.journal_bytes)
    up = GaugeMetricFamily("offhook_receiver_up", "Whether a receiver takes events.", labels=("receiver",))
    waiting = GaugeMetricFamily(
        "offhook_receiver_waiting", "Events that wait for a receiver.", labels=("receiver",)
    )
    lag = GaugeMetricFamily(
        "offhook_receiver_lag_seconds", "Age of the oldest event that waits.", labels=("receiver",)
    )
    sent = CounterMetricFamily(
        "offhook_deliveries", "What became of events for a receiver.", labels=("receiver", "state")
    )
    for one in _bounded(now.receivers):
        up.add_metric((one.receiver,), one.up)
        waiting.add_metric((one.receiver,), one.waiting)
        lag.add_metric((one.receiver,), one.lag)
        for state, count in sorted(one.events.items()):
            sent.add_metric((one.receiver, state), count)
    yield from (up, waiting, lag, sent)
    yield _by(
        GaugeMetricFamily,
        "offhook_event_connections",
        "Connections that applications hold for events.",
        "way",
        now.connections,
    )
    yield _by(
        CounterMetricFamily,
        "offhook_event_connections_cut_off",
        "Such connections closed as they read too slowly.",
        "way",
        now.cut_off,
    )


def _bounded(receivers: Iterable[ReceiverFigures]) -> list[ReceiverFigures]:
    """The receivers; those beyond RECEIVERS_MAX as one. Those that lag most are told apart."""
    known = sorted(receivers, key=lambda one: (-one.lag, -one.waiting, one.receiver))
    shown, rest = known[:RECEIVERS_MAX], known[RECEIVERS_MAX:]
    if rest:
        events: Counter[str] = Counter()
        for one in rest:
            events.update(one.events)
        up, waiting = all(one.up for one in rest), sum(one.waiting for one in rest)
        shown.append(ReceiverFigures(OTHERS, up, waiting, max(one.lag for one in rest), events))
    return shown


def _store(now: Figures) -> Iterator[Metric]:
    yield _gauge("offhook_store_bytes", "Size of the store's file.", now.store_bytes)
    yield _gauge("offhook_store_log_bytes", "Size of its write-ahead log.", now.store_log_bytes)
    yield _gauge("offhook_store_waiting", "Writes that wait for the writer.", now.store_waiting)
    yield _counter("offhook_store_refused", "Writes that failed.", now.store_refused)
    buckets, total = [], 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), list(now.store_times.counts), strict=True):
        total += count
        buckets.append((bound, float(total)))
    yield HistogramMetricFamily(
        "offhook_store_write_seconds",
        "From the wish to write until it is on disk.",
        buckets=buckets,
        sum_value=now.store_times.seconds,
    )


def _rest(now: Figures) -> Iterator[Metric]:
    build = GaugeMetricFamily("offhook_build_info", "What runs.", labels=("version", "schema"))
    build.add_metric((now.version, now.schema), 1)
    yield build
    yield _gauge("offhook_ready", "Whether calls can be made.", now.ready)
    yield _gauge("offhook_engine_up", "Whether the engine answers.", now.engine_up)
    yield _gauge(
        "offhook_engine_latency_seconds", "What the engine took for its last answer.", now.engine_latency
    )
    yield _by(GaugeMetricFamily, "offhook_alarms_active", "Alarms that last, by kind.", "kind", now.alarms)
    yield _gauge("offhook_bans", "Addresses that are banned.", now.bans)
    yield _counter("offhook_banned", "Bans that began.", now.banned)
    yield _counter("offhook_attacks", "Guesses of passwords and other attacks by SIP.", now.attempts)
    yield _counter("offhook_calls_limited", "Calls out that met a limit.", now.calls_limited)
    yield _by(
        CounterMetricFamily,
        "offhook_api_refused",
        "Requests, logins and connections beyond a limit of the API.",
        "limit",
        now.api_refused,
    )
    yield _by(GaugeMetricFamily, "offhook_mails", "Mails in the queue, by state.", "state", now.mails)
    yield _gauge("offhook_disk_free_bytes", "What is free where the data folder lies.", now.disk_free)
    yield _gauge("offhook_disk_size_bytes", "Size of that file system.", now.disk_size)
    yield _gauge("offhook_loop_lag_seconds", "How late the control plane was at its last look.", now.loop_lag)


def _by(family: type[_Family], name: str, doc: str, label: str, values: Mapping[str, int]) -> _Family:
    made = family(name, doc, labels=(label,))
    for value, count in sorted(values.items()):
        made.add_metric((value,), count)
    return made


def _gauge(name: str, doc: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, doc, value=value)


def _counter(name: str, doc: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, doc, value=value)
