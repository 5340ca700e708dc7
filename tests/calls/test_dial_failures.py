"""call/dial that comes to nothing: told by CallFailed and NewCdr, or refused; nothing is left behind."""

from __future__ import annotations

import pytest

from tests.support.house import House, house
from tests.support.pbx import Json, TestPbx
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO_TRUNKS = """
outroutes:
  - {name: one, prefix: 9X., strip: 1, trunks: [first, second], extensions: 1000}
  - {name: two, prefix: 8X., strip: 1, trunks: [second, first], extensions: 1000}
"""
PINS = """
outroutes:
  - {name: one, prefix: 9X., strip: 1, trunks: first, extensions: [1000, 1001], password: "4711"}
"""


async def refusals(h: House, cases: list[tuple[Json, str]]) -> None:
    """Each request gets its errno; nobody is called and nothing is stored."""
    for body, errno in cases:
        assert (body, await h.pbx.client.errno("call/dial", body)) == (body, errno)
    assert not h.pbx.core.records.open_calls()
    assert not h.pbx.receiver.events
    phones = (h.one, h.two, h.three, h.first, h.second)
    assert not any(phone.calls for phone in phones)


async def test_refused_combinations(pbx: TestPbx) -> None:
    h = await house(pbx)
    inside = ("6500", "6200", "6700", "6400", "6300", "6900", "1001")
    cases: list[tuple[Json, str]] = []
    for caller in ("6200", "6700", "95550001"):
        cases += [
            ({"caller": caller, "callee": callee, "dialpermission": "1000"}, "10101") for callee in inside
        ]
    cases += [({"caller": "6500", "callee": callee}, "10101") for callee in inside if callee != "1001"]
    for caller in ("6400", "6300", "6900"):
        cases.append(({"caller": caller, "callee": "95550001", "dialpermission": "1000"}, "10101"))
    cases += [({"caller": one, "callee": one}, "10101") for one in ("1000", "6500", "95550001")]
    cases.append(({"caller": "1000", "callee": "*2"}, "10100"))
    await refusals(h, cases)


async def test_refused_for_want_of_a_right(pbx: TestPbx) -> None:
    h = await house(pbx)
    await pbx.extension("1003", callrestriction="on")
    await pbx.apply("extensiongroups: []")
    outside = "95550001"
    await pbx.quiet()
    pbx.receiver.clear()
    await refusals(
        h,
        [
            # an extension: 1002 may use no route, 1001 only that of 9, 1003 none at all
            ({"caller": "1002", "callee": outside}, "10024"),
            ({"caller": "1001", "callee": "85550002"}, "10024"),
            ({"caller": "1003", "callee": outside}, "10024"),
            ({"caller": "1000", "callee": "75550001"}, "10100"),
            ({"caller": "1000", "callee": outside, "dialpermission": "1002"}, "10024"),
            ({"caller": "1002", "callee": outside, "dialpermission": "4711"}, "10024"),
            # who has no right of its own
            ({"caller": "6200", "callee": outside}, "10004"),
            ({"caller": "6700", "callee": outside}, "10004"),
            ({"caller": "6500", "callee": outside}, "10004"),
            ({"caller": outside, "callee": "85550002"}, "10004"),
            ({"caller": "6200", "callee": outside, "dialpermission": ""}, "10004"),
            ({"caller": "6200", "callee": outside, "dialpermission": "4711"}, "10006"),
            ({"caller": "6500", "callee": outside, "dialpermission": "6700"}, "10006"),
            ({"caller": outside, "callee": "85550002", "dialpermission": "some\r\nbody"}, "10006"),
            ({"caller": "6200", "callee": outside, "dialpermission": "1002"}, "10024"),
            ({"caller": "6700", "callee": "75550001", "dialpermission": "1000"}, "10100"),
            # one of two legs is enough to refuse
            ({"caller": outside, "callee": "85550002", "dialpermission": "1001"}, "10024"),
            ({"caller": outside, "callee": "75550002", "dialpermission": "1000"}, "10100"),
            ({"caller": "75550002", "callee": outside, "dialpermission": "1000"}, "10100"),
            ({"caller": "75550002", "callee": outside}, "10006"),
            # the IVR that may call out by itself may use the route of 9 only
            ({"caller": "6501", "callee": "85550002"}, "10024"),
            ({"caller": "6501", "callee": "75550002"}, "10100"),
        ],
    )


