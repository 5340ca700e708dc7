"""What always has to hold: the picture is the engine's own, and every call has one end and one record."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

from offhook.callstate.call import LegState
from offhook.callstate.picture import Picture
from tests.support.pbx import Json, TestPbx

_STATES = {"Up": LegState.UP, "Ring": LegState.RING, "Ringing": LegState.RINGING}


def differences(picture: Picture, channels: tuple[Mapping[str, str], ...]) -> list[str]:
    """How the picture differs from the engine's list of channels."""
    engine = {one["Uniqueid"]: one for one in channels if one["Channel"].startswith(("PJSIP/", "Local/"))}
    known = {uniqueid: leg for call in picture.calls.values() for uniqueid, leg in call.legs.items()}
    found = [f"{engine[key]['Channel']} is not in the picture" for key in engine.keys() - known.keys()]
    found += [f"{known[key].channelid} is in the picture only" for key in known.keys() - engine.keys()]
    for key in engine.keys() & known.keys():
        state = _STATES.get(engine[key]["ChannelStateDesc"])
        if state is not None and known[key].state is not state:
            found.append(f"{known[key].channelid} is {state}, the picture says {known[key].state}")
        bridge = engine[key].get("BridgeId", "")
        if bridge != known[key].bridge:
            found.append(
                f"{known[key].channelid} is in bridge {bridge}, the picture says {known[key].bridge}"
            )
    return found


async def same_picture(pbx: TestPbx, seconds: float = 3.0) -> None:
    """Wait until the picture is the engine's own: while events are on their way it may be behind."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        snapshot = await pbx.pbx.switch.snapshot()
        await asyncio.sleep(0.05)
        found = differences(pbx.pbx.live.picture, snapshot.channels)
        if not found:
            return
        if loop.time() > deadline:
            raise AssertionError("; ".join(found))
        await asyncio.sleep(0.1)


def check_ends(events: list[Json], promised: set[str]) -> None:
    """One record per call that was told or promised, after its last event; each member leaves once."""
    records = Counter(event["callid"] for event in events if event["event"] == "NewCdr")
    told = {event["callid"] for event in events if event["event"] == "CallStatus"}
    missing = (told | promised) - records.keys()
    assert not missing, f"calls without a record: {sorted(missing)}"
    assert max(records.values(), default=1) == 1, f"more than one record: {records.most_common(3)}"
    for callid in records:
        # a room keeps the callid of who came first, also when he has left
        mine = [e["event"] for e in events if e.get("callid") == callid and e["event"] != "ConferenceStatus"]
        assert mine[-1] == "NewCdr", f"{callid}: {mine[-3:]}"
    gone = Counter(
        (event["callid"], body["channelid"])
        for event in events
        if event["event"] == "CallStatus"
        for member in event["members"]
        for body in member.values()
        if body["memberstatus"] == "BYE"
    )
    assert max(gone.values(), default=1) == 1, f"left twice: {gone.most_common(3)}"
