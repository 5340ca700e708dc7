"""Every path on which somebody without a right could reach an outside line, as an attack with real phones.

Extension 1000 may call out, to the carrier `far`; 1001 and 1002 may not. Attackers call in from another one.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from offhook.asterisk.ami import actions
from offhook.asterisk.static import AMI_USER
from offhook.asterisk.switch import SwitchError
from tests.support.carrier import Carrier
from tests.support.engine_log import EngineLog, engine_log
from tests.support.pbx import TestPbx
from tests.support.phone import Call, Phone, eventually

OUTSIDE = "95551234"
HOUSE = """\
outroutes:
- {name: out, prefix: 9X., strip: 1, trunks: far, extensions: 1000}
- {name: secret, prefix: 8X., strip: 1, trunks: far, extensions: 1001, password: '4711'}
disa:
- {name: closed, password: '4711', digittimeout: 1}
- {name: open, password: '4711', digittimeout: 1, outroutes: out}
callbacks: [{name: back, outroute: out, delay: 1, destination: extension 1000}]
ivrs: [{number: 6500, ivrname: Menu, prompt: '', dialext: on, responsetimeout: 3, digittimeout: 1}]
conferences: [{number: 6400, name: Room, allowinvite: yes, announcements: off, musiconhold: no}]
inroutes:
- {name: one, did: '1', trunks: near, desttype: extension, dest: 1001}
- {name: room, did: '2', trunks: near, desttype: conference, dest: 6400}
- {name: closed, did: '3', trunks: near, desttype: disa, dest: closed}
- {name: open, did: '4', trunks: near, desttype: disa, dest: open}
- {name: back, did: '5', trunks: near, desttype: callback, dest: back}
- {name: chief, did: '6', trunks: near, desttype: extension, dest: 1000}
- {name: menu, did: '7', trunks: near, desttype: ivr, dest: 6500}
- {name: box, did: '8', trunks: near, desttype: voicemail, dest: 1001}
"""


@dataclass
class House:
    """Who is there."""

    pbx: TestPbx
    near: Carrier
    far: Carrier
    chief: Phone  # 1000
    two: Phone  # 1001
    three: Phone  # 1002
    log: EngineLog

    async def inside(self) -> tuple[Call, Call]:
        """A caller from outside talks with 1001."""
        caller = await self.near.call_in("1")
        talk = await self.two.incoming()
        await talk.answer()
        await caller.hears(570)
        return caller, talk

    async def is_refused(self, call: Call) -> None:
        """The call does not come about."""
        assert await call.refused() >= 400

    async def failed(self, count: int = 1) -> None:
        """Wait until a call was refused for want of a right."""

        def told() -> list[str]:
            return [event["reason"] for event in self.pbx.receiver.named("CallFailed")]

        await eventually(lambda: len(told()) >= count, f"{count} calls are refused, told {told()}", 15)
        assert set(told()) == {"NO Outbound Restriction"}


async def _forwards(it: House) -> None:
    """Forwards of one who may not call out, set by the API: always, busy, no answer, mobile."""
    change = it.pbx.client.ok
    to = {"atransferto": "Custom Number", "atransferprefix": "9", "atransfernum": "5551234"}
    await change("extension/update", {"number": "1001", "alwaysforward": "on", **to})
    await it.is_refused(await it.near.call_in("1"))
    await it.is_refused(await it.three.call("1001"))
    for letter, name in (("b", "busyforward"), ("n", "noanswerforward")):
        to = {f"{letter}transferto": "Custom Number", f"{letter}transfernum": OUTSIDE}
        await change("extension/update", {"number": "1001", "alwaysforward": "off", name: "on", **to})
    call = await it.near.call_in("1")
    await (await it.two.incoming()).refuse(486)
    await it.is_refused(call)
    await change("extension/update", {"number": "1001", "ringtimeout": "5", "busyforward": "off"})
    assert await it.two.register(0) == 200
    await it.is_refused(await it.near.call_in("1"))
    await it.failed(4)


async def _forward_by_code(it: House) -> None:
    """The same set at the phone, and the mobile that rings along."""
    call = await it.two.call(f"*71{OUTSIDE}")
    await call.over()
    await it.is_refused(await it.near.call_in("1"))
    await it.failed()
    mobile = {"alwaysforward": "off", "ringsimultaneous": "on", "mobile": "5551234", "mobileprefix": "9"}
    await it.pbx.client.ok("extension/update", {"number": "1001", **mobile})
    caller, talk = await it.inside()
    await talk.hangup()
    await caller.over()


async def _transfers(it: House) -> None:
    """One who may not call out sends an outside caller out: by REFER, by key, and to one who forwards."""
    caller, talk = await it.inside()
    await talk.refer(OUTSIDE)
    await caller.over()
    caller, talk = await it.inside()
    await talk.rtp.press("*03")
    await talk.rtp.press(OUTSIDE)
    await caller.over()
    await it.failed(2)
    caller, talk = await it.inside()
    await talk.rtp.press("*3")
    await talk.rtp.press(OUTSIDE)
    await eventually(
        lambda: len(it.pbx.receiver.named("CallFailed")) == 3 or caller.rtp.hears(570), "back", 15
    )
    await talk.hangup()
    await caller.over()


async def _transfers_by_carriers(it: House) -> None:
    """An outside caller joins two of his calls, or sends one out, by REFER with and without Replaces."""
    caller, talk = await it.inside()
    other = await it.near.call_in("6")
    second = await it.chief.incoming()
    await second.answer()
    await other.hears(440)
    assert await caller.refer(OUTSIDE, replaces=other) >= 400
    assert await other.refer(OUTSIDE) >= 400
    # the one who may call out has passed him on: he has no more rights than before
    assert await second.refer("1002") == 202
    third = await it.three.incoming()
    await third.answer()
    await other.hears(700)
    await other.rtp.press(f"*03{OUTSIDE}")
    await eventually(lambda: third.rtp.keys.endswith(OUTSIDE), "the keys are only heard", 15)
    assert await other.refer(OUTSIDE) >= 400
    for call in (talk, third):
        await call.hangup()
    await caller.over()
    await other.over()


async def _rooms(it: House) -> None:
    """Who is in a room invites by key: an outside caller, one who was sent there by 1000, and 1001."""
    caller = await it.near.call_in("2")
    await caller.answered()
    sent = await it.near.call_in("6")
    talk = await it.chief.incoming()
    await talk.answer()
    await sent.hears(440)
    assert await talk.refer("6400") == 202
    own = await it.two.call("6400")
    await own.answered()
    await own.hears(900)
    for call in (caller, sent, own):
        await call.rtp.press("#")
        await call.rtp.press(f"{OUTSIDE}#")
    reason = ("NO Outbound Restriction",)
    await eventually(lambda: it.log.told("OffhookFailed", "Reason") == [reason] * 3, "all are refused", 15)
    for call in (caller, sent, own):
        await call.hangup()


async def _menus(it: House) -> None:
    """Keys of an outside caller in an IVR, in a DISA that has no route, and in front of a box."""
    call = await it.near.call_in("7")
    await call.answered()
    await call.rtp.press(OUTSIDE)
    await eventually(lambda: it.pbx.receiver.named("DTMF"), "the keys were taken", 15)
    await call.hangup()
    for did, *keys in (("3", "4711#", f"{OUTSIDE}#"), ("8", "0", "*")):
        call = await it.near.call_in(did)
        await call.answered()
        for key in keys:
            await call.rtp.press(key)
        await call.over()
    # whose caller id no route fits is not called back
    await it.is_refused(await it.near.call_in("5", caller="5551234"))


async def _guesses(it: House) -> None:
    """PINs are counted over calls: of a DISA, for each caller and in all, and of a route."""
    guard = {"callerattempts": 2, "pinwindow": 600, "pinlock": 600}
    before = await it.pbx.admin("GET", "/settings/voicemail")
    await it.pbx.admin("PATCH", "/settings/voicemail", guard)
    try:
        # with a number that is new each time, as it can be made up
        for caller, pins in (("771", ("1111#", "04711#")), ("772", ("4711#", f"{OUTSIDE}#", "1#"))):
            call = await it.near.call_in("4", caller=caller)
            await call.answered()
            for pin in pins:
                await call.rtp.press(pin)
            if caller == "771":
                await eventually(lambda: len(it.log.told("OffhookPin")) == 2, "both are wrong", 15)
                await call.hangup()
            else:
                await call.over()
        call = await it.two.call("85551234")
        await call.answered()
        for pin in ("1111#", "2222#", "4711#"):
            await call.rtp.press(pin)
        await call.over()
        await it.failed()
    finally:
        await it.pbx.admin("PATCH", "/settings/voicemail", before)
        tree = await it.pbx.pbx.switch.items(actions.DBGetTree(family="offhook-pin"))
        for entry in tree:
            with contextlib.suppress(SwitchError):
                key = entry["Key"].removeprefix("/offhook-pin/")
                await it.pbx.pbx.switch.act(actions.DBDel(family="offhook-pin", key=key))


HEADERS = (
    ("p-asserted-identity", '"Chief" <sip:1000@127.0.0.1>'),
    ("p-preferred-identity", "<sip:1000@127.0.0.1>"),
    ("remote-party-id", "<sip:1000@127.0.0.1>;party=calling;privacy=off"),
    ("diversion", "<sip:1000@127.0.0.1>;reason=unconditional"),
    ("history-info", "<sip:1000@127.0.0.1>;index=1"),
    ("referred-by", "<sip:1000@127.0.0.1>"),
    ("x-offhook-right", "1000"),
    ("x-asterisk-var", "OFFHOOK_CALLER=1000"),
    ("authorization-x", 'Digest username="1000"'),
)
NUMBERS = (
    f"{OUTSIDE};user=phone",
    f"{OUTSIDE}&{OUTSIDE}",
    f"{OUTSIDE},1",
    "%39%355551234",
    "%24%7bOUTSIDE%7d95551234",
    "%24%7bSHELL(id)%7d",
    "1000;OFFHOOK_RIGHT=1000",
    "outbound",
    "s",
    "95551234%0d%0aX:%20y",
    "+95551234",
    "*95551234",
    "#31#95551234",
    "9555a1234",
    "trunk-far-endpoint",
    "PJSIP%2f5551234%40trunk-far-endpoint",
)


async def _headers(it: House) -> None:
    """A phone without the right calls in the name of another, and odd numbers; so do carriers, strangers."""
    await it.is_refused(await it.two.call(OUTSIDE, list(HEADERS)))
    for number in NUMBERS:
        await it.is_refused(await it.two.call(number))
    for number in (OUTSIDE, "5551234", f"{OUTSIDE};npdi"):
        await it.is_refused(await it.near.call_in(number, caller="1000", headers=list(HEADERS)))
    stranger = await it.pbx.carrier(address="127.0.0.9")
    await it.is_refused(await stranger.call_in(OUTSIDE, caller="1000", headers=list(HEADERS)))
    thief = await it.pbx.phone("1000", register=False)
    thief.password = "guessed"
    await it.is_refused(await thief.call(OUTSIDE))


async def _applications(it: House) -> None:
    """What an application may not do for one without the right, nor name as a member of anything."""
    client = it.pbx.client
    caller, _talk = await it.inside()
    channel = next(
        event["members"][0]["inbound"]["channelid"]
        for event in it.pbx.receiver.named("CallStatus")
        if "inbound" in event["members"][0]
    )
    requests: list[tuple[str, dict[str, str]]] = [
        ("call/dial", {"caller": "1001", "callee": OUTSIDE}),
        ("call/transfer", {"channelid": channel, "number": OUTSIDE}),
        ("ringgroup/add", {"name": "x", "members": OUTSIDE}),
        ("queue/add", {"queuename": "x", "agents": OUTSIDE}),
        ("paginggroup/add", {"name": "x", "member": OUTSIDE}),
        ("conference/invite", {"number": "6400", "member": OUTSIDE}),
    ]
    for endpoint, body in requests:
        assert (await client.post(endpoint, body))["status"] == "Failed", endpoint
    for key, field in (("ringgroups", "members"), ("queues", "agents"), ("paginggroups", "member")):
        name = {"ringgroups": "name", "queues": "queuename", "paginggroups": "name"}[key]
        await it.pbx.admin("POST", f"/{key}", {name: "x", field: OUTSIDE}, status=400)
    await caller.hangup()


PATHS: dict[str, Callable[[House], Awaitable[None]]] = {
    "forwards": _forwards,
    "forward by code, mobile": _forward_by_code,
    "transfers": _transfers,
    "transfers by carriers": _transfers_by_carriers,
    "rooms": _rooms,
    "menus": _menus,
    "guesses": _guesses,
    "headers and numbers": _headers,
    "applications": _applications,
}


@contextlib.asynccontextmanager
async def house(pbx: TestPbx) -> AsyncIterator[House]:
    """The house for the time of a block, in a PBX that is clean."""
    near, far = await pbx.carrier(), await pbx.carrier(address="127.0.0.3", frequency=800)
    await pbx.trunk(near, "near")
    await pbx.trunk(far, "far")
    phones = []
    for at, number in enumerate(("1000", "1001", "1002")):
        await pbx.extension(number)
        phones.append(await pbx.phone(number, frequency=440 + 130 * at))
    await pbx.apply(HOUSE)
    await pbx.quiet()
    pbx.receiver.clear()
    port, secret = pbx.pbx.engine.ami
    async with engine_log(port, AMI_USER, secret, pbx.settings.data / "cel" / "cel.json") as log:
        yield House(pbx, near, far, phones[0], phones[1], phones[2], log)


async def is_open(it: House) -> None:
    """Who has the right reaches the line, so that the others could have."""
    call = await it.chief.call(OUTSIDE)
    await (await it.far.incoming()).answer()
    await call.hears(800)
    await call.hangup()