async def test_the_right_of_another_extension(pbx: TestPbx) -> None:
    """1002 may not call out; with the right of 1000 it may. A dialpermission that is nobody is none."""
    h = await house(pbx)
    callid = await h.dial("1002", "95550001", dialpermission="1000")
    mine = await h.three.incoming()
    await mine.answer()
    theirs = await h.first.incoming()
    assert "sip:1002@" in theirs.shown
    await theirs.answer()
    await mine.hears(900)
    await theirs.hears(700)
    await mine.hangup()
    await h.over(callid)
    callid = await h.dial("1000", "95550001", dialpermission="nobody")
    await (await h.one.incoming()).refuse(486)
    await pbx.receiver.cdr(callid)


async def failed(h: House, callid: str, *told: str, cdr: str, trunk: str | None = None) -> None:
    """The call comes to its end: what was told of it, in its order, ExtensionStatus left out."""
    record = await h.over(callid)
    assert [step for step in h.all() if not step[0].isdigit()] == [*told, f"NewCdr {cdr}"]
    assert record["talkduraction"] == "0"
    if trunk is not None:
        assert record["dsttrcunkname"] == trunk


@pytest.mark.parametrize("phones", ["one phone", "autoanswer"])
@pytest.mark.parametrize("end", ["off", "busy", "no answer", "hung up by the application"])
async def test_the_calling_extension_is_not_reached(pbx: TestPbx, end: str, phones: str) -> None:
    h = await house(pbx, ringtimeout="1")
    fields = {"autoanswer": "yes"} if phones == "autoanswer" else {}
    if end == "off":
        await h.one.register(0)
        await h.told("1000 Unregistered")
    h.one.auto_refuse = 486 if end == "busy" else 0
    callid = await h.dial("1000", "1001", **fields)
    if end == "hung up by the application":
        await h.told("CallStatus 1000 ALERT")
        await h.hang_up(callid)
    told = [] if end in {"off", "busy"} else ["CallStatus 1000 ALERT", "CallStatus 1000 BYE"]
    reason = {"off": "408 Request Time", "busy": "486 Busy here", "no answer": "603 Declined"}.get(end)
    told += [f"CallFailed {reason}: 1000"] if reason else []
    await failed(h, callid, *told, cdr=f"1000 1001 {'BUSY' if end == 'busy' else 'NO ANSWER'} Internal")
    assert not h.two.calls


ANSWERS = [
    (486, "486 Busy here", "BUSY"),
    (603, "486 Busy here", "BUSY"),
    (480, "480 Temporatily Unavailable", "NO ANSWER"),
    (404, "404 NOT found", "NO ANSWER"),
    (503, "Circuit/channel congestion", "NO ANSWER"),
]


@pytest.mark.parametrize(("code", "reason", "status"), ANSWERS)
async def test_the_called_party_outside_refuses(pbx: TestPbx, code: int, reason: str, status: str) -> None:
    h = await house(pbx)
    h.first.refusing = code
    callid = await h.dial("6500", "95550001", dialpermission="1000")
    await failed(
        h,
        callid,
        f"CallFailed {reason}: 6500>95550001",
        cdr=f"6500 95550001 {status} Outbound",
        trunk="first",
    )
    (event,) = pbx.receiver.named("CallFailed")
    assert list(event) == ["callid", "event", "reason", "members", "sn"]
    (member,) = event["members"]
    assert list(member["outbound"]) == ["from", "to", "trunkname", "channelid"]
    assert member["outbound"]["trunkname"] == "first"


@pytest.mark.parametrize(("code", "reason", "status"), ANSWERS)
async def test_the_calling_party_outside_refuses(pbx: TestPbx, code: int, reason: str, status: str) -> None:
    h = await house(pbx)
    h.first.refusing = code
    callid = await h.dial("95550001", "85550002", dialpermission="1000")
    await failed(
        h,
        callid,
        f"CallFailed {reason}: 1000>95550001",
        cdr=f"95550001 85550002 {status} Outbound",
        trunk="first",
    )
    assert not h.second.calls


