"""uaCSTA with a real PBX: phones that speak it are shown and controlled, others left alone (spec 14)."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from offhook.areas.uacsta import phone as phone_module
from offhook.areas.uacsta import session as session_module
from offhook.areas.uacsta.session import State
from tests.support.pbx import STRONG, TestPbx, free_port
from tests.support.phone import Call, Phone, eventually
from tests.support.process import up_process
from tests.support.uacsta import UacstaPhone
from tests.support.useragents import sipp_phone

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def on(pbx: TestPbx, monkeypatch: pytest.MonkeyPatch) -> TestPbx:
    """The PBX with uaCSTA switched on, in a hurry to check sessions and to try again."""
    monkeypatch.setattr(session_module, "_FIRST_PAUSE", 0.1)
    monkeypatch.setattr(phone_module, "CHECK_SECONDS", 0.5)
    await pbx.apply(f"sip: {{uacsta: on, uacstaport: {free_port(socket.SOCK_DGRAM)}}}")
    return pbx


async def ringing(pbx: TestPbx, phone: UacstaPhone, caller: Phone) -> tuple[Call, Call, str]:
    """A call that rings at `phone`: the caller's side, the phone's, and the phone's id of it."""
    out = await caller.call(phone.number)
    call = await phone.incoming()
    callid = phone.callid_of(call)
    await eventually(lambda: ("callstart", callid) in operations(pbx), "callstart")
    return out, call, callid


def operations(pbx: TestPbx) -> list[tuple[str, str]]:
    """What the events uacstacall told, in order."""
    return [(event["operation"], event["cstacallid"]) for event in pbx.receiver.named("uacstacall")]


def request(phone: UacstaPhone, callid: str) -> dict[str, str]:
    """A request of uacstacall/*."""
    return {"extnumber": phone.number, "cstacallid": callid, "ipaddress": phone.ipaddress}


async def test_the_api_accepts_and_hangs_up(on: TestPbx) -> None:
    await on.extension("1000")
    await on.extension("1001")
    phone = await on.uacsta_phone("1001", frequency=700)
    caller = await on.phone("1000", frequency=500)
    await phone.monitored()
    out, call, callid = await ringing(on, phone, caller)
    assert not call.is_up
    await on.client.ok("uacstacall/accept_inbound", request(phone, callid))
    await out.answered()
    await out.hears(700)
    await call.hears(500)
    await eventually(lambda: ("callanswer", callid) in operations(on), "callanswer")
    await on.client.ok("uacstacall/hangup", request(phone, callid))
    await out.over()
    await eventually(lambda: ("callover", callid) in operations(on), "callover")
    assert operations(on) == [("callstart", callid), ("callanswer", callid), ("callover", callid)]
    event = on.receiver.named("uacstacall")[0]
    assert list(event) == ["event", "operation", "extnumber", "cstacallid", "ipaddress", "sn"]
    assert (event["extnumber"], event["ipaddress"]) == ("1001", phone.ipaddress)
    asked = [order for order in phone.orders if order != "RequestSystemStatus"]
    assert asked == ["MonitorStart", "SnapshotDevice", "AnswerCall", "ClearConnection"]
    assert set((await phone.monitored()).statuses) == {200}, "every event was taken"


async def test_sipp_as_the_phone(pbx: TestPbx, tmp_path: Path) -> None:
    await pbx.extension("1001")
    await pbx.apply(f"sip: {{uacsta: on, uacstaport: {free_port(socket.SOCK_DGRAM)}}}")
    async with sipp_phone(tmp_path, "1001", STRONG, pbx.registrar, "uacsta") as port:
        await eventually(lambda: operations(pbx) == [("callstart", "32788")], "callstart", 15)
        body = {"extnumber": "1001", "cstacallid": "32788", "ipaddress": f"127.0.0.1:{port}"}
        await pbx.client.ok("uacstacall/accept_inbound", body)
        await eventually(lambda: ("callanswer", "32788") in operations(pbx), "callanswer")
        await pbx.client.ok("uacstacall/hangup", body)
        await eventually(lambda: ("callover", "32788") in operations(pbx), "callover")


