"""The worker of one receiver, with a receiver that is scripted: nothing here is real but the order."""

from __future__ import annotations

import asyncio
import heapq
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offhook.callstate.model import ExtensionState, Member, PartyKind
from offhook.clock import ManualClock
from offhook.events.api import CallStatus, Dialect, Event, ExtensionStatus, NewCdr, Satisfaction, Target
from offhook.events.backlog import Backlog
from offhook.events.http_push import Done, Outcome, Try
from offhook.events.item import Item, item_of
from offhook.events.lanes import Lanes
from offhook.events.settings import Replay
from offhook.events.stored import from_json, to_json
from offhook.events.worker import Ties, Worker
from tests.support.delivery import CDR as SAMPLE

CDR = replace(SAMPLE, callid="")
OK = Try(Outcome.OK)
ANSWERS = (
    OK,
    Try(Outcome.FAILED, "status 500"),
    Try(Outcome.UNREACHABLE, "no connection"),
    Try(Outcome.TAKEN, "no answer in time", silent=True),
    Try(Outcome.REFUSED, "status 400"),
)


class Handle:
    """A timer that can be called off."""

    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Stage:
    """A worker, its receiver, a journal and the time; another life of the worker keeps the last two."""

    def __init__(self, replay: Replay = Replay.RECORDS) -> None:
        self.clock = ManualClock()
        self.replay = replay
        self.journal: list[Item] = []
        self.owed: set[int] = set()
        self.unseen: list[Item] = []
        self.alive = True
        self.on_the_way: list[tuple[bytes, Done]] = []
        self.arrived: list[bytes] = []
        self.lost: list[tuple[bytes, str]] = []
        self.most_on_the_way = 0
        self.last = False
        self._timers: list[tuple[float, int, Handle, Callable[[], None]]] = []
        self._made = 0
        self.worker = self._life()

    def _life(self) -> Worker:
        backlog = Backlog(
            self._read, last=lambda: len(self.journal), unseen=lambda: self.unseen, wanted=lambda _item: True
        )
        ties = Ties(
            sn=lambda: "1",
            clock=self.clock,
            push=self._push,
            later=self._later,
            crowded=lambda: False,
            alive=lambda: self.alive,
            settled=self._settled,
            first_answer=lambda: None,
            keep_seconds=lambda: 3600.0,
        )
        return Worker(Target("http", "127.0.0.1", 1, "/"), Dialect.V2_0_0, ties, backlog, answers=True)

    async def _read(self, after: int, live_after: int | None, upto: int, limit: int) -> Sequence[Item]:
        await asyncio.sleep(0)
        found = []
        for item in self.journal[:upto]:
            live = not item.durable and live_after is not None and item.seq > live_after
            if item.seq > after and (item.seq in self.owed or live):
                event = from_json(item.kind, to_json(item.event))
                found.append(item_of(event, item.created, seq=item.seq, lane=item.lane))
        await asyncio.sleep(0)
        return found[:limit]

    def _later(self, seconds: float, call: Callable[[], None]) -> Handle:
        handle = Handle()
        self._made += 1
        heapq.heappush(self._timers, (self.clock.monotonic() + seconds, self._made, handle, call))
        return handle

    def _push(self, target: Target, data: bytes, answer_seconds: float, done: Done, *, last: bool) -> None:
        self.last = last
        self.on_the_way.append((data.partition(b"\r\n\r\n")[2], done))
        self.most_on_the_way = max(self.most_on_the_way, len(self.on_the_way))

    def _settled(self, item: Item, reason: str) -> None:
        if reason:
            told = to_json(item.event).encode() if reason != "it cannot be written" else b""
            self.lost.append((told, reason))
        if item.durable:
            if item.seq:
                self.owed.discard(item.seq)
                self.worker.backlog.release(item)
            else:
                item.early.append((1, reason))

    # -- the script -----------------------------------------------------------------------------------

    def tell(self, event: Event, lane: str = "") -> None:
        item = item_of(event, self.clock.now(), lane=lane, told=self.clock.monotonic())
        if isinstance(event, NewCdr):
            self.commit()
            self._commit(item)
            self.worker.take(item)
            return
        self.unseen.append(item)
        if item.durable or self.alive:
            self.worker.take(item)
        item.sent = True

    def _commit(self, item: Item) -> None:
        self.journal.append(item)
        item.seq = len(self.journal)
        if item.durable and not item.early:
            self.owed.add(item.seq)
        elif item.durable:
            self.worker.backlog.release(item)

    def commit(self) -> None:
        """Live events get their numbers."""
        unseen, self.unseen = self.unseen, []
        for item in unseen:
            self._commit(item)

    def answer(self, which: int, result: Try) -> None:
        if not self.on_the_way:
            return
        body, done = self.on_the_way.pop(which % len(self.on_the_way))
        if result.outcome is Outcome.OK:
            self.arrived.append(body)
        done(result)

    def pass_time(self, seconds: float) -> None:
        until = self.clock.monotonic() + seconds
        while self._timers and self._timers[0][0] <= until:
            due, _, handle, call = heapq.heappop(self._timers)
            self.clock.advance(max(0.0, due - self.clock.monotonic()))
            if not handle.cancelled:
                call()
        self.clock.advance(max(0.0, until - self.clock.monotonic()))

    def lapse(self) -> None:
        self.alive = False

    async def log_in(self) -> None:
        if not self.alive:
            self.alive = True
            self.worker.resume(self.replay, self.worker.backlog.position())
        await self.settle()

    async def restart(self) -> None:
        """Killed: what was in memory is gone, also what had not been committed, and what was on its way."""
        position = self.worker.backlog.position()
        self.unseen.clear()
        self.on_the_way.clear()
        self._timers.clear()
        self.worker.close()
        self.worker = self._life()
        if self.alive:
            self.worker.resume(self.replay if self.replay is Replay.ALL else Replay.RECORDS, position)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(12):
            await asyncio.sleep(0)

    async def finish(self) -> None:
        """Let everything arrive."""
        await self.log_in()
        for _ in range(600):
            self.commit()
            await self.settle()
            while self.on_the_way:
                self.answer(0, OK)
            self.pass_time(1.0)
            if not self.worker.waiting and not self.worker.backlog.behind and not self.unseen:
                return
        raise AssertionError("it does not come to an end")