@pytest.mark.parametrize(("code", "reason", "status"), ANSWERS)
async def test_the_second_party_outside_refuses(pbx: TestPbx, code: int, reason: str, status: str) -> None:
    h = await house(pbx)
    h.second.refusing = code
    callid = await h.dial("95550001", "85550002", dialpermission="1000")
    a = await h.first.incoming()
    await h.told("CallStatus 1000>95550001 ALERT")
    await a.answer()
    await a.over()
    await failed(
        h,
        callid,
        "CallStatus 1000>95550001 ALERT",
        "CallStatus 1000>95550001 BYE",
        f"CallFailed {reason}: 1000>95550001",
        cdr=f"95550001 85550002 {status} Outbound",
        trunk="second",
    )


async def test_a_party_that_declines_is_no_trunk_that_is_down(pbx: TestPbx) -> None:
    """The engine keeps the answers of both legs, in either order; it showed in one of ten calls."""
    h = await house(pbx)
    h.second.refusing = 603
    for _ in range(20):
        pbx.receiver.clear()
        callid = await h.dial("95550001", "85550002", dialpermission="1000")
        await (await h.first.incoming()).answer()
        await pbx.receiver.cdr(callid)
        assert [event["reason"] for event in pbx.receiver.named("CallFailed")] == ["486 Busy here"]


async def test_the_caller_outside_hangs_up_while_the_callee_rings(pbx: TestPbx) -> None:
    h = await house(pbx)
    callid = await h.dial("95550001", "85550002", dialpermission="1000")
    a = await h.first.incoming()
    await a.answer()
    b = await h.second.incoming()
    await h.told("CallStatus 1000>95550001 ALERT, 95550001>85550002 RING")
    await a.hangup()
    await eventually(lambda: b.ended, "the callee stops ringing")
    await failed(
        h,
        callid,
        "CallStatus 1000>95550001 ALERT",
        "CallStatus 1000>95550001 ALERT, 95550001>85550002 RING",
        "CallStatus 1000>95550001 BYE",
        "CallStatus 95550001>85550002 BYE",
        cdr="95550001 85550002 NO ANSWER Outbound",
        trunk="second",
    )


async def test_the_calling_extension_hangs_up_while_the_callee_rings(pbx: TestPbx) -> None:
    h = await house(pbx)
    callid = await h.dial("1000", "95550001")
    mine = await h.one.incoming()
    await h.told("CallStatus 1000 ALERT")
    await mine.answer()
    theirs = await h.first.incoming()
    await h.told("CallStatus 1000 ALERT, 1000>95550001 RING")
    await mine.hangup()
    await eventually(lambda: theirs.ended, "the callee stops ringing")
    await failed(
        h,
        callid,
        "CallStatus 1000 ALERT",
        "CallStatus 1000 ALERT, 1000>95550001 RING",
        "CallStatus 1000 BYE",
        "CallStatus 1000>95550001 BYE",
        cdr="1000 95550001 NO ANSWER Outbound",
        trunk="first",
    )


@pytest.mark.parametrize("caller", ["6500", "85550002"])
async def test_the_application_hangs_up_who_rings_first(pbx: TestPbx, caller: str) -> None:
    """Nothing has failed, so nothing is told but the end; the route's other trunk is not tried."""
    h = await house(pbx)
    await pbx.apply(TWO_TRUNKS)
    callid = await h.dial(caller, "95550001" if caller == "6500" else "85550003", dialpermission="1000")
    member = "6500>95550001" if caller == "6500" else "1000>85550002"
    word, path = ("RING", "/6500") if caller == "6500" else ("ALERT", "")
    rung = await (h.first if caller == "6500" else h.second).incoming()
    await h.told(f"CallStatus {member} {word}{path}")
    await h.hang_up(callid)
    await eventually(lambda: rung.ended, "it stops ringing")
    await failed(
        h,
        callid,
        f"CallStatus {member} {word}{path}",
        f"CallStatus {member} BYE{path}",
        cdr=f"{caller} {'95550001' if caller == '6500' else '85550003'} NO ANSWER Outbound",
    )
    assert len(h.first.calls) + len(h.second.calls) == 1


