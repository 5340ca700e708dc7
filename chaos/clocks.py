"""The clock of the control plane is set forward and back under calls; the engine's stays as it is.

Both processes have the machine's clock, which nobody can set without root. offhook's is passed in, so here
it is moved; that a step within a call does no harm to a record is a unit test of the ledger. What is kept for
a day only has to outlive a month that has not passed, and wake-up calls wait for their time of day.
"""

from __future__ import annotations

import random
import time
from datetime import datetime, timedelta

from tests.support.consistency import check_ends
from tests.support.pbx import TestPbx, running_pbx
from tests.support.phone import eventually

from chaos.house import hang_up, talking
from chaos.outcome import Outcome
from offhook.areas.wakeup import store as wakeups
from offhook.areas.wakeup.model import State
from offhook.clock import Clock

_HOUR = 3600.0
_STEPS = (30 * 24 * _HOUR, -37 * 24 * _HOUR, _HOUR, -2 * _HOUR)  # each back by more than the one forward


class SteppingClock(Clock):
    """The machine's clock, set wrong by so much."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Seconds since the epoch, as this clock has it."""
        return time.time() + self.offset


async def set_forward_and_back(chance: random.Random, times: int = 4) -> Outcome:
    """Each step is larger than a token or lock lasts: none may outlast it, no call or record suffers, nothing
    is deleted for its age, and no wake-up call is rung, missed or put off."""
    outcome, clock = Outcome("clock set forward and back"), SteppingClock()
    async with running_pbx(clock=clock) as pbx:
        for number in ("1000", "1001", "1002"):
            await pbx.extension(number)
        one, other, third = [await pbx.phone(n, frequency=f) for n, f in _PHONES]
        one.auto_answer = other.auto_answer = third.auto_answer = True
        promised: set[str] = set()
        await _keep_for_a_day(pbx)
        for turn in range(times):
            call = await talking(one, other)
            await _lock_out(pbx, outcome)
            begin = time.monotonic()
            clock.offset += _STEPS[turn % len(_STEPS)] * chance.uniform(1.0, 1.2)
            await _tokens_have_ended(pbx, outcome)
            promised.add(await _dialled(pbx))
            outcome.recoveries.append(time.monotonic() - begin)
            await eventually(lambda: any(c.is_up for c in third.calls), "the call that was dialled is up")
            outcome.up += 1
            outcome.went_on += call.is_up
            await call.hears(other.frequency)
            await hang_up(call)
            for left in (*one.calls, *other.calls, *third.calls):
                await hang_up(left)
            await eventually(lambda: not pbx.pbx.live.picture.calls, "all calls have ended", 15)
            await pbx.quiet()
            for phone in (one, other, third):
                phone.forget_calls()
            outcome.times += 1
            outcome.calls += 2
            await _all_is_kept(pbx, outcome)
        try:
            check_ends(pbx.receiver.events, promised)
        except AssertionError as wrong:
            outcome.broken.append(str(wrong))
        if len(pbx.receiver.named("NewCdr")) != outcome.calls:
            outcome.broken.append(f"{len(pbx.receiver.named('NewCdr'))} records of {outcome.calls} calls")
    return outcome


async def _keep_for_a_day(pbx: TestPbx) -> None:
    core = pbx.core
    for_a_day = ("records: {keepdays: 1}", "recording: {keepdays: 1}", "events: {keephours: 24}")
    await core.apply.apply("\n".join(for_a_day))
    now = datetime.fromtimestamp(core.clock.now(), core.zone)
    for kind, hours in (("onetime", 11), ("everyday", 13)):
        wish = {"time": f"{now + timedelta(hours=hours):%H:%M}", "type": kind}
        await pbx.client.ok("wakeupcall/create", {"number": "1002", "wakeup": [wish]})


async def _all_is_kept(pbx: TestPbx, outcome: Outcome) -> None:
    core, messages = pbx.core, pbx.pbx.messages
    journal = core.dispatcher.journal
    deleted = await messages.call_records.retention.sweep() + await messages.recordings.service.tidy()
    deleted += await core.dispatcher.retention.thin()
    if deleted or journal.first() != 1:
        outcome.broken.append(f"{deleted} deleted for their age, the journal begins with {journal.first()}")
    waiting = [one for one in await core.store.read(wakeups.select) if one.state is State.WAITING]
    now = core.clock.settled()
    if len(waiting) != 2 or any(not now < one.at <= now + 24 * _HOUR for one in waiting):
        outcome.broken.append(f"wake-up calls of the next day: {waiting}")


_PHONES = (("1000", 440), ("1001", 600), ("1002", 800))


async def _lock_out(pbx: TestPbx, outcome: Outcome) -> None:
    """Wrong passwords until the address is locked."""
    password, pbx.client.password = pbx.client.password, "wrong"
    token = pbx.client.token
    for _ in range(6):
        answer = await pbx.client.login(version="2.0.0")
    pbx.client.password, pbx.client.token = password, token
    if answer.get("errno") != "20002":
        outcome.broken.append(f"not locked after wrong passwords: {answer}")


async def _tokens_have_ended(pbx: TestPbx, outcome: Outcome) -> None:
    """The token has idled for longer than it may, by this clock; the lock is over, too."""
    answer = await pbx.client.post("extension/query", {"number": "1000"})
    if answer.get("errno") != "20006":
        outcome.broken.append(f"a token outlives a step of the clock: {answer.get('errno', 'Success')}")
    answer = await pbx.client.login(version="2.0.0", port=str(pbx.receiver.port))
    if answer["status"] != "Success":
        outcome.broken.append(f"no login after a step of the clock: {answer}")


async def _dialled(pbx: TestPbx) -> str:
    return str((await pbx.client.ok("call/dial", {"caller": "1002", "callee": "1000"}))["callid"])
