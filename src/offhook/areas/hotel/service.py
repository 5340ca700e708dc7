"""hotel/checkout: a guest leaves, and the room's extension is as new (spec 18-applications, `endpoints`).

What is in the store is changed in one transaction: name, rights, wake-up calls, and the order to empty the
box. The messages lie with the engine, which deletes them after the commit; if it or we are away then, as soon
as both are back. A message that somebody was just leaving then is looked for once more after a while: it is
not for the next guest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import sqlalchemy as sa

from offhook.areas.extensions import queries
from offhook.areas.extensions.many import NotStored, Wanted
from offhook.areas.extensions.model import ExtensionChanged
from offhook.areas.extensions.requests import UpdateExtension
from offhook.areas.extensions.service import ExtensionService
from offhook.areas.hotel.tables import box_emptyings
from offhook.areas.routes.rights import revoke
from offhook.asterisk.switch import SwitchError
from offhook.clock import Clock
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Selection
from offhook.store.unit import Store, UnitOfWork
from offhook.tasks import stop

log = logging.getLogger(__name__)

Forget = Callable[[UnitOfWork, Sequence[str]], object]
"""Deletes what a guest has left behind in the store, such as wake-up calls."""

Empty = Callable[[str, float], Awaitable[None]]
"""Deletes the messages of a box that were left until a time. Raises SwitchError."""

_RETRY_SECONDS = 30.0
_LATE_SECONDS = 3700.0  # no message can be longer, see maxlength in pbxsettings.voicemail_settings


class HotelService:
    """Clears rooms. `retry_seconds` is the pause after which the engine is asked again to empty a box,
    `late_seconds` the time after which it is asked once more in any case."""

    def __init__(
        self,
        store: Store,
        extensions: ExtensionService,
        clock: Clock,
        *,
        forget: Forget,
        empty: Empty,
        retry_seconds: float = _RETRY_SECONDS,
        late_seconds: float = _LATE_SECONDS,
    ) -> None:
        self._store = store
        self._extensions = extensions
        self._clock = clock
        self._forget = forget
        self._empty = empty
        self._retry_seconds = retry_seconds
        self._late_seconds = late_seconds
        self._turn = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def checkout(self, which: Selection) -> None:
        """Empty the boxes, take outbound rights and wake-up calls away, and reset the names.

        Raises ContractError 10006 when one of the extensions does not exist, and then nothing was done.
        """
        changed = await self._store.write("hotel/checkout", lambda unit: self._reset(unit, which))
        await self._extensions.finished(changed)
        await self.empty_boxes()

    def _reset(self, unit: UnitOfWork, which: Selection) -> list[ExtensionChanged]:
        connection = unit.connection
        numbers = queries.select_numbers(connection, which)
        if not which.every and len(numbers) < len(which.names):
            raise ContractError(Errno.NO_SUCH_EXTENSION, "not every extension exists; nothing was done")
        revoke(connection, numbers)
        self._forget(unit, numbers)
        ordered = [{"number": number, "ordered_at": self._clock.now()} for number in numbers]
        if ordered:
            connection.execute(sa.insert(box_emptyings), ordered)
        renamed = [Wanted(UpdateExtension(number=number, username=number)) for number in numbers]
        try:
            return self._extensions.store_in(unit, renamed)
        except NotStored as refused:
            raise refused.failure from None

    async def empty_boxes(self) -> None:
        """Empty the boxes for which that was ordered; what the engine does not do now is tried again."""
        async with self._turn:
            again = float("inf")
            for row in await self._store.read(lambda c: c.execute(sa.select(box_emptyings)).all()):
                try:
                    await self._empty(row.number, row.ordered_at)
                except SwitchError as failure:
                    log.warning("hotel: the box of %s cannot be emptied now: %s", row.number, failure)
                    again = self._retry_seconds
                    continue
                left = row.ordered_at + self._late_seconds - self._clock.now()
                if 0 < left <= self._late_seconds:
                    again = min(again, left)
                else:
                    await self._store.write("hotel: box emptied", partial(_done, identity=row.id))
            if again <= self._late_seconds:
                self._later(again)

    def on_connected(self) -> None:
        """The engine is back, and can be told what was ordered meanwhile."""
        self._begin()

    def _later(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._begin)

    def _begin(self) -> None:
        task = asyncio.create_task(self._carefully(), name="hotel")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carefully(self) -> None:
        try:
            await self.empty_boxes()
        except Exception:
            log.exception("hotel: boxes could not be emptied")
            self._later(self._retry_seconds)

    async def close(self) -> None:
        """End; what was ordered is in the store."""
        if self._timer is not None:
            self._timer.cancel()
        await stop(*self._tasks)


def _done(unit: UnitOfWork, identity: int) -> None:
    unit.connection.execute(sa.delete(box_emptyings).where(box_emptyings.c.id == identity))
