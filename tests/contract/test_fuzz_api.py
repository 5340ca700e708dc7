"""Every endpoint under hostile requests: an envelope, no failure inside, and refusals change nothing."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offhook.areas.access.sessions import key_of
from offhook.contract.endpoint import Endpoint
from offhook.contract.scopes import ENDPOINTS, SESSION
from offhook.store.unit import Store
from tests.support.hostile_requests import Complaints, Sent, requests_to, sent_to, wrong_in
from tests.support.switchboard import Rows, Switchboard, put_back, rows_of, running_switchboard
from tests.support.threaded import Threaded, threaded

EXAMPLES = int(os.environ.get("OFFHOOK_FUZZ", "5"))  # scripts/attack does many more
PATHS = sorted(SESSION | frozenset().union(*ENDPOINTS.values()))


class House:
    """A switchboard in a thread, and what it was like."""

    def __init__(self, board: Threaded[Switchboard], complaints: Complaints) -> None:
        self.board = board
        self.complaints = complaints
        self._watch = sqlite3.connect(self.board.it.core.settings.data / "offhook.db", isolation_level=None)
        self._calls = self._seen = 0
        self._token = ""
        self._rows: Rows = {}
        self.first = self.rows()

    @property
    def store(self) -> Store:
        return self.board.it.core.store

    def rows(self) -> Rows:
        """What people have set. SQLite tells cheaply whether anything was written at all."""
        commits = int(self._watch.execute("PRAGMA data_version").fetchone()[0])
        if commits != self._seen:
            self._rows, self._seen = self.board.do(rows_of(self.store, settings_only=True)), commits
        return self._rows

    def close(self) -> None:
        """End watching the store."""
        self._watch.close()

    def send(self, endpoint: Endpoint[Any, Any], sent: Sent) -> tuple[bytes, bytes]:
        """One request with a token that lives, from an address of its own where that is counted."""
        self._calls += 1
        api = self.board.it.api
        api.clock.advance(0.01)
        source = f"127.{self._calls >> 16 & 127}.{self._calls >> 8 & 255}.{self._calls & 255}"
        source = source if endpoint.path in SESSION else "127.0.0.1"
        return self.board.do(sent_to(api.port, endpoint, sent, self.token(), source))

    def token(self) -> str:
        """A token that lives."""
        sessions = self.board.it.core.sessions
        if not sessions.alive(key_of(self._token)):
            self._token = self.board.do(sessions.begin("127.0.0.1", ""))[1].token
        return self._token

    def put_back(self) -> None:
        """As it was at first."""
        self.board.do(put_back(self.store, self.first))


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    complaints = Complaints()
    logging.getLogger("offhook").addHandler(complaints)
    try:
        with threaded(running_switchboard()) as board, contextlib.closing(House(board, complaints)) as made:
            yield made
    finally:
        logging.getLogger("offhook").removeHandler(complaints)


@pytest.mark.parametrize("path", PATHS)
def test_hostile_requests(house: House, path: str) -> None:
    endpoint = house.board.it.api.registry.get(path)
    if endpoint is None:
        pytest.skip("it needs the engine: tests/calls/test_fuzz_live.py")
    state = house.rows()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests_to(endpoint))
    def one(sent: Sent) -> None:
        nonlocal state
        house.complaints.lines.clear()
        head, body = house.send(endpoint, sent)
        assert not (wrong := wrong_in(endpoint, sent, head, body)), f"{path} {sent}: {wrong}"
        assert not house.complaints.lines, f"{path} {sent}"
        if b'"status":"Failed"' not in body:
            state = house.rows()
        else:
            assert house.rows() == state, f"{path} {sent}: refused, and yet something was changed"

    one()
    house.put_back()


BODIES = (
    b"\xff\xfe\x00",
    b"\x80\x81\x82",
    b"[1,2,3]",
    b'"text"',
    b"{" * 5000,
    b'{"a":' * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"number":"1000"',
    b'{"number":"1000"}{"number":"1001"}',
    b"<xml/>",
    b"number=1000&token=x",
    b'{"a":"' + b"\\ud800" * 1000 + b'"}',
    b'{"' + b"k" * 100_000 + b'":1}',
    b"{" + b",".join(b'"k%d":%d' % (one, one) for one in range(20_000)) + b"}",
    b"0" * 500_000,
    b'{"a":1e' + b"9" * 100_000 + b"}",
    b'{"a":' + b"9" * 100_000 + b"}",
    b",}" * 50_000,
)


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from(PATHS),
    body=st.one_of(st.sampled_from(BODIES), st.binary(max_size=300)),
    query=st.one_of(st.just(""), st.text(max_size=40), st.binary(max_size=40)),
    kind=st.sampled_from(
        (b"application/json", b"text/plain", b"multipart/form-data; boundary=x", b"", b"\xff")
    ),
)
def test_bodies_that_are_no_requests(
    house: House, path: str, body: bytes, query: str | bytes, kind: bytes
) -> None:
    """Also bytes in the query as no browser would send them."""
    api = house.board.it.api
    raw = query if isinstance(query, bytes) else query.encode("utf-8", "surrogatepass")
    raw = raw.translate(None, b"\r\n")
    head = b"POST /api/v2.0.0/%s?token=%s&%s HTTP/1.1\r\nHost: x\r\n"
    head += b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n"
    token = house.token()
    api.clock.advance(0.05)
    house.complaints.lines.clear()
    before = house.rows()
    answer, got = house.board.do(
        api.raw(head % (path.encode(), token.encode(), raw, kind, len(body)) + body, source="127.9.9.9")
    )
    house.board.do(api.core.lockout.release("127.9.9.9"))
    assert answer.startswith(b"HTTP/1.1 200"), (path, body[:50], query, answer)
    if b"application/json" in answer:
        assert b'"status":"' in got, got
        assert b'"errno":"20010"' not in got, got
    assert not house.complaints.lines
    if b'"status":"Failed"' in got:
        assert house.rows() == before
    else:
        house.put_back()