@pytest.mark.parametrize("caller", ["6200", "85550002", "95550002", "1000"])
async def test_the_trunk_is_down(pbx: TestPbx, caller: str) -> None:
    """That of 9 is: for who is called first, for the second of two, and for an extension's call."""
    h = await house(pbx)
    await pbx.admin("PATCH", f"/trunks/{h.trunks['first']}", {"enabled": "off"})
    pbx.receiver.clear()
    callee = "85550001" if caller == "95550002" else "95550001"
    callid = await h.dial(caller, callee, dialpermission="1000")
    first = {
        "6200": "6200>95550001",
        "85550002": "1000>85550002",
        "95550002": "1000>95550002",
        "1000": "1000",
    }[caller]
    told = [f"CallFailed Line Unreachable: {first}"]
    if caller in {"85550002", "1000"}:  # who has answered before the trunk was needed
        rung = await (h.second if caller == "85550002" else h.one).incoming()
        await h.told(f"CallStatus {first} ALERT")
        await rung.answer()
        await rung.over()
        told = [f"CallStatus {first} ALERT", f"CallStatus {first} BYE", *told]
    trunk = "second" if caller == "85550002" else ""
    await failed(h, callid, *told, cdr=f"{caller} {callee} NO ANSWER Outbound", trunk=trunk)
    (event,) = pbx.receiver.named("CallFailed")
    if caller in {"6200", "95550002"}:
        calling, called = first.split(">")
        member = {"from": calling, "to": called, "trunkname": "", "channelid": ""}
        assert event["members"] == [{"outbound": member}]


@pytest.mark.parametrize("end", ["off", "busy", "no answer", "do not disturb"])
async def test_an_extension_that_an_ivr_calls_is_not_reached(pbx: TestPbx, end: str) -> None:
    settings = {"dnd": "on"} if end == "do not disturb" else {}
    h = await house(pbx, ringtimeout="1", **settings)
    if end == "off":
        await h.one.register(0)
        await h.told("1000 Unregistered")
    if end == "busy":
        h.one.auto_refuse = 486
    callid = await h.dial("6500", "1000")
    reason = {
        "off": "408 Request Time",
        "busy": "486 Busy here",
        "no answer": "603 Declined",
        "do not disturb": "DND",
    }[end]
    rung = ["CallStatus 1000 RING/6500", "CallStatus 1000 BYE/6500"] if end == "no answer" else []
    status = "BUSY" if end in {"busy", "do not disturb"} else "NO ANSWER"
    await failed(h, callid, *rung, f"CallFailed {reason}: 1000", cdr=f"6500 1000 {status} Internal")


async def test_nobody_in_the_group_takes_who_was_called(pbx: TestPbx) -> None:
    h = await house(pbx)
    h.two.auto_refuse = h.three.auto_refuse = 486
    callid = await h.dial("6200", "95550001", dialpermission="1000")
    theirs = await h.first.incoming()
    await theirs.answer()
    await theirs.over()
    cdr = await h.over(callid)
    assert (cdr["status"], cdr["callto"]) == ("ANSWERED", "95550001"), "the callee did answer"
    assert not pbx.receiver.named("CallFailed")


async def test_who_was_called_for_a_queue_does_not_wait(pbx: TestPbx) -> None:
    h = await house(pbx)
    callid = await h.dial("6700", "95550001", dialpermission="1000")
    theirs = await h.first.incoming()
    await theirs.answer()
    agent = await h.two.incoming()
    await h.told("1001 Ringing")
    await theirs.hangup()
    await eventually(lambda: agent.ended, "the agent stops ringing")
    cdr = await h.over(callid)
    assert (cdr["status"], cdr["agentringtime"]) == ("ANSWERED", "0")
    assert (
        h.all()[-5:-1]
        == [
            "CallStatus 6700>95550001 BYE/6700",
            "CallStatus 1001 BYE/6700",
            "1001 Registered",
        ]
        or h.all()
    )


async def test_a_route_that_asks_for_a_pin_is_closed_to_calls_that_nobody_dials(pbx: TestPbx) -> None:
    h = await house(pbx)
    await pbx.apply(PINS)
    callid = await h.dial("6500", "95550001", dialpermission="1000")
    await failed(
        h,
        callid,
        "CallFailed NO Outbound Restriction: 6500>95550001",
        cdr="6500 95550001 BUSY Outbound",
    )
    assert not h.first.calls
