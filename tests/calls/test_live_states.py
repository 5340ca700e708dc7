"""Every operation on a leg in every state: done, or refused by the contract's errno, and nothing is left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.support.carrier import Carrier
from tests.support.consistency import check_ends, same_picture
from tests.support.pbx import TestPbx
from tests.support.phone import Call, Phone, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

DONE = "Success"
DOCUMENT = """
inroutes: [{name: in, trunks: siptrunk, desttype: extension, dest: 1001}]
queues: [{number: 6700, queuename: Queue, agents: "", announcepos: off, announceholdtime: off}]
conferences: [{number: 6400, name: Room, announcements: off, musiconhold: no}]
"""
OPERATIONS: dict[str, dict[str, str]] = {
    "hold": {},
    "unhold": {},
    "mute": {},
    "unmute": {},
    "callpark": {},
    "transfer": {"number": "1002"},
    "attended_transfer": {"tonumber": "1002"},
    "attended_transfer_operate": {"operate": "abort"},
    "add_member": {"number": "1002"},
    "hangup": {},
}
TALKS = {**dict.fromkeys(OPERATIONS, DONE), "attended_transfer_operate": "10007"}
NOT_YET = {
    **TALKS,
    **dict.fromkeys(("hold", "mute", "unmute", "callpark", "attended_transfer", "add_member"), "10015"),
}
ALONE = {
    **TALKS,
    **dict.fromkeys(("hold", "callpark", "attended_transfer"), "10102"),
    "add_member": "10015",
}
EXPECTED: dict[str, dict[str, str]] = {
    "rings, caller": NOT_YET,
    "rings, callee": {**NOT_YET, "transfer": "10015"},
    "talks": TALKS,
    "talks, trunk": {**TALKS, "mute": "10103", "unmute": "10103", "attended_transfer": DONE},
    "held": {**TALKS, "attended_transfer": "10102", "add_member": "10102"},
    "parked": {
        **TALKS,
        **dict.fromkeys(("hold", "callpark", "attended_transfer", "add_member"), "10102"),
    },
    "in a queue": ALONE,
    "in a room": ALONE,
    "consults": {
        **TALKS,
        **dict.fromkeys(("hold", "callpark", "transfer", "attended_transfer", "add_member"), "10102"),
        "attended_transfer_operate": DONE,
    },
    "has ended": dict.fromkeys(OPERATIONS, "10103"),
}


class Scene:
    """Phones 1000 to 1003 and a carrier."""

    def __init__(self, pbx: TestPbx, phones: list[Phone], carrier: Carrier) -> None:
        self.pbx, self.phones, self.carrier = pbx, phones, carrier

    def channel(self, number: str) -> str:
        """The channelid of an extension, or of the trunk's party for an empty number."""
        members = [m for call in self.pbx.pbx.live.picture.calls.values() for m in call.members]
        return next(m.channelid for m in members if m.number == number)

    async def talk(self) -> Call:
        """1000 talks with 1001."""
        call = await self.phones[0].call("1001")
        other = await self.phones[1].incoming()
        await other.answer()
        await call.hears(self.phones[1].frequency)
        return call


async def _rings(scene: Scene, number: str) -> str:
    await scene.phones[0].call("1001")
    await scene.phones[1].incoming()
    picture = scene.pbx.pbx.live
    await picture.until(lambda p: any(len(call.members) == 2 for call in p.calls.values()), 5)
    return scene.channel(number)


async def rings_caller(scene: Scene) -> str:
    return await _rings(scene, "1000")


async def rings_callee(scene: Scene) -> str:
    return await _rings(scene, "1001")


async def talks(scene: Scene) -> str:
    await scene.talk()
    return scene.channel("1000")


async def talks_trunk(scene: Scene) -> str:
    call = await scene.carrier.call_in("1", "5551234")
    await (await scene.phones[1].incoming()).answer()
    await call.hears(scene.phones[1].frequency)
    return scene.channel("")


async def held(scene: Scene) -> str:
    channel = await talks(scene)
    await scene.pbx.client.ok("call/hold", {"channelid": channel})
    return channel


async def parked(scene: Scene) -> str:
    channel = await talks(scene)
    await scene.pbx.client.ok("call/callpark", {"channelid": channel})
    return channel


async def _alone_in(scene: Scene, number: str) -> str:
    call = await scene.phones[0].call(number)
    await call.answered()
    live = scene.pbx.pbx.live
    await live.until(lambda p: any(c.members and c.callpath == number for c in p.calls.values()), 5)
    await live.until(lambda p: any(s.talking for c in p.calls.values() for s in c.seats), 5)
    return scene.channel("1000")


