"""One record for each call, whatever happens to it: kind of call × how it ends (spec 15-events, NewCdr)."""

from __future__ import annotations

import pytest

from tests.support.carrier import Carrier
from tests.support.pbx import TestPbx
from tests.support.phone import Call, Phone, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

DID = "5503301"
DOCUMENT = f"""
inroutes: [{{name: in, did: {DID}, trunks: siptrunk, desttype: extension, dest: 1001}}]
outroutes: [{{name: out, prefix: 9X., strip: 1, trunks: siptrunk, extensions: 1000}}]
ringgroups: [{{number: 6200, name: Group, members: 1001, ringtime: 1}}]
queues: [{{number: 6700, queuename: Queue, agents: 1001, announcepos: off, announceholdtime: off,
  wrapuptime: 0, agenttimeout: 5, maxwaittime: 2, retry: 1}}]
ivrs: [{{number: 6500, ivrname: Menu, dialext: off, key1: extension 1001, responsetimeout: 5}}]
"""
KINDS = ("internal", "inbound", "group", "queue", "ivr", "dial")
ENDS = (
    "answered, caller ends",
    "answered, callee ends",
    "busy",
    "no answer",
    "gives up",
    "do not disturb",
    "phone off",
    "forwarded at once",
    "forwarded when busy",
    "forwarded when unanswered",
)
ANSWERED, NO_ANSWER, BUSY = "ANSWERED", "NO ANSWER", "BUSY"


def expected(kind: str, end: str) -> tuple[str, str]:
    """Status and callto."""
    group = {"group": "6200", "queue": "6700"}.get(kind)
    if group and end.startswith("forwarded"):
        # who is called as a member is not called as an extension: his forwards do not apply
        if end.endswith("once"):
            return ANSWERED, f"{group}(1001)"
        return BUSY if kind == "group" and end.endswith("busy") else NO_ANSWER, group
    if end.startswith("answered"):
        return ANSWERED, f"{group}(1001)" if group else "1001"
    if end.startswith("forwarded"):
        return ANSWERED, "1002"
    status = BUSY if end in {"busy", "do not disturb"} else NO_ANSWER
    unrung = end in {"do not disturb", "phone off"}
    if kind == "queue":
        return NO_ANSWER, "6700"
    if kind == "group":
        return (NO_ANSWER if unrung else status), "6200"
    if kind == "ivr":
        return status, "6500"
    if kind == "inbound":
        return status, DID if unrung else "1001"
    return status, "1001"


SETTINGS = {
    "do not disturb": {"dnd": "on"},
    "forwarded at once": {"alwaysforward": "on", "atransferto": "Extension", "atransferext": "1002"},
    "forwarded when busy": {"busyforward": "on", "btransferto": "Extension", "btransferext": "1002"},
    "forwarded when unanswered": {
        "noanswerforward": "on",
        "ntransferto": "Extension",
        "ntransferext": "1002",
    },
}


class Cast:
    """Who takes part."""

    def __init__(self, pbx: TestPbx, caller: Phone, callee: Phone, other: Phone, carrier: Carrier) -> None:
        self.pbx, self.caller, self.callee, self.other, self.carrier = pbx, caller, callee, other, carrier

    async def call(self, kind: str) -> Call:
        """Call 1001 in one way."""
        match kind:
            case "inbound":
                return await self.carrier.call_in(DID, "5551234")
            case "dial":
                await self.pbx.client.ok("call/dial", {"caller": "1000", "callee": "1001"})
                call = await self.caller.incoming()
                await call.answer()
                return call
            case "ivr":
                call = await self.caller.call("6500")
                await call.answered()
                await call.rtp.press("1")
                return call
            case _:
                return await self.caller.call({"group": "6200", "queue": "6700"}.get(kind, "1001"))


async def _cast(pbx: TestPbx, end: str) -> Cast:
    await pbx.extension("1002")
    plain = {"noanswerforward": "off", "busyforward": "off", "ringtimeout": "1"}
    await pbx.extension("1000")
    await pbx.extension("1001", **{**plain, **SETTINGS.get(end, {})})
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    await pbx.apply(DOCUMENT)
    callee = await pbx.phone("1001", register=end != "phone off")
    cast = Cast(pbx, await pbx.phone("1000"), callee, await pbx.phone("1002", frequency=700), carrier)
    await pbx.quiet()
    pbx.receiver.clear()
    return cast


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", KINDS)
async def test_one_record(pbx: TestPbx, kind: str, end: str) -> None:
    cast = await _cast(pbx, end)
    status, callto = expected(kind, end)
    member = kind in {"group", "queue"}
    if end in {"busy", "forwarded when busy"}:
        cast.callee.auto_refuse = 486
    cast.other.auto_answer = end.startswith("forwarded") and not member
    call = await cast.call(kind)
    if end.startswith("answered") or (member and end == "forwarded at once"):
        talk = await cast.callee.incoming()
        await talk.answer()
        await call.answered()
        await eventually(lambda: call.rtp.packets > 5, "they talk")
        await (talk if end.endswith("callee ends") else call).hangup()
    elif status == ANSWERED:
        answered = await cast.other.incoming()
        await eventually(lambda: answered.is_up, "the other has answered")
        await call.hears(cast.other.frequency)
        await answered.hangup()
    elif end == "gives up":
        await cast.callee.incoming()
        await call.hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record", 12)
    await pbx.quiet()
    records = pbx.receiver.named("NewCdr")
    assert len(records) == 1
    cdr = records[0]
    assert (cdr["status"], cdr["callto"]) == (status, callto)
    assert cdr["type"] == ("Inbound" if kind == "inbound" else "Internal")
    assert cdr["callfrom"] == ("5551234" if kind == "inbound" else "1000")
    assert cdr["didnumber"] == (DID if kind == "inbound" else "")
    assert int(cdr["talkduraction"]) <= int(cdr["callduraction"])
    if status != ANSWERED:
        assert cdr["talkduraction"] == "0"
    ends = [event for event in pbx.receiver.events if event.get("callid") == cdr["callid"]]
    assert ends[-1]["event"] == "NewCdr"


OUT = [(486, BUSY), (603, BUSY), (480, NO_ANSWER), (404, NO_ANSWER), (503, NO_ANSWER), (500, NO_ANSWER)]


@pytest.mark.parametrize(("code", "status"), OUT)
async def test_a_call_out_that_is_refused(pbx: TestPbx, code: int, status: str) -> None:
    cast = await _cast(pbx, "")
    cast.carrier.refusing = code
    call = await cast.caller.call("9123456")
    await call.refused()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record", 12)
    cdr = pbx.receiver.named("NewCdr")[0]
    assert (cdr["status"], cdr["callto"], cdr["type"]) == (status, "9123456", "Outbound")
    assert (cdr["dsttrcunkname"], cdr["talkduraction"]) == ("siptrunk", "0")
    assert len(pbx.receiver.named("CallFailed")) == 1


@pytest.mark.parametrize("who", ["caller", "callee", "gives up"])
async def test_a_call_out(pbx: TestPbx, who: str) -> None:
    cast = await _cast(pbx, "")
    call = await cast.caller.call("9123456")
    called = await cast.carrier.incoming()
    if who == "gives up":
        await call.hangup()
    else:
        await called.answer()
        await call.answered()
        await (call if who == "caller" else called).hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record", 12)
    cdr = pbx.receiver.named("NewCdr")[0]
    assert (cdr["callfrom"], cdr["callto"], cdr["type"]) == ("1000", "9123456", "Outbound")
    assert cdr["status"] == (NO_ANSWER if who == "gives up" else ANSWERED)
