"""Twenty phones, a carrier and an application do what they like, at random, with real calls.

After every operation the API has answered in the contract's words, and now and then the picture of the calls
is compared with the engine's own. In the end everybody hangs up: no channel is left, and every call has had
one end and one record. OFFHOOK_RANDOM_SEED chooses another run, OFFHOOK_RANDOM_STEPS and
OFFHOOK_RANDOM_EXAMPLES its length.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.support.carrier import Carrier
from tests.support.consistency import check_ends, same_picture
from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, Phone, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
log = logging.getLogger(__name__)

STEPS = int(os.environ.get("OFFHOOK_RANDOM_STEPS", "40"))
SEED = int(os.environ.get("OFFHOOK_RANDOM_SEED", "22"))
EXAMPLES = int(os.environ.get("OFFHOOK_RANDOM_EXAMPLES", "2"))
PHONES = [str(number) for number in range(1000, 1020)]
OUTSIDE = "9555"
DOCUMENT = f"""
inroutes: [{{name: in, did: "55X", trunks: siptrunk, desttype: ringgroup, dest: 6200}},
  {{name: direct, did: "10XX", trunks: siptrunk, desttype: extrange, dest: 1000-1019}},
  {{name: menu, did: "6500", trunks: siptrunk, desttype: ivr, dest: 6500}}]
outroutes: [{{name: out, prefix: 9X., trunks: siptrunk, extensions: "{",".join(PHONES)}"}}]
ringgroups: [{{number: 6200, name: Group, members: "1010,1011,1012", ringtime: 3}}]
queues: [{{number: 6700, queuename: Queue, agents: "1013,1014", announcepos: off, announceholdtime: off,
  wrapuptime: 0, agenttimeout: 3, maxwaittime: 10, retry: 1}}]
ivrs: [{{number: 6500, ivrname: Menu, key1: extension 1001, promptrepeat: 1, responsetimeout: 2}}]
conferences: [{{number: 6400, name: Room, announcements: off, musiconhold: no}}]
"""
ORDINARY = {"10006", "10007", "10008", "10009", "10010", "10011", "10015", "10102", "10103", "10151", "10152"}
"""What an operation may answer that came too late or does not fit the state of the call."""

_numbers = st.sampled_from([*PHONES[:8], "6200", "6700", "6500", "6400", OUTSIDE])
_some = st.integers(0, 1_000_000)


class World:
    """The PBX with all who take part; asynchronous, driven by the machine's thread."""

    def __init__(self, pbx: TestPbx) -> None:
        self.pbx = pbx
        self.phones: list[Phone] = []
        self.promised: set[str] = set()
        self.answers: Counter[str] = Counter()
        self.done: list[str] = []
        self.carrier: Carrier
        self.failure: Exception | None = None

    async def open(self) -> None:
        """Make extensions, phones, the carrier and every kind of number."""
        for at, number in enumerate(PHONES):
            options = {"allowbeingmonitored": "on", "monitormode": "Extensive"}
            await self.pbx.extension(number, ringtimeout="4", hasvoicemail="off", **options)
            phone = await self.pbx.phone(number, frequency=400 + 20 * at)
            phone.auto_answer = at % 4 != 3
            self.phones.append(phone)
        self.carrier = await self.pbx.carrier()
        self.carrier.auto_answer = True
        await self.pbx.trunk(self.carrier)
        await self.pbx.apply(DOCUMENT)
        await self.pbx.quiet()
        self.pbx.receiver.clear()

    def channels(self) -> list[str]:
        """The channelids of all members now, and one that is nobody's."""
        calls = self.pbx.pbx.live.picture.calls.values()
        return [member.channelid for call in calls for member in call.members] or ["PJSIP/1000-deadbeef"]

    async def ask(self, endpoint: str, **fields: str) -> None:
        """An operation of the application; it is done, or refused for an ordinary reason."""
        answer = await self.pbx.client.post(endpoint, fields)
        word = "Success" if answer["status"] == "Success" else answer["errno"]
        self.answers[f"{endpoint} {word}"] += 1
        self.done.append(f"{endpoint} {fields}: {word}")
        if endpoint == "call/dial" and word == "Success":
            self.promised.add(answer["callid"])
        assert word == "Success" or word in ORDINARY, f"{endpoint} {fields}: {answer}"

    async def call(self, phone: Phone, number: str) -> None:
        """A phone dials."""
        self.done.append(f"{phone.number} dials {number}")
        await phone.call(number)

    def running(self) -> list[Call]:
        """Every dialog that goes on at a phone or at the carrier."""
        every = [*self.phones, self.carrier]
        return [call for phone in every for call in phone.calls if not call.ended and not call.ended_by_us]

    async def hang_up(self, call: Call) -> None:
        """A phone hangs up, gives up or refuses."""
        self.done.append(f"{call.phone.number} hangs up")
        if call.incoming and 200 not in call.statuses:
            await call.refuse(486)
        else:
            await call.hangup()

    async def close(self) -> None:
        """Everybody hangs up; then nothing may be left."""
        for phone in [*self.phones, self.carrier]:
            phone.auto_answer, phone.auto_refuse = False, 486
        for _ in range(20):
            for call in self.running():
                await asyncio.wait([asyncio.create_task(self.hang_up(call))], timeout=2)
            if not self.pbx.pbx.live.picture.calls:
                break
            await asyncio.sleep(0.5)
        await eventually(lambda: not self.pbx.pbx.live.picture.calls, "all calls have ended", 20)
        await self.pbx.quiet()
        assert not (await self.pbx.pbx.switch.snapshot()).channels
        check_ends(self.pbx.receiver.events, self.promised)
        assert self.pbx.core.records.violations == 0