async def test_the_api_refuses(on: TestPbx) -> None:
    await on.extension("1000")
    await on.extension("1001", busyforward="off")
    phone = await on.uacsta_phone("1001")
    caller = await on.phone("1000")
    await phone.monitored()
    out, _, callid = await ringing(on, phone, caller)
    await on.client.ok("uacstacall/refuse_inbound", request(phone, callid))
    assert await out.refused() >= 400
    await eventually(lambda: ("callover", callid) in operations(on), "callover")
    assert operations(on) == [("callstart", callid), ("callover", callid)]
    again = await on.client.post("uacstacall/refuse_inbound", request(phone, callid))
    assert again["errno"] == "10153", "the call is over"


@pytest.mark.parametrize(
    "options",
    [
        {"carrier": "NOTIFY", "replies": "message", "edition": "ed3"},
        {"replies": "none", "edition": "ed5"},
        {"challenge": True, "carrier": "NOTIFY"},
    ],
    ids=["all in messages of its own", "never a response", "with a password"],
)
async def test_phones_of_other_manners(on: TestPbx, options: dict[str, Any]) -> None:
    await on.extension("1000")
    await on.extension("1001", registername="desk1001")
    phone = await on.uacsta_phone("1001", username="desk1001", **options)
    caller = await on.phone("1000")
    await phone.monitored()
    out, _, callid = await ringing(on, phone, caller)
    await on.client.ok("uacstacall/accept_inbound", request(phone, callid))
    await out.answered()
    await on.client.ok("uacstacall/hangup", request(phone, callid))
    await out.over()
    await eventually(lambda: len(operations(on)) == 3, "three events")
    assert [name for name, _ in operations(on)] == ["callstart", "callanswer", "callover"]
    proofs = [invite.get("authorization") for invite in phone.invites]
    assert any('username="desk1001"' in proof for proof in proofs) is options.get("challenge", False)


async def test_what_people_do_at_the_phone_is_not_told(on: TestPbx) -> None:
    await on.extension("1000")
    await on.extension("1001")
    phone = await on.uacsta_phone("1001")
    caller = await on.phone("1000")
    await phone.monitored()
    out, call, callid = await ringing(on, phone, caller)
    await phone.answer_by_hand(call)
    await out.answered()
    late = await on.client.post("uacstacall/accept_inbound", request(phone, callid))
    assert late["errno"] == "10153", "it does not ring any more"
    await on.client.ok("uacstacall/hangup", request(phone, callid))
    await out.over()
    await eventually(lambda: ("callover", callid) in operations(on), "callover")
    out, _, second = await ringing(on, phone, caller)
    await out.hangup()
    await on.quiet()
    assert operations(on) == [("callstart", callid), ("callover", callid), ("callstart", second)]
    gone = await on.client.post("uacstacall/accept_inbound", request(phone, second))
    assert gone["errno"] == "10153", "the caller has hung up"


async def test_who_cannot_be_reached_gets_10153(on: TestPbx) -> None:
    await on.extension("1000")
    await on.extension("1001")
    phone = await on.uacsta_phone("1001", local_port=5060, address="127.0.0.23")
    caller = await on.phone("1000")
    await phone.monitored()
    out, call, callid = await ringing(on, phone, caller)
    good = request(phone, callid)
    for wrong, errno in (
        ({"extnumber": "1999"}, "10006"),
        ({"extnumber": "x"}, "10006"),
        ({"extnumber": "1000"}, "10153"),
        ({"cstacallid": "1"}, "10153"),
        ({"cstacallid": "<a>&"}, "10153"),
        ({"ipaddress": "127.0.0.23:5061"}, "10153"),
        ({"ipaddress": "nowhere"}, "10153"),
        ({"ipaddress": ""}, "10004"),
        ({"cstacallid": ""}, "10004"),
    ):
        answer = await on.client.post("uacstacall/accept_inbound", good | wrong)
        assert answer.get("errno") == errno, wrong
    phone.error = "invalidConnectionState"
    answer = await on.client.post("uacstacall/accept_inbound", good)
    assert answer["errno"] == "10153"
    phone.error = ""
    phone.deaf = True
    before = on.core.clock.monotonic()
    answer = await on.client.post("uacstacall/accept_inbound", good)
    assert answer["errno"] == "10153"
    assert 2.5 < on.core.clock.monotonic() - before < 6
    phone.deaf = False
    assert not call.is_up
    assert operations(on) == [("callstart", callid)]
    await phone.monitored()
    await eventually(lambda: bool(phone.session), "the session is there again")
    await out.hangup()


