"""Conference rooms and pages: who hears whom, who comes in, who is left in peace (spec 05, 08)."""

from __future__ import annotations

import pytest

from tests.support.pbx import TestPbx, steps
from tests.support.phone import Call, Phone, eventually
from tests.support.story import outside, phones, stays

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _rooms(pbx: TestPbx, **rooms: str) -> None:
    """Rooms by their numbers, such as r6400, with what differs from a quiet room without a password."""
    made = []
    for number, more in rooms.items():
        settings = [f"number: {number[1:]}", "name: Room", *filter(None, [more])]
        settings += [
            one for one in ("announcements: off", "musiconhold: no") if one.split(":")[0] not in more
        ]
        made.append("{" + ", ".join(settings) + "}")
    await pbx.apply(f"conferences: [{', '.join(made)}]")
    await pbx.quiet()
    pbx.receiver.clear()


async def _enters(phone: Phone, number: str, keys: str = "") -> Call:
    call = await phone.call(number)
    await call.answered()
    if keys:
        await call.rtp.press(keys)
    return call


async def _left_nothing(pbx: TestPbx) -> None:
    """All calls are over, each with one record."""
    await pbx.quiet()
    callids = [cdr["callid"] for cdr in pbx.receiver.named("NewCdr")]
    assert len(callids) == len(set(callids))
    snapshot = await pbx.pbx.switch.snapshot()
    assert [channel["Channel"] for channel in snapshot.channels] == []


# Rooms ------------------------------------------------------------------------------------------------


async def test_three_wrong_passwords_end_the_call(pbx: TestPbx) -> None:
    (one,) = await phones(pbx, "1000")
    await _rooms(pbx, r6400="participantepassword: '11', moderatorpassword: '22'")
    call = await one.call("6400")
    await call.answered()
    for _ in range(3):
        assert call.is_up
        await _asked(call)
        await call.rtp.press("33#")
    await eventually(lambda: call.ended, "the third one was the last", 15)
    await _left_nothing(pbx)


async def _asked(call: Call) -> None:
    """Wait until a prompt is being played."""
    call.rtp.forget()
    await eventually(lambda: call.rtp.packets > 10 and not call.rtp.silent, "a password is asked for")


@pytest.mark.parametrize("keys", ["11#", "22#", "*9#"])
async def test_the_second_try_may_be_right(pbx: TestPbx, keys: str) -> None:
    one, two = await phones(pbx, "1000", "1001")
    password = "'*9'" if "*" in keys else "'11'"
    await _rooms(pbx, r6400=f"participantepassword: {password}, moderatorpassword: '22', moderators: 1001")
    inside = await _enters(two, "6400")  # a moderator by his extension is asked nothing
    call = await one.call("6400")
    await call.answered()
    for tried in ("33#", keys):
        await _asked(call)
        await call.rtp.press(tried)
    await call.hears(570)
    await inside.hears(440)
    await call.hangup()
    await inside.hangup()
    await _left_nothing(pbx)


