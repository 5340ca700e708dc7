"""recording/get_random and recording/download; closing, keeping and checking (spec 10-records)."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import logging
import os
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import pytest_asyncio
import soundfile  # type: ignore[import-untyped]
import sqlalchemy as sa

from offhook.areas.apply.document import ApplyError
from offhook.areas.pbxsettings.recording_settings import RECORDING
from offhook.areas.pbxsettings.records_settings import RECORDS
from offhook.areas.recordings.files import wav_header
from offhook.areas.recordings.service import Finding, check_store
from offhook.contract.errors import ContractError, Errno
from offhook.ledger import Recording
from tests.support.admin import Admin
from tests.support.api import TestApi, running_api
from tests.support.pbx import tone_file
from tests.support.records import NOON, a_record, keep

NAME = "20191024120000-1571918400.1-1000-1001-Internal.wav"
BAD = (
    "../../secret.key",
    "..%2F..%2Fsecret.key",
    "/etc/passwd",
    NAME.removesuffix(".wav"),
    NAME.replace(".wav", ".in.sln16"),
    NAME + "/../" + NAME,
    NAME.replace("1000", "10/00"),
    "running/" + NAME,
    NAME.replace("Internal", "internal"),
    NAME + "\x7f",
    "٢" + NAME[1:],
    "x" * 300,
    NAME.replace("1000", "1002"),
)


class Kept:
    """Recordings of a listening API; `say` makes one as the engine and a call's record do."""

    def __init__(self, api: TestApi, token: str) -> None:
        self.api = api
        self.token = token
        self.service = api.recordings
        self.files = api.recordings.files

    def write(self, name: str, samples: Any) -> None:
        """What the engine has written: pairs of what the channel says and hears."""
        for path, side in zip(self.files.raw(name), np.array(samples, dtype="<i2").T, strict=True):
            path.write_bytes(side.tobytes())

    async def say(self, name: str = NAME, samples: Any = ((100, 2000), (-5, 7)), **more: Any) -> None:
        """A recording whose call is over: the callee says the first of each pair, the caller the second."""
        if samples is not None:
            self.write(name, samples)
        callid = name.split("-")[1]
        recording = Recording(name=name, side=more.pop("side", "callee"), started=more.pop("at", NOON))
        record = replace(a_record(NOON, **more), callid=callid, recording=name, recordings=(recording,))
        await self.api.core.store.write("record", lambda unit: self.service.begin(unit, record))

    async def settings(self, **values: str) -> None:
        """Change settings as an operator does."""
        settings = self.api.core.pbx_settings
        await settings.update(RECORDING, settings.read_changes(RECORDING, values))

    async def ask(self, name: str, **fields: Any) -> dict[str, Any]:
        """recording/get_random."""
        return await self.api.post(f"recording/get_random?token={self.token}", {"recording": name, **fields})

    def link(self, name: str, random: str) -> bytes:
        """The request of a link."""
        query = f"recording={quote(name, safe='')}&random={random}&token={self.token}"
        return f"GET /api/v2.0.0/recording/download?{query} HTTP/1.0\r\nHost: pbx\r\n\r\n".encode()

    async def fetch(self, name: str, random: str, source: str = "127.0.0.1") -> bytes:
        """What the link delivers."""
        return (await self.api.raw(self.link(name, random), source=source))[1]

    async def states(self) -> dict[str, str]:
        """State of each recording."""
        return {row["name"]: row["state"] for row in await self.service.list({}, 100)}


@pytest_asyncio.fixture
async def kept() -> AsyncIterator[Kept]:
    """An API without recordings."""
    async with running_api() as api:
        yield Kept(api, await api.login())


