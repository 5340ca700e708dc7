"""The API of a PBX with one object of each kind, which can be put back to what it was at any time."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import sqlalchemy as sa

from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import ContractError
from offhook.contract.params import read_request
from offhook.contract.results import to_wire
from offhook.store.metadata import metadata
from offhook.store.unit import Store, UnitOfWork
from offhook.web.api import failed
from offhook.web.reading import read_body
from tests.contract.cases import DOCUMENT
from tests.support.api import TestApi, running_api
from tests.support.pbx import tone_file

_CALLER = Caller("127.0.0.1", 1, False)
Rows = dict[str, list[dict[str, Any]]]


_WRITTEN_BY_ITSELF = frozenset(
    {
        *("sessions", "login_failures", "receivers", "receiver_sessions", "event_journal", "deliveries"),
        *("phone_addresses", "mails", "mail_attachments", "alarms", "alarm_mails", "box_emptyings"),
        *("cdr", "call_intents", "cel_position", "identity", "console_accounts", "api_settings"),
    }
)


async def rows_of(store: Store, *, settings_only: bool = False) -> Rows:
    """Every row of every table; with `settings_only` without what a PBX writes by itself as it runs."""

    def work(connection: sa.Connection) -> Rows:
        return {
            table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in metadata.sorted_tables
            if not (settings_only and table.name in _WRITTEN_BY_ITSELF)
        }

    return await store.read(work)


async def put_back(store: Store, rows: Rows) -> None:
    """Make these the rows of their tables."""
    tables = [table for table in metadata.sorted_tables if table.name in rows]

    def work(unit: UnitOfWork) -> None:
        for table in reversed(tables):
            unit.connection.execute(sa.delete(table))
        for table in tables:
            if rows[table.name]:
                unit.connection.execute(sa.insert(table), rows[table.name])

    await store.write("test: put back", work)


class Switchboard:
    """The API with an object of each kind. `restore` brings back what `remember` saw last."""

    def __init__(self, api: TestApi, token: str) -> None:
        self.api = api
        self.core = api.core
        self.token = token
        self._watch = sqlite3.connect(api.core.settings.data / "offhook.db", isolation_level=None)
        self._first: Rows = {}  # as it was made
        self._rows: Rows = {}
        self._seen = 0

    def close(self) -> None:
        """End watching the store."""
        self._watch.close()

    def endpoint(self, path: str) -> Endpoint[Any, Any]:
        """A declared endpoint."""
        found = self.api.registry.get(path)
        assert found is not None, path
        return found

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """One request; values are sent as they are, whatever their type."""
        return await self.api.post(f"{path}?token={self.token}", body)

    async def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """As `post`, without the network: what fails inside is raised here."""
        endpoint = self.endpoint(path)
        try:
            request = read_request(endpoint.request, read_body(json.dumps(body).encode()))
            wire = to_wire(await endpoint.handler(_CALLER, request))
        except ContractError as refused:
            return dict(failed(refused.errno, refused.detail))
        assert isinstance(wire, dict)
        return {"status": "Success", **wire}

    async def ok(self, path: str, **body: Any) -> dict[str, Any]:
        """One request that has to succeed."""
        answer = await self.post(path, body)
        assert answer["status"] == "Success", (path, body, answer)
        return answer

    async def refused(self, path: str, errno: int, **body: Any) -> str:
        """One request that has to fail with `errno` and to change nothing; returns the text for people."""
        answer = await self.post(path, body)
        assert (answer["status"], answer.get("errno")) == ("Failed", str(errno)), (path, body, answer)
        assert not await self.has_changed(), (path, body)
        return str(answer["errmsg"])

    async def remember(self) -> None:
        """What is there now is what `restore` brings back."""
        self._rows = await rows_of(self.core.store)
        self._first = self._first or self._rows
        self._seen = self._commits()

    async def begin_again(self) -> None:
        """Bring back what was there when the switchboard was made."""
        if self._rows is not self._first:
            self._rows, self._seen = self._first, 0
        await self.restore()

    async def has_changed(self) -> bool:
        """Whether any row of any table is another one than at first.

        SQLite tells another connection cheaply whether anything was committed at all.
        """
        if self._commits() == self._seen:
            return False
        changed = await rows_of(self.core.store) != self._rows
        if not changed:
            self._seen = self._commits()
        return changed

    async def restore(self) -> None:
        """Bring every row back to what it was."""
        if self._commits() == self._seen:
            return

        await put_back(self.core.store, self._rows)
        self._seen = self._commits()

    def _commits(self) -> int:
        return int(self._watch.execute("PRAGMA data_version").fetchone()[0])


@contextlib.asynccontextmanager
async def running_switchboard(document: str = DOCUMENT) -> AsyncIterator[Switchboard]:
    """A switchboard for the time of a block, with what a document declares."""
    async with running_api() as running:
        await running.core.prompts.store("welcome", tone_file(440, 0.1), "welcome.wav")
        await running.core.apply.apply(document)
        api = Switchboard(running, await running.login())
        await api.remember()
        try:
            yield api
        finally:
            api.close()