MARK = re.compile(rb"([abc])#([0-9]+)")


class Calls:
    """Makes the events of three calls, each with its call and number written into it."""

    def __init__(self) -> None:
        self.count = dict.fromkeys("abc", 0)

    def event(self, call: str, kind: str) -> tuple[Event, str]:
        self.count[call] += 1
        mark = f"{call}#{self.count[call]}"
        if kind == "extension":
            return ExtensionStatus(f"1{call}", ExtensionState.BUSY, mark), call
        if kind == "live":
            return CallStatus(call, (Member(kind=PartyKind.EXT, channelid=mark, number=f"2{call}"),)), ""
        if kind == "survey":
            return Satisfaction(call, mark), ""
        return replace(CDR, callid=call, pincode=mark, callfrom=f"1{call}"), ""


def marks(bodies: Iterable[bytes]) -> list[tuple[str, int]]:
    """Call and number of each."""
    found = [match for body in bodies if (match := MARK.search(body))]
    return [(match[1].decode(), int(match[2])) for match in found]


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("tell"), st.sampled_from("abc"), st.sampled_from(["live", "extension", "survey", "cdr"])
        ),
        st.tuples(st.just("answer"), st.integers(0, 20), st.sampled_from(ANSWERS)),
        st.tuples(st.just("commit")),
        st.tuples(st.just("time"), st.sampled_from([0.1, 0.6, 3.0, 40.0])),
        st.tuples(st.just("lapse")),
        st.tuples(st.just("login")),
        st.tuples(st.just("restart")),
        st.tuples(st.just("read")),
    ),
    max_size=60,
)


