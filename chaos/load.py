"""Calls at a rate, half dialled on phones and half through the API, beside changes that are acknowledged.

What is known for sure is kept apart from what a fault left open: a call that was sent when the engine died
may have a record or not, one that was answered has one.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from tests.support.phone import Call, Phone, eventually

from chaos.house import UNREACHABLE, House, hang_up, talking

PAIRS = 40
TALKS = 3
_ANSWER_SECONDS = 8.0
_CHANGE_SECONDS = 0.1
_CONTACTS_MAX = 50


@dataclass
class Pair:
    """Two phones, of which one calls the other again and again, on the phone or through the API."""

    caller: Phone
    callee: Phone
    by_phone: bool
    certain: int = 0  # calls that have to have a record
    unknown: int = 0  # calls that may have one
    promised: list[str] = field(default_factory=list)  # callids that the API has told
    call: Call | None = None  # the caller's leg of a call that is up
    busy: bool = False

    def free(self) -> None:
        """Let go of the calls that were."""
        self.call = None
        self.caller.forget_calls()
        self.callee.forget_calls()
        self.busy = False


@dataclass(frozen=True)
class Failed:
    """A call that came to nothing; from when to when, on the monotonic clock."""

    begin: float
    end: float
    by_phone: bool


class Load:
    """`async with Load(house, chance) as load`: from begin to end of the block the PBX has work.

    `rate` is in calls per second; it is less where all pairs are busy, and what came of it is in `calls`.
    At the end all calls are hung up.
    """

    def __init__(
        self, house: House, chance: random.Random, *, rate: float = 20.0, pairs: int = PAIRS
    ) -> None:
        self.house = house
        self.rate = rate
        self.pairs: list[Pair] = []
        self.talks: list[Call] = []
        self.calls = 0
        self.failed: list[Failed] = []
        self.broken: set[int] = set()  # calls, by id(), that the other side ended before we did
        self.acknowledged: dict[str, str] = {}  # contacts that are there, by id: name
        self.removed: set[str] = set()
        self.changes = 0
        self.refused: Counter[str] = Counter()  # errnos of changes and calls that were refused
        self.last_dial = 0.0  # begin of the last call/dial that was taken (monotonic)
        self.slowest = 0.0  # answer of the API, seconds
        self._chance = chance
        self._pair_count = pairs
        self._tasks: set[asyncio.Task[None]] = set()
        self._runs: list[asyncio.Task[None]] = []
        self._stopping = False
        self._held: dict[int, Call] = {}
        self._talkers: list[Phone] = []

    async def __aenter__(self) -> Self:
        numbers = await self.house.extensions(2 * self._pair_count + 2 * TALKS)
        for at in range(self._pair_count):
            one, other = [await self.house.phone(n, audio=False) for n in numbers[2 * at : 2 * at + 2]]
            self.pairs.append(Pair(one, other, by_phone=at % 2 == 0))
        self._talkers = [
            await self.house.phone(number, frequency=(500, 700)[at % 2])
            for at, number in enumerate(numbers[2 * self._pair_count :])
        ]
        await self.begin_talks()
        self._runs = [asyncio.create_task(self._dial()), asyncio.create_task(self._change())]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def begin_talks(self) -> None:
        """Let those who talk for long, and are heard, begin; anew when the engine has ended their calls."""
        for phone in self._talkers:
            phone.forget_calls()
        self.talks = [await talking(*self._talkers[at : at + 2]) for at in range(0, 2 * TALKS, 2)]
        self.calls += TALKS

    async def stop(self) -> None:
        """Begin no more calls, and wait until those that are up have ended; once is enough."""
        self._stopping = True
        await asyncio.gather(*self._runs)
        await asyncio.gather(*self._tasks)
        await asyncio.gather(*(hang_up(call) for call in self.talks))

    # -- what goes on under a fault -----------------------------------------------------------------------

    def hold(self) -> None:
        """A fault begins: the calls that are up now are those that can go on."""
        up = [pair.call for pair in self.pairs if pair.call is not None and pair.call.is_up]
        self._held = {id(call): call for call in [*up, *(call for call in self.talks if call.is_up)]}

    def held(self) -> tuple[int, int]:
        """Of the calls that were up at `hold`: how many, and how many have gone on until now or their end."""
        gone = [
            key
            for key, call in self._held.items()
            if key in self.broken or (call in self.talks and call.ended)
        ]
        return len(self._held), len(self._held) - len(gone)

    async def dials_again(self, seconds: float = 60.0) -> None:
        """Wait until a call is begun that the API is asked for from now on: the engine does as told."""
        since = time.monotonic()
        await eventually(lambda: self.last_dial > since, "calls are begun again", seconds)

    async def talks_are_heard(self) -> None:
        """Wait until each of the talks is heard, so that what went on is more than a state."""
        for call in self.talks:
            call.rtp.forget()
        for call in self.talks:
            await call.hears(700)

    # -- calls --------------------------------------------------------------------------------------------

    async def _dial(self) -> None:
        begin, turn = time.monotonic(), 0
        while not self._stopping:
            turn += 1
            await asyncio.sleep(max(0.0, begin + turn / self.rate - time.monotonic()))
            free = [pair for pair in self.pairs if not pair.busy]
            if not free:
                continue
            pair = self._chance.choice(free)
            pair.busy = True
            task = asyncio.create_task(self._one(pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _one(self, pair: Pair) -> None:
        begin = time.monotonic()
        try:
            done = await (self._by_phone(pair) if pair.by_phone else self._by_api(pair))
        except TimeoutError:
            done = False
        if not done:
            self.failed.append(Failed(begin, time.monotonic(), pair.by_phone))
        for call in (*pair.caller.calls, *pair.callee.calls):
            await hang_up(call)
        pair.free()

    async def _by_phone(self, pair: Pair) -> bool:
        pair.unknown += 1
        self.calls += 1
        call = await pair.caller.call(pair.callee.number, seconds=_ANSWER_SECONDS)
        await eventually(lambda: call.is_up or call.ended, "it is answered", _ANSWER_SECONDS)
        if not call.is_up:
            return False
        pair.unknown -= 1
        pair.certain += 1
        await self._talk(pair, call)
        return True

    async def _by_api(self, pair: Pair) -> bool:
        body = {"caller": pair.caller.number, "callee": pair.callee.number}
        begin = time.monotonic()
        pair.unknown += 1
        self.calls += 1
        try:
            answer = await self.house.client.post("call/dial", body)
        except UNREACHABLE:
            self.calls -= 1  # nobody was there to be asked; whether it began nobody knows
            return True
        self.slowest = max(self.slowest, time.monotonic() - begin)
        if answer["status"] != "Success":
            self.refused[answer["errno"]] += 1
            self.calls -= 1
            pair.unknown -= 1
            return True
        self.last_dial = max(self.last_dial, begin)
        pair.unknown -= 1
        pair.certain += 1
        pair.promised.append(answer["callid"])
        await eventually(lambda: any(c.is_up for c in pair.callee.calls), "it is answered", _ANSWER_SECONDS)
        await self._talk(pair, next(c for c in pair.caller.calls if c.incoming))
        return True

    async def _talk(self, pair: Pair, call: Call) -> None:
        pair.call = call
        await asyncio.sleep(self._chance.uniform(0.2, 1.5))
        if call.ended:
            self.broken.add(id(call))
        pair.call = None
        await hang_up(call)

    # -- changes ------------------------------------------------------------------------------------------

    async def _change(self) -> None:
        turn = 0
        while not self._stopping:
            await asyncio.sleep(_CHANGE_SECONDS)
            turn += 1
            begin = time.monotonic()
            try:
                if len(self.acknowledged) < _CONTACTS_MAX:
                    await self._add(f"n{turn}")
                else:
                    await self._remove(next(iter(self.acknowledged)))
            except UNREACHABLE:
                continue
            self.slowest = max(self.slowest, time.monotonic() - begin)

    async def _add(self, name: str) -> None:
        body = {"firstname": name, "lastname": "Chaos", "mobile": "12345"}
        answer = await self.house.client.post("companycontacts/add", body)
        if answer["status"] == "Success":
            self.acknowledged[str(answer["id"])] = name
            self.changes += 1
        else:
            self.refused[answer["errno"]] += 1

    async def _remove(self, contact: str) -> None:
        self.acknowledged.pop(contact)  # from now on it may be gone
        answer = await self.house.client.post("companycontacts/delete", {"id": contact})
        if answer["status"] == "Success":
            self.removed.add(contact)
            self.changes += 1
        else:
            self.refused[answer["errno"]] += 1

    async def lost_changes(self) -> list[str]:
        """Acknowledged changes that are not there."""
        there: dict[str, str] = {}
        with contextlib.suppress(KeyError):
            answer = await self.house.client.post("companycontacts/query", {"id": "all"})
            there = {str(one["id"]): one["firstname"] for one in answer["companycontacts"]}
        lost = [f"contact {key}" for key, name in self.acknowledged.items() if there.get(key) != name]
        return lost + [f"removal of {key}" for key in self.removed if key in there]
