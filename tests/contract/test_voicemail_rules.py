"""voicemail/* without an engine: who and what does not exist, names and addresses that are none (spec 09)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from offhook.areas.voicemail.model import FOLDERS
from tests.support.api import TestApi, running_api

ASKED = {"number": "1000", "voicemailfile": "msg0000.wav", "voicemailstatus": "unread"}
NO_FILES = (
    "msg0007.wav",
    "msg0000.txt",
    "msg0000",
    "MSG0000.wav",
    "msg00000.wav",
    "msg\u0660\u0661\u0662\u0663.wav",
    "../INBOX/msg0000.wav",
    "..%2fmsg0000.wav",
    "/etc/passwd",
    "msg0000.wav\x00",
    "msg00\n00.wav",
    "\ud800.wav",
)
NOBODY = ("1001", "all", "1000,1001", "../1000", "1000/../1000", "10000000", "\u0661\u0660\u0660\u0660")


def put(api: TestApi, number: str, folder: str, position: int, **values: str) -> bytes:
    """Lay a message into a box as the engine does; returns its audio."""
    box = api.core.settings.data / "asterisk/spool/voicemail/default" / number / folder
    box.mkdir(parents=True, exist_ok=True)
    told = {
        "callerchan": "PJSIP/1001-00000001",
        "callerid": '"Ann" <1001>',
        "origtime": "1571607702",
        "msg_id": f"1571607702-{folder}-{position}",
        "duration": "77",
        **values,
    }
    audio = f"{number} {folder} {position}".encode()
    (box / f"msg{position:04d}.wav").write_bytes(audio)
    text = ";\n; Message Information file\n;\n[message]\n" + "".join(f"{n}={v}\n" for n, v in told.items())
    (box / f"msg{position:04d}.txt").write_text(text, encoding="utf-8")
    return audio


class Asking:
    """An application that is logged in."""

    def __init__(self, api: TestApi, token: str) -> None:
        self.api = api
        self.token = token

    async def post(self, path: str, **values: str) -> dict[str, Any]:
        """One request."""
        return await self.api.post(f"voicemail/{path}?token={self.token}", values)

    async def errno(self, path: str, **values: str) -> str:
        """The code of a request that has to fail."""
        answer = await self.post(path, **values)
        assert answer["status"] == "Failed", answer
        return str(answer["errno"])

    async def get(self, **values: str) -> bytes:
        """Follow a download link; returns the body."""
        return await self.get_from("127.0.0.1", **values)

    async def get_from(self, address: str, **values: str) -> bytes:
        """As `get`, from another address of this machine."""
        query = urlencode({"token": self.token, **values})
        request = f"GET /api/v2.0.0/voicemail/download?{query} HTTP/1.1\r\nHost: pbx\r\n\r\n"
        return (await self.api.raw(request.encode(), source=address))[1]

    async def refused(self, **values: str) -> str:
        """The code of a download that has to be refused."""
        return str(json.loads(await self.get(**values))["errno"])


@asynccontextmanager
async def asking() -> AsyncIterator[Asking]:
    """An API with the extension 1000 and its box."""
    async with running_api() as api:
        me = Asking(api, await api.login())
        extension = {"username": "Ann", "registerpassword": "v0S*ZrB6Y3g~1-oe", "registername": "1000"}
        await api.post(f"extension/add?token={me.token}", {**extension, "number": "1000"})
        yield me


async def test_what_is_missing_and_who_does_not_exist() -> None:
    async with asking() as me:
        for path in ("query", "delete", "get_random"):
            names = ["number"] if path == "query" else list(ASKED)
            for name in names:
                for empty in ("", " ", ","):
                    if empty == "," and (path == "get_random" or name == "voicemailstatus"):
                        continue
                    assert await me.errno(path, **{**ASKED, name: empty}) == "10004", (path, name)
        assert await me.errno("query", number="1001,1002") == "10006"
        assert await me.errno("delete", **{**ASKED, "number": "1001"}) == "10006"
        for number in NOBODY:
            assert await me.errno("get_random", **{**ASKED, "number": number}) == "10006", number
        for path in ("delete", "get_random"):
            for status in ("new", "UNREAD!", "0"):
                assert await me.errno(path, **{**ASKED, "voicemailstatus": status}) == "20016"
        assert await me.errno("get_random", **{**ASKED, "voicemailstatus": "all"}) == "20016"


async def test_files_that_do_not_exist_and_names_that_are_none() -> None:
    async with asking() as me:
        put(me.api, "1000", "INBOX", 0)
        put(me.api, "1000", "Old", 0)
        for name in NO_FILES:
            for path in ("delete", "get_random"):
                errno = await me.errno(path, **{**ASKED, "voicemailfile": name})
                assert errno == "20018", (path, name)
        several = ",".join(name for name in NO_FILES if name.isascii())
        assert await me.errno("delete", **{**ASKED, "voicemailfile": several}) == "20018"
        assert await me.errno("delete", **{**ASKED, "voicemailfile": "msg0001.wav"}) == "20018"
        # `all` never fails, whether anything is there or not
        empty = {**ASKED, "number": "all", "voicemailfile": "all"}
        (me.api.core.settings.data / "asterisk/spool/voicemail/default/1000/Old/msg0000.txt").unlink()
        assert await me.post("delete", **{**empty, "voicemailstatus": "read"}) == {"status": "Success"}


async def test_messages_of_all_folders_in_their_order() -> None:
    async with asking() as me:
        assert await me.post("query", number="1000") == {"status": "Success"}
        assert await me.post("query", number="all") == {"status": "Success"}
        for folder in FOLDERS:
            put(me.api, "1000", folder, 0)
        # what is not whole, and what is no message
        put(me.api, "1000", "INBOX", 1, duration="", msg_id="../../x")
        put(me.api, "1000", "INBOX", 2, origtime="soon")
        put(me.api, "1000", "tmp", 3)
        outside = '"\u00c4 <5>" <+4930901820>'
        put(me.api, "1000", "INBOX", 4, callerchan="PJSIP/trunk-a-endpoint-01", callerid=outside)
        put(me.api, "1000", "INBOX", 5, callerchan="PJSIP/trunk-a-endpoint-01", callerid="Unknown")
        box = me.api.core.settings.data / "asterisk/spool/voicemail/default/1000/INBOX"
        (box / "msg0005.wav").rename(box / "msg0006.wav")
        put(me.api, "1000", "INBOX", 5, callerchan="Local/1@x-1", callerid="anonymous")
        (found,) = (await me.post("query", number="1000,1001"))["voicemails"]
        assert found["number"] == "1000"
        assert list(found["voicemail"][0].items()) == [
            ("voicemailfile", "msg0000.wav"),
            ("messagefrom", "1001"),
            ("voicemailstatus", "unread"),
            ("voicemaildate", "2019-10-20 21:41:42"),
            ("voicemaillength", "77"),
        ]
        shown = [(one["voicemailfile"], one["voicemailstatus"]) for one in found["voicemail"]]
        assert shown == [
            *((f"msg{at:04d}.wav", "unread") for at in (0, 4, 5, 1000)),
            *((f"msg{at:04d}.wav", "read") for at in range(0, 9000, 1000)),
        ]
        assert [one["messagefrom"] for one in found["voicemail"]][:4] == ["1001", "4930901820", "", "1001"]


async def test_the_random_string_is_for_one_message_one_address_and_half_a_minute() -> None:
    async with asking() as me:
        unread = put(me.api, "1000", "INBOX", 0)
        read = put(me.api, "1000", "Old", 0)
        for wrong in ("192.168.66.300", "any", "10.0.0.1,10.0.0.2", "10.0.0.0/8"):
            assert await me.errno("get_random", **ASKED, allowedip=wrong) == "20015"
        for status, audio in (("unread", unread), ("read", read)):
            asked = {**ASKED, "voicemailstatus": status, "allowedip": " "}
            link = await me.post("get_random", **asked)
            assert list(link) == ["status", "number", "voicemailstatus", "voicemailfile", "random"]
            assert len(link.pop("random")) == 32
            link = {
                **ASKED,
                "voicemailstatus": status,
                "random": (await me.post("get_random", **asked))["random"],
            }
            other = "read" if status == "unread" else "unread"
            assert await me.refused(**{**link, "voicemailstatus": other}) == "20017"
            assert await me.refused(**{**link, "voicemailfile": "msg0001.wav"}) == "20017"
            assert await me.refused(**{**link, "voicemailfile": "../msg0000.wav"}) == "20018"
            assert await me.refused(**{**link, "voicemailstatus": "all"}) == "20017"
            assert await me.refused(**{**link, "number": "1001"}) == "20017"
            assert await me.refused(**{**link, "random": "0" * 32}) == "20017"
            assert await me.refused(**{**link, "random": ""}) == "10004"
            assert await me.refused(**{**link, "token": "0" * 32}) == "20004"
            assert await me.get(**link) == audio
            assert await me.refused(**link) == "20017", "used"
        late = {**ASKED, "random": (await me.post("get_random", **ASKED))["random"]}
        me.api.clock.advance(31)
        assert await me.refused(**late) == "20017"


async def test_only_the_application_and_the_address_named_may_download() -> None:
    async with asking() as me:
        audio = put(me.api, "1000", "INBOX", 0)
        link = {**ASKED, "random": (await me.post("get_random", **ASKED))["random"]}
        assert json.loads(await me.get_from("127.0.0.2", **link))["errno"] == "20022"
        assert await me.get(**link) == audio, "the refusal has not used it up"
        asked = {**ASKED, "allowedip": "127.0.0.2"}
        link["random"] = (await me.post("get_random", **asked))["random"]
        assert json.loads(await me.get_from("127.0.0.3", **link))["errno"] == "20022"
        assert await me.get_from("127.0.0.2", **link) == audio


async def test_another_message_is_never_delivered() -> None:
    async with asking() as me:
        first, second = put(me.api, "1000", "INBOX", 0), put(me.api, "1000", "INBOX", 1)
        box = Path(me.api.core.settings.data / "asterisk/spool/voicemail/default/1000/INBOX")
        links = [
            {**ASKED, "voicemailfile": name, "random": (await me.post("get_random", **asked))["random"]}
            for name in ("msg0000.wav", "msg0001.wav")
            for asked in ({**ASKED, "voicemailfile": name},)
        ]
        assert first != second
        for ending in (".wav", ".txt"):
            (box / f"msg0001{ending}").rename(box / f"msg0000{ending}")
        assert await me.refused(**links[0]) == "20018", "it is gone, and its name is another's"
        assert await me.get(**links[1]) == second, "it has another name now"
        taken = me.api.core.settings.data / "voicemail"
        for _ in range(100):
            if not list(taken.iterdir()):
                break
            await asyncio.sleep(0.02)
        assert not list(taken.iterdir()), "nothing is left of what was fetched"


@pytest.mark.parametrize("status", ["Unread", "UNREAD"])
async def test_capitals_of_the_status_do_not_matter(status: str) -> None:
    async with asking() as me:
        put(me.api, "1000", "INBOX", 0)
        answer = await me.post("get_random", **{**ASKED, "voicemailstatus": status})
        assert answer["voicemailstatus"] == "unread"