def machine(world: World, loop: asyncio.AbstractEventLoop) -> type[RuleBasedStateMachine]:
    """A state machine whose rules act on `world` in `loop`, from the thread that hypothesis runs in.

    What is drawn does not depend on the calls that happen to be there: hypothesis repeats its draws.
    """

    def run(coroutine: object) -> None:
        try:
            asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)  # type: ignore[arg-type]
        except Exception as failure:
            world.failure = world.failure or failure  # what hypothesis raises after its repetition says less
            raise

    class Control(RuleBasedStateMachine):
        count = 0

        def _done(self) -> None:
            self.count += 1
            run(asyncio.sleep(random.Random(self.count).random() * 0.3))
            if self.count % 10 == 0:
                run(same_picture(world.pbx))

        @rule(one=_some, number=_numbers)
        def phone_dials(self, one: int, number: str) -> None:
            phone = world.phones[one % len(world.phones)]
            if len([call for call in phone.calls if not call.ended]) < 2:
                run(world.call(phone, number))
            self._done()

        @rule(caller=st.sampled_from(PHONES), number=_numbers)
        def application_dials(self, caller: str, number: str) -> None:
            if caller != number and number in PHONES:
                run(world.ask("call/dial", caller=caller, callee=number))
            self._done()

        @rule(did=st.sampled_from(["551", "1002", "1005", "6500"]), number=_some)
        def outside_calls(self, did: str, number: int) -> None:
            run(world.carrier.call_in(did, f"7{number}"))
            self._done()

        @rule(which=_some)
        def somebody_hangs_up(self, which: int) -> None:
            if calls := world.running():
                run(world.hang_up(calls[which % len(calls)]))
            self._done()

        @rule(which=_some)
        def somebody_answers(self, which: int) -> None:
            waiting = [c for c in world.running() if c.incoming and 200 not in c.statuses]
            if waiting:
                run(waiting[which % len(waiting)].answer())
            self._done()

        @rule(which=_some, operation=st.sampled_from(["hold", "unhold", "mute", "unmute", "hangup"]))
        def on_a_leg(self, which: int, operation: str) -> None:
            channels = world.channels()
            run(world.ask(f"call/{operation}", channelid=channels[which % len(channels)]))
            self._done()

        @rule(which=_some, number=_numbers)
        def transfer(self, which: int, number: str) -> None:
            channels = world.channels()
            fields = {"channelid": channels[which % len(channels)], "dialpermission": "1000"}
            run(world.ask("call/transfer", number=number, **fields))
            self._done()

        @rule(which=_some, number=_numbers)
        def consult(self, which: int, number: str) -> None:
            channels = world.channels()
            fields = {"channelid": channels[which % len(channels)], "dialpermission": "1000"}
            run(world.ask("call/attended_transfer", tonumber=number, **fields))
            self._done()

        @rule(which=_some, operate=st.sampled_from(["abort", "complete", "threeway", "swap"]))
        def operate(self, which: int, operate: str) -> None:
            picture = world.pbx.pbx.live.picture
            found = [
                c.legs.get(c.consultation.transferring) for c in picture.calls.values() if c.consultation
            ]
            legs = [leg.channelid for leg in found if leg is not None] or world.channels()
            run(
                world.ask(
                    "call/attended_transfer_operate", channelid=legs[which % len(legs)], operate=operate
                )
            )
            self._done()

        @rule(which=_some, number=st.sampled_from([*PHONES[:8], OUTSIDE]))
        def add(self, which: int, number: str) -> None:
            channels = world.channels()
            fields = {"channelid": channels[which % len(channels)], "dialpermission": "1000"}
            run(world.ask("call/add_member", number=number, **fields))
            self._done()

        @rule(monitor=st.sampled_from(PHONES), spied=st.sampled_from(PHONES[:8]))
        def listen(self, monitor: str, spied: str) -> None:
            run(world.ask("call/listen", monitor=monitor, extension=spied, type="barge"))
            self._done()

    return Control


async def test_random_operations_leave_nothing_behind(pbx: TestPbx) -> None:
    world = World(pbx)
    await world.open()
    control = seed(SEED)(machine(world, asyncio.get_running_loop()))
    try:
        await asyncio.to_thread(
            run_state_machine_as_test,
            control,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                phases=[Phase.generate],
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        await world.close()
    except BaseException:
        print("\n".join(world.done[-25:]))
        print("\n".join(steps(pbx.receiver.events)[-40:]))
        if world.failure is not None:
            raise world.failure from None
        raise
    finally:
        print(world.answers)
