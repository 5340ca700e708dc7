"""Lines of the log: one for each record, whatever is in it, with the call that it is about."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.logs import JsonFormatter, TextFormatter, about_call, current_call, each, of_call
from offhook.settings import SettingsError, load_settings
from offhook.store.migrate import open_store
from offhook.store.unit import UnitOfWork

CALL, OTHER = "1795663495.17", "1795663495.18"


@contextmanager
def _logger(formatter: logging.Formatter) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    target = io.StringIO()
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter)
    logger = logging.Logger("offhook.test")
    logger.addHandler(handler)
    yield logger, target


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["a\nb", '"}\n{"level": "error"', "\r2026-01-01 ERROR x", "\u2028", "\x1b[2J", "\ud800", "%s"]
    ),
)


@given(HOSTILE, HOSTILE)
def test_a_json_line_is_one_object_whatever_is_in_it(message: str, value: str) -> None:
    with _logger(JsonFormatter()) as (logger, target), of_call(CALL):
        try:
            raise ValueError(value)
        except ValueError:
            logger.exception("%s: %s", message, value)
        written = target.getvalue()
    assert written.count("\n") == 1
    assert written.isascii()
    line = json.loads(written)
    assert line["message"] == f"{message}: {value}"
    assert (line["level"], line["logger"], line["callid"]) == ("error", "offhook.test", CALL)
    assert line["exception"].startswith("Traceback")


@given(HOSTILE, HOSTILE)
def test_a_line_for_people_is_one_line_whatever_is_in_it(message: str, value: str) -> None:
    with _logger(TextFormatter()) as (logger, target):
        logger.warning("%s: %s", message, value)
        written = target.getvalue()
    assert len(written.splitlines()) == 1
    assert "\x1b" not in written
    assert " WARNING offhook.test: " in written


def test_what_failed_never_looks_like_a_line_of_its_own() -> None:
    with _logger(TextFormatter()) as (logger, target):
        try:
            raise ValueError("x\n2026-01-01 00:00:00,000 ERROR offhook: forged")
        except ValueError:
            logger.exception("it failed")
    lines = target.getvalue().splitlines()
    assert all(line.startswith("    ") for line in lines[1:])


@pytest.mark.parametrize("callid", ["", "x", "1.2\n", "1.2 3", "1" * 30 + ".1", "../x", "१.२"])
def test_what_is_no_callid_is_none(callid: str) -> None:
    with of_call(CALL):
        about_call(callid)
        assert current_call() == CALL
        with of_call(callid):
            assert current_call() == ""


def test_the_callid_is_told_once() -> None:
    with _logger(TextFormatter()) as (logger, target), of_call(CALL):
        logger.info("call %s: begun", CALL)
        logger.info("pushed")
    first, second = target.getvalue().splitlines()
    assert first.endswith(f"call {CALL}: begun")
    assert second.endswith(f"pushed [{CALL}]")


def test_while_an_event_is_looked_at_its_call_is_known() -> None:
    seen = [current_call() for _ in each([{"Linkedid": CALL}, {}, {"Linkedid": OTHER}])]
    assert seen == [CALL, "", OTHER]
    for _ in each([{"Linkedid": CALL}]):
        break
    assert current_call() == ""


async def test_tasks_and_writes_go_on_with_the_call_that_they_began_in(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s.db", [])
    seen: list[tuple[str, str]] = []

    async def later(where: str) -> None:
        await asyncio.sleep(0)
        seen.append((where, current_call()))

    def work(unit: UnitOfWork) -> None:
        seen.append(("writer", current_call()))
        with of_call(OTHER):
            unit.after_commit(lambda: seen.append(("of another", current_call())))
        unit.after_commit(lambda: seen.append(("committed", current_call())))

    with of_call(CALL):
        task = asyncio.create_task(later("task"))
        await store.write("test", work)
    await task
    await asyncio.sleep(0)
    assert sorted(seen) == [("committed", CALL), ("of another", OTHER), ("task", CALL), ("writer", CALL)]
    assert current_call() == ""
    await asyncio.to_thread(store.close)


def test_the_format_is_a_setting() -> None:
    nowhere = {"data": "/nonexistent"}
    assert load_settings(nowhere, {}).log_format == "text"
    assert load_settings(nowhere, {"OFFHOOK_LOG_FORMAT": "json"}).log_format == "json"
    with pytest.raises(SettingsError, match="must be text or json"):
        load_settings(nowhere, {"OFFHOOK_LOG_FORMAT": "xml"})