async def test_without_a_port_the_phone_is_at_5060(on: TestPbx) -> None:
    await on.extension("1000")
    await on.extension("1001")
    phone = await on.uacsta_phone("1001", local_port=5060, address="127.0.0.23")
    caller = await on.phone("1000")
    await phone.monitored()
    out, _, callid = await ringing(on, phone, caller)
    await on.client.ok(
        "uacstacall/accept_inbound", {"extnumber": "1001", "cstacallid": callid, "ipaddress": "127.0.0.23"}
    )
    await out.answered()


async def test_switched_off_nothing_leaves(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    phone = await pbx.uacsta_phone("1001")
    caller = await pbx.phone("1000")
    out = await caller.call("1001")
    call = await phone.incoming()
    answer = await pbx.client.post("uacstacall/accept_inbound", request(phone, phone.callid_of(call)))
    assert answer["errno"] == "10153"
    await call.answer()
    await out.answered()
    await out.hangup()
    await pbx.quiet()
    assert pbx.receiver.named("uacstacall") == []
    assert phone.strangers == []
    assert pbx.pbx.uacsta.sessions == ()


async def test_switched_off_sessions_end(pbx: TestPbx) -> None:
    await pbx.extension("1001")
    phone = await pbx.uacsta_phone("1001")
    port = free_port(socket.SOCK_DGRAM)
    await pbx.admin("PATCH", "/settings/sip", {"uacsta": "on", "uacstaport": str(port)})
    agent = await phone.monitored()
    assert agent.address == ("127.0.0.1", port)
    assert f"uacstaport: '{port}'" in await pbx.core.apply.export()
    await pbx.admin("PATCH", "/settings/sip", {"uacsta": "off"})
    await eventually(lambda: agent.ended, "BYE")
    heard = len(phone.strangers)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", port))
    assert (await phone.register()) == 200
    await pbx.quiet()
    assert len(phone.strangers) == heard
    await pbx.admin("PATCH", "/settings/sip", {"uacsta": "on", "uacstaport": str(pbx.settings.sip_port)})
    await pbx.admin("PATCH", "/settings/sip", {"uacsta": "off"})
    answer = await pbx.client.post("uacstacall/hangup", request(phone, "1"))
    assert answer["errno"] == "10153", "the port was taken, and the PBX goes on"


async def test_a_phone_that_starts_anew_is_found_again(on: TestPbx) -> None:
    await on.extension("1000")
    await on.extension("1001")
    phone = await on.uacsta_phone("1001")
    caller = await on.phone("1000")
    first = await phone.monitored()
    phone.reboot()
    second = await phone.monitored()
    assert second.call_id != first.call_id
    out, _, callid = await ringing(on, phone, caller)
    await on.client.ok("uacstacall/refuse_inbound", request(phone, callid))
    await eventually(lambda: ("callover", callid) in operations(on), "callover")
    await out.hangup()


async def test_sessions_follow_registrations(on: TestPbx) -> None:
    await on.extension("1001")
    old = await on.uacsta_phone("1001")
    left = await old.monitored()
    new = await on.uacsta_phone("1001")
    await new.monitored()
    await eventually(lambda: left.ended, "the old phone's session ends")

    def with_the_new_one_only() -> bool:
        return [session.contact.address[1] for session in on.pbx.uacsta.sessions] == [new.port]

    await eventually(with_the_new_one_only, "the new phone's session is the only one")
    agent = await new.monitored()
    await on.client.ok("extension/delete", {"number": "1001"})
    await eventually(lambda: agent.ended, "the session of a deleted extension ends")
    await eventually(lambda: not on.pbx.uacsta.sessions, "no session is left")


async def test_a_new_control_plane_takes_calls_over(on: TestPbx) -> None:
    await on.extension("1000")
    await on.extension("1001")
    phone = await on.uacsta_phone("1001")
    caller = await on.phone("1000")
    first = await phone.monitored()
    out, _, callid = await ringing(on, phone, caller)
    await on.pbx.uacsta.close()
    await eventually(lambda: first.ended, "BYE")
    phone.orders.clear()
    await on.pbx.uacsta.refresh()
    await phone.monitored()

    def known() -> bool:
        return any(callid in session.calls.by_id for session in on.pbx.uacsta.sessions)

    await eventually(known, "the call is known again")
    await on.client.ok("uacstacall/accept_inbound", request(phone, callid))
    await out.answered()
    await eventually(lambda: ("callanswer", callid) in operations(on), "callanswer")


async def test_a_restart_and_a_kill_of_the_control_plane() -> None:
    async with up_process() as up:
        await up.start()
        client = await up.client()
        port = free_port(socket.SOCK_DGRAM)
        assert (await up.command("apply", "-", stdin=f"sip: {{uacsta: on, uacstaport: {port}}}"))[0] == 0
        await client.login(version="2.0.0")
        for number in ("1000", "1001"):
            body = {"number": number, "username": number, "registername": number, "busyforward": "off"}
            await client.ok("extension/add", {**body, "registerpassword": STRONG})
        registrar = ("127.0.0.1", up.sip_port)
        async with (
            UacstaPhone("1001", STRONG, registrar) as phone,
            Phone("1000", STRONG, registrar) as caller,
        ):
            assert await phone.register() == await caller.register() == 200
            first = await phone.monitored()
            assert await up.command("restart") == (0, "")
            await up.ready()
            await eventually(lambda: first.ended, "BYE")
            await eventually(lambda: phone.session and phone.session.monitored, "a session again")
            second = await phone.monitored()
            await up.kill()
            await up.start()
            await eventually(lambda: phone.agents[-1] is not second, "a third session", 15)
            await eventually(lambda: phone.agents[-1].monitored, "which is monitored", 15)
            await client.login(version="2.0.0")
            out = await caller.call("1001")
            call = await phone.incoming()
            await eventually(lambda: second.statuses == [481], "the phone learns that the second is over")
            await eventually(lambda: phone.agents[-1].statuses == [200], "and that the third is not")
            await client.ok("uacstacall/refuse_inbound", request(phone, phone.callid_of(call)))
            assert await out.refused() >= 400
        await client.close()


async def test_phones_that_know_no_uacsta_are_left_alone(on: TestPbx) -> None:
    await on.extension("1001")
    await on.extension("1002")
    rings = await on.uacsta_phone("1001", register=False)
    rings.ring_sessions = True
    refuses = await on.uacsta_phone("1002", register=False)
    refuses.refuse_sessions = 415
    for phone in (rings, refuses):
        assert await phone.register() == 200

    def methods(phone: UacstaPhone) -> list[str]:
        return [message.method for message in phone.strangers if message.method]

    await eventually(lambda: methods(rings)[-2:] == ["CANCEL", "ACK"], "the ringing phone is let go")
    await eventually(lambda: methods(refuses) == ["INVITE", "ACK"], "the other one too")
    assert methods(rings) == ["INVITE", "CANCEL", "ACK"]
    states = {session.number: session.state for session in on.pbx.uacsta.sessions}
    assert set(states.values()) == {State.DOWN}
