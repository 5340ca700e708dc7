"""What one receiver has to get that is not in memory: read from the store, before what comes meanwhile.

A worker that is not live is behind. It then reads in rounds: all that is committed at the round's begin, in
order, a part at a time as there is room; events that come meanwhile are held back, and follow after it. When
more comes than can be held, durable events stay in the store for the next round, and live ones are lost to
this receiver, except where everything is replayed. So whoever is far behind reads what it can take, no more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from offhook.events.api import FEED_ONLY
from offhook.events.item import Item
from offhook.tasks import stop

log = logging.getLogger(__name__)

_READ_ON_BELOW = 200
_AT_ONCE = 200
_RETRY_SECONDS = 1.0

Read = Callable[[int, int | None, int, int], Awaitable[Sequence[Item]]]
"""Reads what is owed above a number, all else above a second one unless it is None, up to a third."""


class Backlog:
    """What one receiver has missed. `last` is the newest committed number, `unseen` what was told and is not
    committed; `wanted` tells whether an item is for this receiver."""

    def __init__(
        self,
        read: Read,
        *,
        last: Callable[[], int],
        unseen: Callable[[], Sequence[Item]],
        wanted: Callable[[Item], bool],
    ) -> None:
        self._read = read
        self._last = last
        self._unseen = unseen
        self._wanted = wanted
        self._put: Callable[[Item], None] = self._nowhere
        self._pump: Callable[[], None] = lambda: None
        self.behind = True
        self.replayed_upto = 0
        """Live events up to this number are replayed: they are kept as durable ones are."""
        self.mine: set[Item] = set()
        """Items in memory, and those settled of which the store does not know it yet."""
        self._held: list[Item] = []
        self._holding = False
        self._round = 0
        self._after = self._upto = 0
        self._live_after: int | None = None
        self._floor = 0
        self._newest: Item | None = None
        self._task: asyncio.Task[None] | None = None
        self._released: list[Item] = []

    @staticmethod
    def _nowhere(_item: Item) -> None:
        raise RuntimeError("the backlog has no worker")

    def attach(self, put: Callable[[Item], None], pump: Callable[[], None]) -> None:
        """Say where what is read goes, and who has to look at it then."""
        self._put, self._pump = put, pump

    @property
    def held(self) -> int:
        """How many events are held back."""
        return len(self._held)

    def handed(self, item: Item) -> None:
        """A live event was taken while the receiver was there: it misses what comes after the last one."""
        self._newest = item

    def position(self) -> int:
        """Up to where the receiver is served: no live event up to this number is missed or on its way."""
        if self._live_after is not None:
            upto = max(self._after, self._live_after)
        elif self._newest is None:
            upto = self._floor
        else:
            upto = self._newest.seq or self._last()
        return min([upto, *(item.seq - 1 for item in self.mine if item.seq and not item.durable)])

    def begin(self, live_after: int | None, lost: Sequence[Item] = (), *, anew: bool = False) -> int:
        """Begin a round. `live_after`: live events above this number are replayed, those `lost` from memory
        among them; None: none are. With `anew` nothing is read up to the number that is returned."""
        self._live_after = live_after
        if live_after is None:
            self._floor, self._newest = self._last(), None
        self._begin_round(lost)
        if anew:
            self._after = self._upto
        return self._upto

    def _missed(self, lost: Sequence[Item]) -> list[Item]:
        """What was told, is not committed, and has to come."""
        unseen = self._unseen()
        at = next((at for at, item in enumerate(unseen, 1) if item is self._newest), 0)
        return [
            item
            for number, item in enumerate(unseen, 1)
            if item not in self.mine
            and (item.durable or (self._live_after is not None and (number > at or item in lost)))
            and self._wanted(item)
        ]

    def _begin_round(self, lost: Sequence[Item] = ()) -> None:
        self.forget(self._held)
        self._round += 1
        self.behind = self._holding = True
        self._after, self._upto = 0, self._last()
        if self._live_after is not None:
            self.replayed_upto = self._upto
        self._held = self._missed(lost)
        self.mine.update(self._held)

    def fall_behind(self) -> None:
        """Take nothing more directly; what is owed stays in the store."""
        self.behind, self._holding = True, False

    def hold(self, item: Item, most: int) -> bool:
        """Keep an event for the end of the round; tells whether this receiver can still get it."""
        if self._holding and len(self._held) < most:
            self._held.append(item)
            self.mine.add(item)
            return True
        self._holding = False
        return item.durable or self._live_after is not None

    def release(self, item: Item) -> None:
        """An item is neither in memory nor owed any more."""
        if self._task is not None:
            self._released.append(item)  # what is being read may still show it as owed
        else:
            self.mine.discard(item)

    def forget(self, items: Iterable[Item]) -> None:
        """Items are not in memory any more, and may be read again."""
        self.mine.difference_update(items)

    def read_on(self, waiting: int) -> None:
        """Read the next part if there is room, `waiting` being how many events wait in memory."""
        if self._task is not None or waiting >= _READ_ON_BELOW:
            return
        if not self._holding and not self._held:
            self._begin_round()
        self._task = asyncio.create_task(self._read_part(self._round), name="events-backlog")

    async def _read_part(self, turn: int) -> None:
        rows: Sequence[Item] = ()
        whole = False
        try:
            rows = await self._read(self._after, self._live_after, self._upto, _AT_ONCE)
            whole = True
        except Exception:
            log.exception("events: what a receiver has missed could not be read")
            await asyncio.sleep(_RETRY_SECONDS)
        finally:
            known = {item.seq for item in self.mine}
            self._task = None
            self.mine.difference_update(self._released)
            self._released.clear()
        if whole and turn == self._round and self.behind:
            for item in rows:
                self._after = item.seq
                if item.seq not in known and not isinstance(item.event, FEED_ONLY):
                    self._put(item)
            if len(rows) < _AT_ONCE:
                self._end_round()
        self._pump()

    def _end_round(self) -> None:
        held, self._held = self._held, []
        if self._holding:
            self.behind = self._holding = False
            if self._live_after is not None:
                self._live_after, self._floor = None, self._upto
                self._newest = next((item for item in reversed(held) if not item.durable), None)
        elif self._live_after is not None:
            # all of it is in the journal, and more: the next round reads it from there
            self._live_after, self._newest = self._upto, None
            self.forget(held)
            return
        for item in held:
            self._put(item)

    async def close(self) -> None:
        """Read nothing more."""
        await stop(self._task)