async def test_without_a_password_of_their_own_participants_just_confirm(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1000", "1001")
    await _rooms(pbx, r6400="moderatorpassword: '22'")
    call = await _enters(one, "6400", "#")
    other = await _enters(two, "6400", "22#")
    await call.hears(570)
    await other.hears(440)
    await call.hangup()
    await other.hangup()
    await _left_nothing(pbx)


@pytest.mark.parametrize("music", ["yes", "no"])
async def test_participants_wait_for_a_moderator(pbx: TestPbx, music: str) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    await _rooms(pbx, r6400=f"waitformoderator: yes, moderators: 1002, musiconhold: {music}")
    call, other = await _enters(one, "6400"), await _enters(two, "6400")

    async def wait() -> None:
        if music == "yes":
            await eventually(lambda: not call.rtp.silent and not other.rtp.silent, "music is heard", 12)
        await stays(lambda: not call.rtp.hears(570) and not other.rtp.hears(440), "nobody is heard")
        if music == "no":
            await eventually(lambda: call.rtp.silent and other.rtp.silent, "nothing is heard")

    await wait()
    moderator = await _enters(three, "6400")
    await moderator_hears(moderator)
    await eventually(lambda: call.rtp.hears(570) or not call.rtp.silent, "the talk is heard")
    await other.hangup()
    await call.hears(700)
    await moderator.hears(440)
    # who is moderated waits again when the moderator has gone
    await moderator.hangup()
    other = await _enters(two, "6400")
    await eventually(lambda: not call.rtp.hears(700), "the moderator has gone")
    await wait()
    assert call.is_up
    await call.hangup()
    await other.hangup()
    await _left_nothing(pbx)


async def moderator_hears(moderator: Call) -> None:
    """Two tones at once are no tone of their own."""
    await eventually(lambda: not moderator.rtp.silent, "the moderator hears who waited")


@pytest.mark.parametrize("music", ["yes", "no"])
async def test_who_is_alone_hears_music(pbx: TestPbx, music: str) -> None:
    one, two = await phones(pbx, "1000", "1001")
    await _rooms(pbx, r6400=f"musiconhold: {music}")
    call = await _enters(one, "6400")

    async def alone() -> None:
        if music == "yes":
            await eventually(lambda: not call.rtp.silent and not call.rtp.hears(570), "music is heard", 12)
        else:
            await eventually(lambda: call.rtp.silent, "nothing is heard")
            await stays(lambda: call.rtp.silent, "nothing is heard")

    await alone()
    other = await _enters(two, "6400")
    await call.hears(570)
    await other.hangup()
    await alone()
    await call.hangup()
    await _left_nothing(pbx)


@pytest.mark.parametrize("announced", ["on", "off"])
async def test_coming_and_going_is_announced(pbx: TestPbx, announced: str) -> None:
    for number in ("1000", "1001", "1002"):
        await pbx.extension(number)
    # phones that send nothing but silence: only what the room itself says is heard
    one, two, three = [await pbx.phone(number, frequency=0) for number in ("1000", "1001", "1002")]
    await _rooms(pbx, r6400=f"announcements: {announced}")
    call, other = await _enters(one, "6400"), await _enters(two, "6400")
    await eventually(lambda: call.rtp.packets > 50 and call.rtp.silent, "nothing is heard", 12)
    last: Call | None = None
    for _ in ("comes", "goes"):
        if last is None:
            last = await three.call("6400")
        else:
            await last.hangup()
        if announced == "on":
            await eventually(lambda: not call.rtp.silent, "it is announced")
            await eventually(lambda: call.rtp.silent, "the announcement is over")
        else:
            await stays(lambda: call.rtp.silent, "nothing is said")
    await call.hangup()
    await other.hangup()
    await _left_nothing(pbx)


async def test_two_rooms_do_not_hear_each_other(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    await _rooms(pbx, r6400="", r6401="")
    call, other, last = [await _enters(p, n) for p, n in ((one, "6400"), (two, "6400"), (three, "6401"))]
    await call.hears(570)
    await other.hears(440)
    await eventually(lambda: last.rtp.silent, "the other room is not heard")
    await stays(lambda: last.rtp.silent, "the rooms are apart")
    await call.hears(570)
    for one_of_them in (call, other, last):
        await one_of_them.hangup()
    await pbx.quiet()
    assert sorted(steps(pbx.receiver.named("NewCdr"))) == [
        "NewCdr 1000 6400 ANSWERED Internal",
        "NewCdr 1001 6400 ANSWERED Internal",
        "NewCdr 1002 6401 ANSWERED Internal",
    ]


# Invitations ------------------------------------------------------------------------------------------


async def _invites(call: Call, number: str) -> None:
    """# and a number, after the room has asked for it."""
    await call.rtp.press("#")
    await _asked(call)
    await call.rtp.press(f"{number}#")


@pytest.mark.parametrize("allowed", ["yes", "no"])
async def test_participants_invite_only_where_they_may(pbx: TestPbx, allowed: str) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    await _rooms(pbx, r6400=f"allowinvite: {allowed}, moderators: 1001")
    call = await _enters(one, "6400")
    if allowed == "yes":
        await _invites(call, "1002")
        invited = await three.incoming()
        await invited.answer()
        await call.hears(700)
        await invited.hangup()
    else:
        await call.rtp.press("#1002#")
        await stays(lambda: not three.calls and call.rtp.silent, "# means nothing")
    await call.hangup()
    await pbx.quiet()
    moderator = await _enters(two, "6400")
    await _invites(moderator, "1002")
    invited = await three.incoming()
    await invited.answer()
    await moderator.hears(700)
    await invited.hangup()
    await moderator.hangup()
    await _left_nothing(pbx)


@pytest.mark.parametrize("how", ["refused", "not answered", "phone off", "not to be disturbed"])
async def test_an_invitation_that_comes_to_nothing_leaves_nothing(pbx: TestPbx, how: str) -> None:
    settings = {"ringtimeout": "1", "dnd": "on" if how == "not to be disturbed" else "off"}
    one, two = await phones(pbx, "1000", "1001", e1001=settings)
    await _rooms(pbx, r6400="allowinvite: yes")
    if how == "phone off":
        await two.register(0)
    two.auto_refuse = 486 if how == "refused" else 0
    call = await _enters(one, "6400")
    await _invites(call, "1001")
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the invitation is over", 12)
    assert call.is_up
    # the mailbox of who is invited stays out of the room, too
    await eventually(lambda: call.rtp.silent, "nothing is heard in the room")
    channels = [channel["Channel"] for channel in (await pbx.pbx.switch.snapshot()).channels]
    assert [name for name in channels if name.startswith(("PJSIP/", "Local/"))] == [
        event["members"][0]["ext"]["channelid"] for event in pbx.receiver.named("CallStatus")[:1]
    ]
    await call.hangup()
    await _left_nothing(pbx)
    told = steps(pbx.receiver.named("NewCdr"))[:-1]
    status = "BUSY" if how in {"refused", "not to be disturbed"} else "NO ANSWER"
    assert told == [f"NewCdr 6400 1001 {status} Internal"]


@pytest.mark.parametrize("number", ["6400", "6401", "6500", "6900", "4711", "*4", "1000"])
async def test_what_cannot_be_invited(pbx: TestPbx, number: str) -> None:
    one, two = await phones(pbx, "1000", "1001")
    await _rooms(pbx, r6400="allowinvite: yes", r6401="")
    await pbx.apply("ivrs: [{number: 6500, ivrname: Menu}]")
    one.auto_refuse = 486  # who invites himself is called, and does not come
    call, other = await _enters(one, "6400"), await _enters(two, "6400")
    await _invites(call, number)
    await eventually(lambda: call.rtp.hears(570) and other.rtp.hears(440), "the room is as before", 12)
    await call.hangup()
    await other.hangup()
    await _left_nothing(pbx)


async def test_an_outside_number_is_invited_with_the_right_of_who_invites(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1000", "1001")
    carrier = await outside(pbx)
    await _rooms(pbx, r6400="allowinvite: yes")
    await pbx.client.ok("extension/update", {"number": "1001", "callrestriction": "on"})
    call, other = await _enters(one, "6400"), await _enters(two, "6400")
    await call.hears(570)
    pbx.receiver.clear()
    await _invites(other, "95551234")
    await stays(lambda: not carrier.calls, "1001 has no right", 2.5)
    await _invites(call, "95551234")
    invited = await carrier.incoming()
    assert invited.invite is not None
    assert invited.invite.uri.startswith("sip:5551234@")
    await invited.answer()
    other.rtp.stop()
    await call.hears(900)
    # a guest from outside has no right to invite anybody from outside
    before = len(carrier.calls)
    await invited.rtp.press("#95551235#")
    await stays(lambda: len(carrier.calls) == before, "nobody is called", 3)
    await invited.hangup()
    await call.hangup()
    await other.hangup()
    await _left_nothing(pbx)
    told = steps(pbx.receiver.events)
    assert "CallStatus 6400>95551234 ANSWER/6400" in told
    assert "NewCdr 6400 95551234 ANSWERED Outbound" in told
