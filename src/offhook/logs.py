"""The log: text for people or a JSON object per line, and the call that a line is about.

Whoever begins to work on a call says so by `of_call` for a block, within which `about_call` may correct it;
tasks, callbacks and writes of the store that begin there inherit it. So every line about a call has its
callid, also lines of parts that do not know of calls. A value in a line never begins another line.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

FORMATS = ("text", "json")

_E = TypeVar("_E", bound=Mapping[str, str])
_callid: ContextVar[str] = ContextVar("callid", default="")
_CALLID = re.compile(r"[0-9]{1,12}\.[0-9]{1,12}", re.ASCII)
# C0 and C1 controls but tab, line and paragraph separators, and what changes the direction of writing.
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@contextlib.contextmanager
def of_call(callid: str) -> Iterator[None]:
    """Have what is logged in the block be about this call; what is no callid, such as "", means no call."""
    token = _callid.set(callid if _CALLID.fullmatch(callid) else "")
    try:
        yield
    finally:
        _callid.reset(token)


def about_call(callid: str) -> None:
    """Have what is logged be about this call from now on, to the end of the task or of the `of_call` around.

    Only where there is one: what a task that goes on does later is not about this call.
    """
    if _CALLID.fullmatch(callid):
        _callid.set(callid)


def each(events: Iterable[_E]) -> Iterator[_E]:
    """The engine's events one by one; while one is looked at, what is logged is about its call."""
    for event in events:
        with of_call(event.get("Linkedid", "")):
            yield event


def current_call() -> str:
    """The call that is worked on; empty when there is none."""
    return _callid.get()


class TextFormatter(logging.Formatter):
    """A line for people: time, level, logger, message, and the callid where the message does not name it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class's name
        record.message = _one_line(record.message)
        callid = current_call()
        if callid and callid not in record.message:
            record.message = f"{record.message} [{callid}]"
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the base class's name
        # what failed may hold any text; each of its lines is set in, so that none looks like one of the log
        return "\n".join(f"    {_one_line(line)}" for line in super().formatException(ei).splitlines())


class JsonFormatter(logging.Formatter):
    """One JSON object (RFC 8259, ASCII) in a line: time (RFC 3339, UTC), level, logger, message, callid."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, str] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if callid := current_call():
            line["callid"] = callid
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True)


def configure(level: str, form: str) -> None:
    """Log to stderr from `level` on (as in offhook.settings), in one of FORMATS."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _one_line(text: str) -> str:
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