async def play(steps: Sequence[tuple[object, ...]], replay: Replay) -> tuple[Stage, set[tuple[str, int]]]:
    """Play a script; returns what came of it, and what was told of durable events that were committed."""
    stage, calls = Stage(replay), Calls()
    stage.worker.resume(replay, 0)
    durable: set[tuple[str, int]] = set()
    for step in steps:
        match step:
            case ("tell", str(call), str(kind)):
                event, lane = calls.event(call, kind)
                stage.tell(event, lane)
                if kind == "cdr":
                    durable.add((call, calls.count[call]))
            case ("answer", int(which), Try() as result):
                stage.answer(which, result)
            case ("commit",):
                stage.commit()
            case ("time", float(seconds)):
                stage.pass_time(seconds)
            case ("lapse",):
                stage.lapse()
            case ("login",):
                await stage.log_in()
            case ("restart",):
                await stage.restart()
            case _:
                await stage.settle()
    await stage.finish()
    return stage, durable


@given(STEPS, st.sampled_from([Replay.RECORDS, Replay.ALL]))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_is_out_of_order_within_a_call(steps: list[tuple[object, ...]], replay: Replay) -> None:
    """Whatever fails, is retried, lapses, is replayed or killed: of a call nothing comes after what is newer,
    and every record that was committed arrives, unless the receiver itself refused it."""
    stage, durable = asyncio.run(play(steps, replay))
    arrived = marks(stage.arrived)
    for call in "abc":
        numbers = [number for name, number in arrived if name == call]
        assert numbers == sorted(numbers)
        assert replay is Replay.ALL or len(numbers) == len(set(numbers))
    refused = set(marks(body for body, why in stage.lost if why.startswith("refused")))
    assert durable - refused <= set(arrived)
    assert not stage.owed
    assert stage.most_on_the_way <= 16


def test_calls_do_not_wait_for_each_other() -> None:
    async def story() -> list[str]:
        stage, calls = Stage(), Calls()
        stage.worker.resume(Replay.RECORDS, 0)
        await stage.settle()
        for call, kind in (("a", "live"), ("a", "live"), ("b", "live"), ("a", "cdr"), ("c", "live")):
            stage.tell(*calls.event(call, kind))
        return [f"{call}{number}" for call, number in marks(body for body, _ in stage.on_the_way)]

    assert asyncio.run(story()) == ["a1", "b1", "c1"]