async def in_a_queue(scene: Scene) -> str:
    return await _alone_in(scene, "6700")


async def in_a_room(scene: Scene) -> str:
    return await _alone_in(scene, "6400")


async def consults(scene: Scene) -> str:
    channel = await talks(scene)
    await scene.pbx.client.ok("call/attended_transfer", {"channelid": channel, "tonumber": "1003"})
    await (await scene.phones[3].incoming()).answer()
    await scene.pbx.pbx.live.until(lambda p: any(c.phase == "consulted" for c in p.calls.values()), 5)
    return channel


async def has_ended(scene: Scene) -> str:
    channel = await talks(scene)
    await scene.pbx.client.ok("call/hangup", {"channelid": channel})
    await eventually(lambda: not scene.pbx.pbx.live.picture.calls, "it has ended")
    return channel


STATES: dict[str, Callable[[Scene], Awaitable[str]]] = {
    "rings, caller": rings_caller,
    "rings, callee": rings_callee,
    "talks": talks,
    "talks, trunk": talks_trunk,
    "held": held,
    "parked": parked,
    "in a queue": in_a_queue,
    "in a room": in_a_room,
    "consults": consults,
    "has ended": has_ended,
}


async def scene_of(pbx: TestPbx) -> Scene:
    """Bring all who take part."""
    phones = []
    for at, number in enumerate(("1000", "1001", "1002", "1003")):
        await pbx.extension(number, hasvoicemail="off", ringtimeout="20")
        phones.append(await pbx.phone(number, frequency=(440, 570, 700, 850)[at]))
    phones[2].auto_answer = True
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    await pbx.apply(DOCUMENT)
    await pbx.quiet()
    pbx.receiver.clear()
    return Scene(pbx, phones, carrier)


async def _over(scene: Scene) -> None:
    """Everybody hangs up; nothing is left, and every call has had one end and one record."""
    pbx = scene.pbx
    await same_picture(pbx)
    for phone in [*scene.phones, scene.carrier]:
        phone.auto_answer, phone.auto_refuse = False, 486
        for call in phone.calls:
            if not call.ended and not call.ended_by_us:
                answered = not call.incoming or 200 in call.statuses
                await (call.hangup() if answered else call.refuse(486))
    await eventually(lambda: not pbx.pbx.live.picture.calls, "all calls have ended", 15)
    await pbx.quiet()
    assert not (await pbx.pbx.switch.snapshot()).channels
    check_ends(pbx.receiver.events, set())


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("state", STATES)
async def test_operation_in_state(pbx: TestPbx, state: str, operation: str) -> None:
    scene = await scene_of(pbx)
    channel = await STATES[state](scene)
    body = {"channelid": channel, "dialpermission": "1000", **OPERATIONS[operation]}
    answer = await pbx.client.post(f"call/{operation}", body)
    assert answer.get("errno", DONE) == EXPECTED[state][operation], answer
    again = await pbx.client.post(f"call/{operation}", body)  # twice in a row harms nothing
    assert again.get("errno", DONE) in {DONE, "10007", "10011", "10015", "10102", "10103"}, again
    await _over(scene)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one != "attended_transfer_operate"])
async def test_the_other_side_hangs_up_at_the_same_moment(pbx: TestPbx, operation: str) -> None:
    scene = await scene_of(pbx)
    call = await scene.talk()
    body = {"channelid": scene.channel("1001"), **OPERATIONS[operation]}
    asking = pbx.client.post(f"call/{operation}", body)
    await call.hangup()
    answer = await asking
    assert answer.get("errno", DONE) in {DONE, "10007", "10015", "10102", "10103", "10152"}, answer
    await _over(scene)


async def test_all_slots_are_taken(pbx: TestPbx) -> None:
    scene = await scene_of(pbx)
    await pbx.admin("PATCH", "/settings/parking", {"slots": "6900-6900"})
    await pbx.client.ok("call/callpark", {"channelid": await talks(scene)})
    call = await scene.phones[2].call("1003")
    await (await scene.phones[3].incoming()).answer()
    await call.hears(850)
    assert await pbx.client.errno("call/callpark", {"channelid": scene.channel("1002")}) == "10152"
    await call.hears(850)  # nobody was moved
    await pbx.admin("PATCH", "/settings/parking", {"slots": "6900-6999"})
    await _over(scene)


async def test_calls_that_begin_too_fast_are_refused(pbx: TestPbx) -> None:
    scene = await scene_of(pbx)
    pace = pbx.pbx.switch._pace
    longest, pace._longest = pace._longest, -1.0
    try:
        assert await pbx.client.errno("call/dial", {"caller": "1000", "callee": "1001"}) == "10116"
    finally:
        pace._longest = longest
    await _over(scene)
