"""The journal as a feed: whoever has a position reads on from there, and misses nothing that is still kept.

    reader ── read ──► journal.after (from memory, unless far behind) ──► wanted ──► encoded once for all
           ── grown ─► waits for the next commit

A reader has no queue: one that is slow is only behind, one that is behind what is kept is told of the gap.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from offhook.events.dialect import Dialect
from offhook.events.encoding import encode
from offhook.events.journal import Entry, Journal
from offhook.events.wanted import WIRE_KINDS, Wanted, wanted

GAP = "gap"
PAGE = 100
_ENCODED_MAX = 2000


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One event of the feed. `data` is the JSON of the contract's format 2.0.0 on one line, `at` the time in
    seconds since the epoch, `id` the position behind it, `lane` what it stays in order with."""

    id: int
    kind: str
    at: float
    data: bytes
    lane: str = ""


class FeedReader:
    """One reader. `position` is the number up to which it has seen everything that it wants."""

    def __init__(self, feed: Feed, journal: Journal, position: int, want: Wanted) -> None:
        self._feed = feed
        self._journal = journal
        self.position = position
        self.want = want

    async def read(self) -> list[FeedItem]:
        """The next events, at most PAGE; empty when there are none now. Raises OSError and StoreError."""
        last = self._journal.last()
        if self.position > last:
            return [self._gap(last + 1, self.position, "unknown", last)]
        entries = await self._journal.after(self.position, PAGE, self.want.kinds)
        first = self._journal.first()  # after reading: what went meanwhile was not read
        if self.position + 1 < first:
            return [self._gap(self.position + 1, first - 1, "expired", first - 1)]
        upto = entries[-1].seq if entries else last
        self.position = upto if len(entries) >= PAGE else max(upto, last)
        return [self._feed.item(entry) for entry in entries if self.want.has(entry.event)]

    async def grown(self) -> None:
        """Wait until there may be something to read."""
        await self._journal.grown(self.position)

    def _gap(self, begin: int, end: int, reason: str, position: int) -> FeedItem:
        self.position = position
        body = {"event": GAP, "from": str(begin), "to": str(end), "reason": reason}
        return FeedItem(position, GAP, self._feed.now(), json.dumps(body, separators=(",", ":")).encode())


class Feed:
    """Makes readers. `sn` is the PBX's serial number, `now` the time."""

    def __init__(self, journal: Journal, sn: Callable[[], str], now: Callable[[], float]) -> None:
        self._journal = journal
        self._sn = sn
        self.now = now
        self._encoded: OrderedDict[int, FeedItem] = OrderedDict()

    def open(self, after: int | None, kinds: str, extension: str) -> FeedReader:
        """A reader of what comes after a position, None for what comes from now on.

        `kinds` are joined by commas. Raises ValueError for what cannot be wanted.
        """
        want = wanted(kinds.split(","), extension)
        return FeedReader(self, self._journal, self._journal.last() if after is None else after, want)

    def last(self) -> int:
        """The position behind everything that there is."""
        return self._journal.last()

    def keeps(self, number: int) -> bool:
        """Whether an event is still kept."""
        return number >= self._journal.first()

    def item(self, entry: Entry) -> FeedItem:
        """An entry as it is sent; encoded once, however many read it."""
        known = self._encoded.get(entry.seq)
        if known is None:
            (data,) = encode(entry.event, Dialect.V2_0_0, self._sn())
            lane = entry.callid or getattr(entry.event, "extension", "") or entry.kind
            known = FeedItem(entry.seq, WIRE_KINDS[entry.kind], entry.created, data, lane)
            self._encoded[entry.seq] = known
            if len(self._encoded) > _ENCODED_MAX:
                self._encoded.popitem(last=False)
        return known