def test_what_does_not_fit_stays_in_the_store_and_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty places and 150 events: live ones are lost, records are not, and none overtakes another."""
    monkeypatch.setattr("offhook.events.worker.QUEUE_MAX", 20)
    monkeypatch.setattr("offhook.events.backlog._READ_ON_BELOW", 10)
    monkeypatch.setattr("offhook.events.backlog._AT_ONCE", 10)

    async def story() -> Stage:
        stage, calls = Stage(), Calls()
        stage.worker.resume(Replay.RECORDS, 0)
        await stage.settle()
        for turn in range(150):
            stage.tell(*calls.event("abc"[turn % 3], "cdr" if turn % 5 == 0 else "live"))
            assert stage.worker.waiting <= 40
            if turn % 7 == 0:
                stage.answer(0, OK)
                await stage.settle()
        await stage.finish()
        return stage

    stage = asyncio.run(story())
    arrived = marks(stage.arrived)
    for call in "abc":
        numbers = [number for name, number in arrived if name == call]
        assert numbers == sorted(set(numbers))
    assert sum(b"NewCdr" in body for body in stage.arrived) == 30
    assert stage.lost
    assert {why for _, why in stage.lost} <= {"queue full", "expired"}


def test_a_receiver_that_is_away_gets_one_try_at_a_time() -> None:
    async def story() -> Stage:
        stage, calls = Stage(), Calls()
        stage.worker.resume(Replay.RECORDS, 0)
        await stage.settle()
        for call in "abc":
            stage.tell(*calls.event(call, "cdr"))
        for _ in range(3):
            stage.answer(0, Try(Outcome.UNREACHABLE, "no connection"))
        assert stage.on_the_way == []
        stage.worker.heard_of()
        assert len(stage.on_the_way) == 1
        stage.answer(0, Try(Outcome.UNREACHABLE, "no connection"))
        stage.pass_time(0.3)
        assert stage.on_the_way == []
        stage.pass_time(2.0)
        assert len(stage.on_the_way) == 1
        assert stage.worker.failing_since is not None
        stage.answer(0, OK)
        assert stage.worker.failing_since is None
        assert len(stage.on_the_way) == 2
        return stage

    assert asyncio.run(story()).worker.failed == 4


def test_a_clock_that_is_set_expires_nothing_and_makes_nobody_fail_for_long() -> None:
    async def story() -> Stage:
        stage, calls = Stage(), Calls()
        stage.worker.resume(Replay.RECORDS, 0)
        await stage.settle()
        for kind in ("live", "cdr"):
            stage.tell(*calls.event("a", kind))
        stage.answer(0, Try(Outcome.FAILED, "status 500"))
        stage.clock.settled()
        stage.clock.set_by(30 * 86400)
        assert stage.worker.failing_for == 0
        stage.pass_time(2.0)
        assert 1 < stage.worker.failing_for < 3
        for _ in range(5):
            stage.answer(0, OK)
        stage.tell(*calls.event("b", "live"))
        stage.answer(0, Try(Outcome.FAILED, "status 500"))
        stage.clock.set_by(-31 * 86400)
        stage.pass_time(61)
        stage.answer(0, Try(Outcome.FAILED, "status 500"))
        stage.pass_time(5)
        return stage

    stage = asyncio.run(story())
    assert len(stage.arrived) == 2
    assert [why for _, why in stage.lost] == ["expired"], "after a minute, as always"


def test_begun_anew_nothing_old_comes() -> None:
    async def story() -> Stage:
        stage, calls = Stage(Replay.NONE), Calls()
        stage.worker.resume(Replay.NONE, 0)
        await stage.settle()
        stage.tell(*calls.event("a", "live"))
        stage.answer(0, OK)
        stage.lapse()
        for kind in ("live", "cdr", "survey"):
            stage.tell(*calls.event("a", kind))
        stage.commit()
        stage.alive = True
        stage.worker.resume(Replay.NONE, 0)
        stage.owed.clear()  # as the dispatcher does in the store
        await stage.settle()
        stage.tell(*calls.event("a", "live"))
        await stage.finish()
        return stage

    assert marks(asyncio.run(story()).arrived) == [("a", 1), ("a", 5)]


def test_an_event_that_the_receiver_cannot_take_holds_up_no_other() -> None:
    async def story() -> list[tuple[str, int]]:
        stage, calls = Stage(), Calls()
        stage.worker.resume(Replay.RECORDS, 0)
        await stage.settle()
        stage.tell(*calls.event("a", "cdr"))
        stage.answer(0, Try(Outcome.FAILED, "status 500"))
        stage.tell(*calls.event("b", "live"))
        stage.answer(0, OK)
        return marks(stage.arrived)

    assert asyncio.run(story()) == [("b", 1)]


def test_the_lanes_hand_out_each_job_once() -> None:
    lanes = Lanes()
    for mark in ("1", "2"):
        lanes.put(item_of(Satisfaction("a", mark), 0.0))
    first = lanes.next()
    assert first is not None
    assert lanes.next() is None
    lanes.back(first)
    assert lanes.next() is first
    lanes.finish(first)
    lanes.finish(first)
    second = lanes.next()
    assert second is not None
    assert len(lanes) == 1
    assert lanes.drop(lambda _job: True) == []


def test_an_event_that_cannot_be_written_holds_up_no_other() -> None:
    async def story() -> Stage:
        stage, calls = Stage(), Calls()
        stage.worker.resume(Replay.RECORDS, 0)
        await stage.settle()
        stage.worker.take(item_of(Satisfaction("a", b"no text"), stage.clock.now()))  # type: ignore[arg-type]
        stage.tell(*calls.event("a", "live"))
        return stage

    stage = asyncio.run(story())
    assert len(stage.on_the_way) == 1
    assert stage.worker.given_up == 1


def test_who_fails_is_served_after_the_others() -> None:
    async def story() -> list[bool]:
        stage, calls = Stage(), Calls()
        stage.worker.resume(Replay.RECORDS, 0)
        await stage.settle()
        last = []
        for result in (OK, Try(Outcome.UNREACHABLE), OK, OK):
            stage.tell(*calls.event("a", "live"))
            stage.pass_time(1.0)
            last.append(stage.last)
            stage.answer(0, result)
            stage.pass_time(1.0)
        return last

    assert asyncio.run(story()) == [False, False, True, False]
