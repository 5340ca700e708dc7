"""Voicemail with real phones: what is left is queried, fetched, heard and deleted (spec 09-voicemail)."""

from __future__ import annotations

import calendar
import json
import time

import pytest

from tests.support.pbx import TestPbx
from tests.support.phone import eventually
from tests.support.story import phones
from tests.support.voicemail import (
    fetch,
    folder,
    lamp_shows,
    leave,
    messages,
    random_of,
    tone_of,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST, SECOND = ("msg0000.wav", "unread"), ("msg0001.wav", "unread")


async def test_a_message_is_left_fetched_and_deleted(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    assert await pbx.client.ok("voicemail/query", {"number": "all"}) == {"status": "Success"}
    begun = time.time()
    # as an engine leaves it that is killed while it moves messages: it must not keep the next one out
    inbox = folder(pbx.settings.data, "1001")
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / ".lock").touch()
    await leave(pbx.settings.data, one, "1001")
    await lamp_shows(two, 1, 0)
    await leave(pbx.settings.data, three, "1001", 2.5)
    await lamp_shows(two, 2, 0)

    answer = await pbx.client.ok("voicemail/query", {"number": "1000, 1001,"})
    (box,) = answer["voicemails"]
    assert (box["number"], [one["messagefrom"] for one in box["voicemail"]]) == ("1001", ["1000", "1002"])
    assert await messages(pbx, "1001") == [FIRST, SECOND]
    for left in box["voicemail"]:  # the PBX's zone is UTC here
        date = calendar.timegm(time.strptime(left["voicemaildate"], "%Y-%m-%d %H:%M:%S"))
        assert begun - 1 <= date <= time.time()
    short, long = (int(one["voicemaillength"]) for one in box["voicemail"])
    assert 1 <= short <= 2 < long <= 5

    link = await random_of(pbx, "1001", "msg0001.wav")
    other = json.loads((await fetch(pbx, {**link, "voicemailfile": "msg0000.wav"}))[1])
    assert other["errno"] == "20017", "for something else"
    # deleting the first gives the second its name: the link still means what it was given for
    await pbx.client.ok(
        "voicemail/delete", {"number": "1001", "voicemailfile": "msg0000.wav, ", "voicemailstatus": "unread"}
    )
    await lamp_shows(two, 1, 0)
    assert await messages(pbx, "1001") == [FIRST]
    kind, wav = await fetch(pbx, link)
    assert (kind, tone_of(wav)) == ("audio/wav", three.frequency)
    assert json.loads((await fetch(pbx, link))[1])["errno"] == "20017", "used"
    await pbx.client.ok(
        "voicemail/delete", {"number": "all", "voicemailfile": "all", "voicemailstatus": "all"}
    )
    await lamp_shows(two, 0, 0)
    assert await pbx.client.ok("voicemail/query", {"number": "1001"}) == {"status": "Success"}
    taken = pbx.settings.data / "voicemail"
    await eventually(lambda: not list(taken.iterdir()), "nothing is left of what was fetched")
    assert not list(folder(pbx.settings.data, "1001").glob("msg*"))
    await eventually(lambda: not pbx.pbx.live.picture.calls, "all calls are over")
