"""A dispatcher on a store, without a PBX around it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from offhook.clock import Clock
from offhook.dialplan import views
from offhook.events.addresses import Addresses
from offhook.events.api import Dialect, Event, ExtensionStatus, NewCdr, Target
from offhook.events.dispatcher import Dispatcher
from offhook.events.settings import EventSettings, Replay, ReportMethod
from offhook.store.migrate import open_store
from offhook.store.unit import Store

CDR = NewCdr(
    callid="1.1",
    timestart="2026-01-01 00:00:00",
    callfrom="1000",
    callto="1001",
    call_seconds=1,
    talk_seconds=1,
    status="ANSWERED",
    type="Internal",
)


class Bench:
    """A dispatcher on a store; sessions live until a test ends them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.dead: set[str] = set()
        self.logins: list[tuple[str, str]] = []
        self.dispatcher = self._make()

    def _make(self) -> Dispatcher:
        async def check_login(username: str, secret: str, _address: str, _port: int) -> bool:
            self.logins.append((username, secret))
            return secret == "right"

        return Dispatcher(
            self.store,
            Clock(),
            sn=lambda: "123456789012",
            gate=lambda event: not (isinstance(event, ExtensionStatus) and event.extension == "9"),
            alive=lambda session: session not in self.dead,
            check_login=check_login,
            addresses=Addresses(),
        )

    async def again(self) -> None:
        """Another life of the control plane on the same store."""
        await self.dispatcher.close()
        self.dispatcher = self._make()
        await self.dispatcher.start("127.0.0.1", ReportMethod.HTTP, 0)

    async def receiver(self, session: str, port: int, dialect: Dialect = Dialect.V2_0_0) -> None:
        await self.dispatcher.register(session, Target("http", "127.0.0.1", port, "/"), dialect)

    def tell(self, event: Event) -> None:
        self.dispatcher.publish_soon(event)

    async def record(self, event: NewCdr = CDR) -> None:
        await self.store.write("record", lambda unit: self.dispatcher.publish(unit, event))

    def choose(self, replay: Replay) -> None:
        """What operators have chosen."""
        self.dispatcher.configure(EventSettings(replay=replay))


@asynccontextmanager
async def running_bench(folder: Path) -> AsyncIterator[Bench]:
    """One for the time of a block."""
    store = open_store(folder / "events.db", views())
    made = Bench(store)
    await made.dispatcher.start("127.0.0.1", ReportMethod.HTTP, 0)
    try:
        yield made
    finally:
        await made.dispatcher.close()
        store.close()
