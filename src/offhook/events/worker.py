"""One worker per receiver: events of one call in order, calls in parallel, bounded in everything.

    take ─► lanes ─► push, at most `PARALLEL` at once ─► ok / refused / taken: done
                └──────── back to its place ◄── failed: pause, then one at a time until one arrives;
                                                at most `_LIVE_TRIES` for live events, durable ones
                                                until they expire

A receiver that does not answer holds up only itself. What does not fit into memory waits in the store, if it
is durable: the worker is behind then, reads on from there (`offhook.events.backlog`), and is live again.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from offhook import logs
from offhook.clock import Clock
from offhook.events.backlog import Backlog
from offhook.events.dialect import Dialect
from offhook.events.http_push import Done, Outcome, Try, request_head
from offhook.events.item import Item
from offhook.events.lanes import Job, Lanes
from offhook.events.settings import Replay
from offhook.events.target import Target

log = logging.getLogger(__name__)

QUEUE_MAX = 2000
PARALLEL = 16
ANSWER_SECONDS = 5.0
FIRST_ANSWER_SECONDS = 1.0
SILENT_ANSWER_SECONDS = 0.2
"""For a receiver that has never answered: its next event must not wait for what never comes."""

_SILENT_AFTER = 3
_LIVE_TRIES = 4
_LIVE_SECONDS = 60.0
_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_AT_ONCE = 100  # given up in one go, before others get their turn


class Timer(Protocol):
    """What can be called off."""

    def cancel(self) -> None:
        """Do not call any more."""


class Push(Protocol):
    """Sends one request once; what is `last` may wait for others (`offhook.events.http_push`)."""

    def __call__(self, target: Target, data: bytes, answer_seconds: float, done: Done, *, last: bool) -> None:
        """Call `done` later with what became of it."""


@dataclass(frozen=True, slots=True)
class Ties:
    """What a worker needs of the rest. `alive` tells whether its receiver may get events now; `settled` hears
    of each item that needs no further try, with the reason if it was given up."""

    sn: Callable[[], str]
    clock: Clock
    push: Push
    later: Callable[[float, Callable[[], None]], Timer]
    crowded: Callable[[], bool]
    alive: Callable[[], bool]
    settled: Callable[[Item, str], None]
    first_answer: Callable[[], None]
    keep_seconds: Callable[[], float]


class Worker:
    """Delivers to one target. The plain numbers count since the start."""

    def __init__(
        self, target: Target, dialect: Dialect, ties: Ties, backlog: Backlog, *, answers: bool
    ) -> None:
        self.target = target
        self.dialect = dialect
        self.answers = answers
        self.backlog = backlog
        self._ties = ties
        self._head = request_head(target)
        self._lanes = Lanes()
        self._running = 0
        self._failures = 0
        self._silent = 0
        self._pause: Timer | None = None
        self._closed = False
        self.delivered = self.failed = self.given_up = 0
        self.failing_since: float | None = None
        self._failing_since = 0.0  # the same on the monotonic clock
        self.last_error = ""
        backlog.attach(self._put, self._pump)

    # -- what is told -------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many events are in memory, on their way."""
        return len(self._lanes) + self.backlog.held

    @property
    def lag(self) -> float:
        """Seconds since the oldest of them was told."""
        oldest = next(iter(self._lanes), None)
        return max(0.0, self._ties.clock.now() - oldest.item.created) if oldest is not None else 0.0

    @property
    def failing_for(self) -> float:
        """For how many seconds it has been failing, 0 while it is well."""
        if self.failing_since is None:
            return 0.0
        return self._ties.clock.monotonic() - self._failing_since

    # -- taking -------------------------------------------------------------------------------------------

    def take(self, item: Item, *, urgent: bool = False) -> None:
        """Take an event. A live one is dropped when the queue is full; durable ones stay in the store."""
        if urgent:
            self._lanes.put(item, urgent=True)
        elif not self._ties.alive():
            self.backlog.fall_behind()
            return
        else:
            self._take(item)
        self._pump()

    def _take(self, item: Item) -> None:
        if not item.durable:
            self.backlog.handed(item)
        if self.backlog.behind:
            if not self.backlog.hold(item, QUEUE_MAX):
                self._give_up_item(item, "queue full")
        elif len(self._lanes) < QUEUE_MAX or item.letter:
            self._put(item)
        elif item.durable:
            self.backlog.fall_behind()
        else:
            self._give_up_item(item, "queue full")

    def _put(self, item: Item) -> None:
        self.backlog.mine.add(item)
        self._lanes.put(item)

    def resume(self, replay: Replay, position: int) -> int:
        """The receiver may get events again: what it missed first, as operators have chosen, then what comes.

        `position` is up to where it was served. Returns up to which number nothing is sent with Replay.NONE.
        """
        # what is read again from the journal has to be read as a whole: it comes in the order that is there
        keeps = replay is Replay.RECORDS
        gone = self._lanes.drop(lambda job: bool(job.item.keys) and not (keeps and job.item.durable))
        lost = [job.item for job in gone]
        self.backlog.forget(lost)
        live_after = position if replay is Replay.ALL else None
        upto = self.backlog.begin(live_after, lost, anew=replay is Replay.NONE)
        self._failures = 0
        self._end_pause()
        self._pump()
        return upto

    def heard_of(self) -> None:
        """The application has just named the receiver again: what waits after failures is tried at once."""
        self._end_pause()
        self._pump()

    def close(self) -> None:
        """Try nothing more."""
        self._closed = True
        self._end_pause()

    # -- sending ------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        if self._closed or self._pause is not None:
            return
        given_up = 0
        while self._running < self._limit():
            alive = self._ties.alive()
            job = self._lanes.next(urgent_only=not alive)
            if job is None:
                break
            if not self._expired(job):
                self._start(job)
                continue
            self._give_up(job, "expired")
            given_up += 1
            if given_up >= _AT_ONCE:
                self._ties.later(0.0, self._pump)
                return
        if self.backlog.behind and self._ties.alive():
            self.backlog.read_on(len(self._lanes))

    def _limit(self) -> int:
        """How many may be under way: one to a receiver that fails, or that is silent where all is crowded."""
        if self._failures or (self._silent and self._ties.crowded()):
            return 1
        return PARALLEL

    @property
    def _patience(self) -> float:
        if self.answers:
            return ANSWER_SECONDS
        return FIRST_ANSWER_SECONDS if self._silent < _SILENT_AFTER else SILENT_ANSWER_SECONDS

    def _keeps(self, item: Item) -> bool:
        return item.durable or 0 < item.seq <= self.backlog.replayed_upto

    def _expired(self, job: Job) -> bool:
        clock, item = self._ties.clock, job.item
        if not self._keeps(item) and item.told:
            return clock.monotonic() - item.told > _LIVE_SECONDS
        age = clock.settled() - item.created
        return age > (self._ties.keep_seconds() if self._keeps(item) else _LIVE_SECONDS)

    def _start(self, job: Job) -> None:
        try:
            bodies = job.item.bodies(self.dialect, self._ties.sn())
        except Exception:
            log.exception("events: a %s cannot be written as %s", job.item.kind, self.dialect)
            self._give_up(job, "it cannot be written")
            return
        if job.sent >= len(bodies):
            self._finish(job)
            return
        body = bodies[job.sent]
        self._running += 1
        data = b"%b%d\r\n\r\n%b" % (self._head, len(body), body)
        last = not self.answers or self.failing_since is not None
        self._ties.push(self.target, data, self._patience, lambda result: self._tried(job, result), last=last)

    def _tried(self, job: Job, result: Try) -> None:
        self._running -= 1
        job.tries += 1
        if self._closed:
            return
        with logs.of_call(job.item.callid):
            self._judge(job, result)
        self._pump()

    def _judge(self, job: Job, result: Try) -> None:
        if result.outcome is Outcome.FORBIDDEN:
            self._note_failure(result)
            self._give_up(job, f"not sent: {result.says}")
        elif result.outcome is Outcome.REFUSED:
            self._well()
            self._give_up(job, f"refused: {result.says}")
        elif self._settles(result):
            self._well()
            job.sent += 1
            self._start(job)
        else:
            self._again(job, result)

    def _settles(self, result: Try) -> bool:
        """Whether the event counts as delivered (spec 19: held to the 200 from its first on)."""
        if result.outcome is Outcome.OK:
            self._silent = 0
            if not self.answers:
                self.answers = True
                self._ties.first_answer()
            return True
        self._silent += result.silent
        return result.outcome is Outcome.TAKEN and not self.answers

    def _finish(self, job: Job) -> None:
        self._lanes.finish(job)
        self.delivered += 1
        self._settle(job.item, "")

    def _give_up(self, job: Job, reason: str) -> None:
        self._lanes.finish(job)
        self._give_up_item(job.item, reason)

    def _give_up_item(self, item: Item, reason: str) -> None:
        self.given_up += 1
        if self.given_up & (self.given_up - 1) == 0:
            log.warning("events: %s: %d given up so far; %s", self.target.authority, self.given_up, reason)
        self._settle(item, reason)

    def _settle(self, item: Item, reason: str) -> None:
        if not item.durable or item.letter:
            self.backlog.release(item)
        self._ties.settled(item, reason)

    # -- failing ------------------------------------------------------------------------------------------

    def _well(self) -> None:
        self._failures = 0
        self.failing_since = None
        self._end_pause()

    def _note_failure(self, result: Try) -> None:
        self.failed += 1
        self.last_error = result.says
        if self.failing_since is None:
            self.failing_since = self._ties.clock.now()
            self._failing_since = self._ties.clock.monotonic()

    def _again(self, job: Job, result: Try) -> None:
        """A try has failed, and the job keeps its place. A receiver that cannot be reached gets a pause; what
        it answers by an error gets one of its own, as that may be the only event that it cannot take."""
        self._note_failure(result)
        if self._pause is None:
            self._failures += 1
        if not self._keeps(job.item) and job.tries >= _LIVE_TRIES:
            self._give_up(job, f"{job.tries} tries: {result.says}")
        elif result.outcome is Outcome.FAILED:
            job.running = False
            self._ties.later(_pause(job.tries), lambda: self._back(job))
        else:
            self._lanes.back(job)
        if result.outcome is not Outcome.FAILED and self._pause is None:
            seconds = _pause(self._failures)
            log.warning("events: %s: %s; next try in %.1f s", self.target.authority, result.says, seconds)
            self._pause = self._ties.later(seconds, self._pause_over)

    def _back(self, job: Job) -> None:
        if job in self._lanes:
            self._lanes.back(job)
            self._pump()

    def _pause_over(self) -> None:
        self._pause = None
        self._pump()

    def _end_pause(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None


def _pause(failures: int) -> float:
    """Seconds until the next try after so many failures, with jitter, so that not all come together."""
    return _PAUSES[min(failures, len(_PAUSES)) - 1] * random.uniform(0.8, 1.2)  # noqa: S311