async def test_a_recording_is_closed_and_delivered_once(kept: Kept) -> None:
    await kept.say(samples=((30000, 30000), (-30000, -30000), (100, -40)))
    answer = await kept.ask(NAME, allowedip=" ")
    random = answer.pop("random")
    assert answer == {"status": "Success", "recording": NAME}
    head, body = await kept.api.raw(kept.link(NAME, random))
    assert b"Content-Type: audio/wav" in head
    assert f'attachment; filename="{NAME}"'.encode() in head
    samples, rate = soundfile.read(io.BytesIO(body), dtype="int16")
    assert (rate, samples.tolist()) == (16000, [32767, -32768, 60])
    (row,) = await kept.service.list({}, 10)
    assert row["state"] == "closed"
    assert (row["bytes"], row["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert not any(path.exists() for path in kept.files.raw(NAME))
    assert kept.files.path(NAME).parent.name == "2019-10-24"
    again = await kept.api.json(kept.link(NAME, random))
    assert again["errno"] == "20012"


@pytest.mark.parametrize(("side", "left"), [("callee", [2000, 7]), ("caller", [100, -5])])
async def test_stereo_has_the_caller_on_the_left(kept: Kept, side: str, left: list[int]) -> None:
    await kept.settings(stereo="on")
    await kept.say(side=side)
    body = await kept.fetch(NAME, (await kept.ask(NAME))["random"])
    samples, _ = soundfile.read(io.BytesIO(body), dtype="int16")
    assert samples[:, 0].tolist() == left


@pytest.mark.parametrize("name", BAD)
async def test_odd_names_are_no_recordings(kept: Kept, name: str) -> None:
    await kept.say()
    random = (await kept.ask(NAME))["random"]
    assert (await kept.ask(name))["errno"] == "20014"
    refused = await kept.api.json(kept.link(name, random))
    assert refused["errno"] in {"20012", "20014"}
    assert len(await kept.fetch(NAME, random)) == 48, "a failed attempt uses nothing up"


async def test_addresses_and_what_is_left_out(kept: Kept) -> None:
    await kept.say()
    assert (await kept.ask(NAME, allowedip="nowhere"))["errno"] == "20015"
    assert (await kept.ask(""))["errno"] == "10004"
    random = (await kept.ask(NAME, allowedip="127.0.0.9"))["random"]
    assert json.loads(await kept.fetch(NAME, random, "127.0.0.8"))["errno"] == "20022"
    assert len(await kept.fetch(NAME, random, "127.0.0.9")) == 48, "the refused one has used nothing up"
    answer = await kept.ask(NAME)
    kept.token = "x" * 32
    assert (await kept.api.json(kept.link(NAME, answer["random"])))["errno"] == "20004"


async def test_a_recording_whose_file_goes_after_get_random(kept: Kept) -> None:
    await kept.say()
    random = (await kept.ask(NAME))["random"]
    kept.files.path(NAME).unlink()
    assert (await kept.api.json(kept.link(NAME, random)))["errno"] == "20014"
    assert await kept.service.check() == {Finding(NAME, "there is no file of it")}


async def test_a_crash_between_file_and_store_is_made_good(kept: Kept) -> None:
    """Killed after the WAV file was put in its place, and once more after the store knows it."""
    await kept.say()
    await asyncio.to_thread(kept.files.close, NAME, stereo=False, caller_heard=True)
    await kept.service.settle()
    assert await kept.states() == {NAME: "closed"}
    kept.write(NAME, ((1, 2),))
    assert await kept.service.check() == frozenset()
    await kept.service.tidy()
    assert not kept.files.raw_names()


async def test_torn_samples_at_the_end_are_left_out(kept: Kept) -> None:
    await kept.say()
    said, heard = kept.files.raw(NAME)
    with said.open("ab") as file:
        file.write(b"\1\2\3")
    heard.write_bytes(heard.read_bytes()[:-1])
    body = await kept.fetch(NAME, (await kept.ask(NAME))["random"])
    assert struct.unpack_from("<I", body, 40) == (6,)
    samples, _ = soundfile.read(io.BytesIO(body), dtype="int16")
    assert samples.tolist() == [2100, -5, 513], "what one side lacks is silence"


async def test_one_side_that_was_never_written_is_silence(kept: Kept) -> None:
    await kept.say()
    kept.files.raw(NAME)[1].unlink()
    body = await kept.fetch(NAME, (await kept.ask(NAME))["random"])
    assert soundfile.read(io.BytesIO(body), dtype="int16")[0].tolist() == [100, -5]


async def test_what_has_no_file_or_no_record_is_told(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    lost = NAME.replace("1000", "1002")
    await kept.say()
    await kept.say(lost, samples=None)
    await kept.service.settle()
    assert await kept.states() == {NAME: "closed", lost: "missing"}
    orphan = NAME.replace("1000", "1003")
    kept.files.path(orphan).write_bytes(wav_header(1, 0))
    never_closed = NAME.replace("1000", "1004")
    kept.write(never_closed, ((0, 0),))
    found = await kept.service.check()
    assert {(one.name, one.what) for one in found} == {
        (lost, "there is no file of it"),
        (orphan, "no record names this file"),
        (never_closed, "no record names this file"),
    }
    with caplog.at_level(logging.ERROR):
        kept.service._tell(found)
        kept.service._tell(found)
    assert caplog.text.count(orphan) == 1, "each is told once"


async def test_old_recordings_and_the_oldest_of_too_many_are_deleted(kept: Kept) -> None:
    names = [NAME.replace("1001", str(2000 + day)) for day in range(4)]
    for day, name in enumerate(names):
        await kept.say(name, samples=((1, 1),) * 300_000, at=NOON + day * 86400)
    await kept.service.settle()
    assert await kept.service.tidy() == 0, "kept for ever"
    kept.api.clock.advance(NOON + 2 * 86400 + 5 - kept.api.clock.now())
    await kept.settings(keepdays="1")
    kept.api.clock.set_by(30 * 86400)
    assert await kept.service.tidy() == 2, "a clock set forward makes nothing older"
    kept.api.clock.set_by(-30 * 86400)
    await kept.settings(keepdays="0", maxmegabytes="1")
    assert await kept.service.tidy() == 1
    assert await kept.states() == {names[3]: "closed"}
    assert [name for day in kept.files.days() for name in kept.files.names(day)] == [names[3]]


async def test_a_recording_outlives_its_record(kept: Kept) -> None:
    """Each is kept for as long as its own setting says; neither checker takes the file for a stray one."""
    core = kept.api.core
    data = core.settings.data
    await kept.say()
    await keep(core.store, replace(a_record(NOON), callid=NAME.split("-")[1], recording=NAME))
    await kept.service.settle()
    await core.pbx_settings.update(RECORDS, {"keepdays": 1})
    kept.api.clock.advance(NOON + 2 * 86400 - kept.api.clock.now())
    assert await kept.api.call_records.retention.sweep() == 1
    await kept.service.tidy()
    assert await kept.service.check() == frozenset()
    assert not await asyncio.to_thread(check_store, data / "offhook.db", data)
    kept.token = await kept.api.login()  # the clock has been moved
    answer = await kept.ask(NAME)
    assert answer["status"] == "Success", answer
    assert len(await kept.fetch(NAME, answer["random"])) == 48
    await kept.settings(keepdays="1")
    await kept.service.tidy()
    assert (await kept.ask(NAME))["errno"] == "20014"


async def test_what_is_announced_has_to_be_there(kept: Kept) -> None:
    """Also in one document with the prompt; a prompt that is announced stays (test_admin_sounds.py)."""
    core = kept.api.core
    for sent in ("nowhere", "../secret.key", "a,b", "x" * 64, "a${SHELL(id)}"):
        with pytest.raises(ContractError) as refused:
            await kept.settings(announce=sent)
        assert refused.value.errno is Errno.NO_SUCH_AUDIO, sent
    with pytest.raises(ApplyError, match="the settings recording: there is no prompt nowhere"):
        await core.apply.apply("recording: {announce: nowhere, announcefor: all}")
    assert (await core.pbx_settings.get(RECORDING))["announcefor"] == "outside"
    file = core.settings.data / "notice.wav"
    file.write_bytes(tone_file(440, 0.1))
    document = f"{{prompts: [{{name: notice, file: {file}}}], recording: {{announce: notice}}}}"
    assert (await core.apply.apply(document)).changes
    assert not (await core.apply.apply(document)).changes

    async def sounds() -> list[tuple[str, str]]:
        query = sa.text("SELECT type, sound FROM v_announced ORDER BY type")
        return await core.store.read(lambda c: [tuple(row) for row in c.execute(query)])

    assert await sounds() == [("Inbound", "record/notice")]
    await kept.settings(announcefor="all")
    assert await sounds() == [(name, "record/notice") for name in ("Inbound", "Internal", "Outbound")]
    await kept.settings(announce="")
    assert await sounds() == []


async def test_a_running_recording_is_none_yet(kept: Kept) -> None:
    await kept.service.begin_in_call(NAME, "1571918400.1")
    kept.service._open_calls = lambda: ("1571918400.1",)
    assert (await kept.ask(NAME))["errno"] == "20014"
    assert await kept.service.check() == frozenset()
    await kept.service.settle()
    assert await kept.states() == {NAME: "begun"}
    await kept.service.withdraw(NAME)
    assert await kept.states() == {}


async def test_the_doctor_finds_the_same(kept: Kept) -> None:
    data = kept.api.core.settings.data
    lost = NAME.replace("1000", "1002")
    await kept.say()
    await kept.say(lost, samples=None)
    await kept.service.settle()
    waiting = NAME.replace("1000", "1003")
    kept.write(waiting, ((0, 0),))  # its call has no record yet
    found = await asyncio.to_thread(check_store, data / "offhook.db", data)
    assert found == [Finding(lost, "there is no file of it")]
    await keep(kept.api.core.store, replace(a_record(NOON), callid="1571918400.1"))
    found = await asyncio.to_thread(check_store, data / "offhook.db", data)
    assert {one.name for one in found} == {lost, waiting}


async def test_operators_list_fetch_and_check_them(kept: Kept) -> None:
    admin = Admin(kept.api.port, kept.api.core.first_passwords.console)
    await kept.say()
    await kept.say(NAME.replace("1000", "1002"), samples=None)
    await kept.service.settle()
    items = (await admin.ok("GET", "/recordings?caller=1000&state=closed&since=1&limit=5"))["items"]
    assert [one["name"] for one in items] == [NAME]
    assert (await admin.ok("GET", "/recordings/check"))["items"][0]["what"] == "there is no file of it"
    await admin.refused(400, "GET", "/recordings?caller=..", None)
    await admin.refused(400, "GET", "/recordings?path=x", None)
    await admin.refused(404, "GET", "/recordings/..%2Fsecret.key", None)
    await admin.refused(405, "POST", "/recordings", {})
    file = await kept.service.find(NAME)
    assert file is not None
    assert await admin.ok("GET", f"/recordings/{NAME}") == file.read_bytes()
    os.truncate(file, 70 << 20)  # more than is ever held in memory; the end is a hole
    got = await admin.ask("GET", f"/recordings/{NAME}")
    assert (got.status, len(got.body), got.headers["Content-Type"]) == (200, 70 << 20, "audio/wav")
    file.unlink()
    await admin.refused(404, "GET", f"/recordings/{NAME}")
