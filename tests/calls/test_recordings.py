"""Recordings of calls: both sides heard in the file, names, keys, transfers (spec 10-records)."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import io
import re
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from offhook.areas.recordings.files import RATE
from tests.calls.test_live_control import talk
from tests.support.pbx import TestPbx
from tests.support.phone import eventually
from tests.support.queue_calls import document, ready, record_of, until
from tests.support.story import Story, outside, phones, talk_of_two

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAME = re.compile(r"[0-9]{14}-[0-9.]+-([0-9a-z]+)-([0-9a-z]+)-(Internal|Inbound|Outbound)\.wav")


async def download(pbx: TestPbx, name: str) -> bytes:
    """A recording as an application fetches it."""
    answer = await pbx.client.ok("recording/get_random", {"recording": name})
    assert answer["recording"] == name
    link = {"recording": name, "random": answer["random"]}
    audio, headers = await pbx.client.download("recording/download", **link)
    assert headers["Content-Type"] == "audio/wav", audio
    return audio


def sides(audio: bytes) -> tuple[Any, ...]:
    """The channels of a WAV file."""
    samples, rate = soundfile.read(io.BytesIO(audio), dtype="float32", always_2d=True)
    assert rate == RATE
    return tuple(samples.T)


def share(samples: Any, frequency: int) -> float:
    """How much of the sound is a tone of this frequency, from 0 to 1."""
    if not len(samples):
        return 0.0
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    at = np.fft.rfftfreq(len(samples), 1 / RATE)
    return float(spectrum[np.abs(at - frequency) < 15].sum() / max(spectrum.sum(), 1e-9))


def once(samples: Any, frequency: int) -> float:
    """The share of a tone in that quarter of a second in which it is greatest."""
    window = RATE // 4
    begins = range(0, len(samples) - window, window // 2)
    return max(share(samples[at : at + window], frequency) for at in begins)


def running(pbx: TestPbx) -> list[str]:
    """The recordings that are being written."""
    return pbx.pbx.messages.recordings.service.files.raw_names()


def written(pbx: TestPbx, frequency: int) -> bool:
    """Whether the recording that runs alone has this tone at its end, as far as the engine has written it."""
    (name,) = running(pbx)
    heard = pbx.pbx.messages.recordings.service.files.raw(name)[1].read_bytes()
    samples = np.frombuffer(heard[: len(heard) // 2 * 2], dtype="<i2")[-RATE // 4 :]
    return share(samples, frequency) > 0.5


async def rows(pbx: TestPbx, callid: str) -> list[dict[str, Any]]:
    """The recordings of a call, in the order of their beginning, once all are closed."""
    service = pbx.pbx.messages.recordings.service
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(8):
        while not found or any(row["state"] in {"begun", "running"} for row in found):
            await asyncio.sleep(0.05)
            found = list(reversed(await service.list({"callid": callid}, 100)))
    return found


async def test_an_internal_call_is_recorded_named_and_downloaded(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1000", "1001")
    await pbx.apply("recording: {extensions: [1000, 1001]}")
    call, talk = await talk_of_two(await Story.begin(pbx), one, two)
    await talk.hears(440)
    await call.hangup()
    cdr = await record_of(pbx)
    match = NAME.fullmatch(cdr["recording"])
    assert match is not None
    assert match.groups() == ("1000", "1001", "Internal")
    assert f"-{cdr['callid']}-" in cdr["recording"]
    (mixed,) = sides(await download(pbx, cdr["recording"]))
    assert len(mixed) > RATE // 4
    assert min(share(mixed, 440), share(mixed, 570)) > 0.2
    (row,) = await rows(pbx, cdr["callid"])
    path = pbx.settings.data / "recordings" / f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}" / row["name"]
    assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (row["bytes"], path.stat().st_mode & 0o777) == (path.stat().st_size, 0o600)
    assert not running(pbx)


async def test_an_inbound_call_goes_on_being_recorded_when_it_is_transferred(pbx: TestPbx) -> None:
    """Stereo: the caller on the left. The second talk has a file of its own, the record names the first."""
    _, two, three = await phones(pbx, "1000", "1001", "1002")
    carrier = await outside(pbx)
    await pbx.apply("{recording: {stereo: on}, trunks: [{trunkname: siptrunk, record: on}]}")
    await pbx.quiet()
    pbx.receiver.clear()
    call = await carrier.call_in("5503370", caller="..%2F..%2F4930%20x")
    talk = await two.incoming()
    await talk.answer()
    await call.hears(570)
    await talk.hears(900)
    assert len(running(pbx)) == 1
    await talk.rtp.press("*03")
    await eventually(lambda: pbx.receiver.named("Tranfer"), "the transfer begins")
    await talk.rtp.press("1002")
    onward = await three.incoming()
    await onward.answer()
    await call.hears(700)
    await onward.hears(900)
    await call.hangup()
    cdr = await record_of(pbx)
    first, second = await rows(pbx, cdr["callid"])
    assert cdr["recording"] == first["name"]
    assert (first["callee"], second["callee"], first["type"]) == ("1001", "1002", "Inbound")
    assert first["caller"] == second["caller"] == "4930"
    for row, frequency in ((first, 570), (second, 700)):
        left, right = sides(await download(pbx, row["name"]))
        assert min(share(left, 900), share(right, frequency)) > 0.1, "beside the prompts of the transfer"
        assert share(left, frequency) < 0.01


async def test_both_are_told_that_they_are_recorded(pbx: TestPbx) -> None:
    """Before they hear each other: calls from outside, those in the house only if the operator wants it."""
    one, two = await phones(pbx, "1000", "1001")
    carrier = await outside(pbx)
    await pbx.prompt("notice", 1500, 1.5)
    await pbx.apply("recording: {extensions: [1001], ondemand: [1000], announce: notice}")
    await pbx.quiet()
    pbx.receiver.clear()
    call = await carrier.call_in("5503370")
    talk = await two.incoming()
    await talk.answer()
    await asyncio.gather(call.hears(1500), talk.hears(1500))
    await asyncio.gather(call.hears(570), talk.hears(900))
    await asyncio.sleep(0.3)
    await call.hangup()
    cdr = await record_of(pbx)
    (mixed,) = sides(await download(pbx, cdr["recording"]))
    assert min(share(mixed, tone) for tone in (570, 900, 1500)) > 0.02, "the file begins with it"
    call, talk = await talk_of_two(await Story.begin(pbx), one, two)
    await asyncio.sleep(0.3)
    await call.hangup()
    (mixed,) = sides(await download(pbx, (await record_of(pbx))["recording"]))
    assert share(mixed, 1500) < 0.001
    await pbx.apply("recording: {extensions: [], announcefor: all}")
    call, talk = await talk_of_two(await Story.begin(pbx), one, two)
    await talk.hears(440)
    await call.rtp.press("*1")
    await asyncio.gather(call.hears(1500), talk.hears(1500))
    await asyncio.gather(call.hears(570), talk.hears(440))
    await call.hangup()
    await record_of(pbx)
    await pbx.apply('recording: {announce: ""}')
    await pbx.admin("DELETE", "/prompts/notice", status=204)


async def test_an_attended_transfer_is_recorded_on(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    await pbx.apply("recording: {extensions: [1000, 1001]}")
    story = await Story.begin(pbx)
    call, talk = await talk_of_two(story, one, two)
    await talk.rtp.press("*3")
    await story.tells("Tranfer", "CallStatus 1000 HOLD, 1001 ANSWER")
    await talk.rtp.press("1002")
    third = await three.incoming()
    await third.answer()
    await talk.hears(700)
    assert len(running(pbx)) == 1, "who consults is recorded already"
    await talk.hangup()
    await call.hears(700)
    await eventually(lambda: len(running(pbx)) == 2, "the two that are left are recorded")
    await third.hears(440)
    await asyncio.sleep(0.3)
    await call.hangup()
    cdr = await record_of(pbx)
    first, second = await rows(pbx, cdr["callid"])
    assert cdr["recording"] == first["name"]
    (left,) = sides(await download(pbx, second["name"]))
    assert min(share(left, 440), share(left, 700)) > 0.2
    assert {second["caller"], second["callee"]} == {"1000", "1002"}


async def test_what_applications_do_with_a_recorded_call(pbx: TestPbx) -> None:
    """Held by 1000, then passed on by 1001, whose phone was recorded: one recording at any moment."""
    await pbx.apply("recording: {extensions: all}")
    t = await talk(pbx)
    await t.do("hold", "1000")
    await eventually(lambda: t.callee.rtp.silent, "held")
    await t.do("unhold", "1000")
    await t.caller.hears(570)
    assert len(running(pbx)) == 1
    await t.do("attended_transfer", "1001", tonumber="1002")
    third = await t.phones[2].incoming()
    await third.answer()
    await t.callee.hears(700)
    await eventually(lambda: written(pbx, 700), "the consultation is recorded")
    await t.do("attended_transfer_operate", "1001", operate="complete")
    await t.caller.hears(700)
    await eventually(lambda: len(running(pbx)) == 2, "recorded on")
    assert len(pbx.pbx.messages.recordings.follower.channels) == 1
    await third.hears(440)
    await asyncio.sleep(0.3)
    await t.caller.hangup()
    cdr = await t.one_record()
    first, second = await rows(pbx, t.callid)
    assert cdr["recording"] == first["name"]
    (mixed,) = sides(await download(pbx, first["name"]))
    assert min(share(mixed, tone) for tone in (440, 570, 700)) > 0.02, "the consultation too"
    assert {second["caller"], second["callee"]} == {"1000", "1002"}


async def test_two_recorded_calls_that_become_one_have_one_recording(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    await pbx.apply("recording: {extensions: all, ondemand: 1002}")
    call, talk = await talk_of_two(await Story.begin(pbx), one, two)
    consulted = await one.call("1002")
    third = await three.incoming()
    await third.answer()
    await consulted.hears(700)
    follower = pbx.pbx.messages.recordings.follower
    assert len(follower.channels) == 2
    assert await call.refer("1002", replaces=consulted) == 202
    await talk.hears(700)
    await third.hears(570)
    await eventually(lambda: len(follower.channels) == 1, "one recording goes on")
    assert "PJSIP/1001-" in next(iter(follower.channels))
    await third.rtp.press("*01")
    await eventually(lambda: not follower.channels, "paused by a phone that is not the recorded one")
    await third.rtp.press("*01")
    await eventually(lambda: follower.channels, "it goes on")
    await asyncio.sleep(0.5)
    await talk.hangup()
    await eventually(lambda: len(pbx.receiver.named("NewCdr")) == 2, "both records")
    first = min(pbx.receiver.named("NewCdr"), key=lambda cdr: cdr["callid"])
    (row,) = await rows(pbx, first["callid"])
    (mixed,) = sides(await download(pbx, row["name"]))
    assert share(mixed, 440) > 0.1
    assert min(share(mixed[-RATE * 3 // 10 :], 570), share(mixed[-RATE * 3 // 10 :], 700)) > 0.2


async def test_a_parked_call_is_recorded_on_with_who_takes_it(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    await pbx.apply("recording: {extensions: [1001]}")
    call, talk = await talk_of_two(await Story.begin(pbx), one, two)
    await talk.rtp.press("*6")
    await talk.over()
    taken = await three.call("6900")
    await taken.hears(440)
    await call.hears(700)
    await eventually(lambda: len(running(pbx)) == 2, "recorded on")
    await asyncio.sleep(0.3)
    await call.hangup()
    await eventually(lambda: len(pbx.receiver.named("NewCdr")) == 2, "both records")
    cdr = min(pbx.receiver.named("NewCdr"), key=lambda cdr: cdr["callid"])
    first, second = await rows(pbx, cdr["callid"])
    assert cdr["recording"] == first["name"]
    (mixed,) = sides(await download(pbx, second["name"]))
    assert min(share(mixed, 440), share(mixed, 700)) > 0.1


async def test_a_key_records_and_another_pauses(pbx: TestPbx) -> None:
    """A number that was given away and taken again has lost the right."""
    await pbx.extension("1000")
    await pbx.extension("1001")
    await pbx.apply("recording: {ondemand: [1001]}")
    one, two = await phones(pbx, "1000", "1001")
    assert (await pbx.admin("GET", "/settings/recording"))["ondemand"] == ""
    await pbx.apply("recording: {ondemand: 1000}")
    call, talk = await talk_of_two(await Story.begin(pbx), one, two)
    await talk.rtp.press("*1")
    await eventually(lambda: call.rtp.keys == "*1", "who may not is only heard")
    assert not running(pbx)
    await call.rtp.press("*1")
    await eventually(lambda: running(pbx), "the recording runs")
    await asyncio.sleep(0.5)
    await call.rtp.press("*01")
    await eventually(lambda: not pbx.pbx.messages.recordings.follower.channels, "paused")
    await asyncio.sleep(1.5)
    await call.rtp.press("*01")
    await eventually(lambda: pbx.pbx.messages.recordings.follower.channels, "it goes on")
    await asyncio.sleep(0.5)
    await call.hangup()
    cdr = await record_of(pbx)
    (row,) = await rows(pbx, cdr["callid"])
    assert cdr["recording"] == row["name"]
    assert 0.8 < row["seconds"] < int(cdr["talkduraction"]) - 1.0


async def test_queues_and_rooms_are_recorded(pbx: TestPbx) -> None:
    """And announced: in a queue to both, in a room to who comes in."""
    one, two = await phones(pbx, "1000", "1001")
    await pbx.prompt("notice", 1500, 1.5)
    await pbx.apply(
        "{recording: {announce: notice, announcefor: all},"
        " conferences: [{number: 6400, name: Room, announcements: off, record: on}],"
        f" queues: [{document(record='on')}]}}"
    )
    await until(pbx, {"1001": "1"})
    await ready(pbx)
    call = await one.call("6700")
    agent = await two.incoming()
    assert not running(pbx), "who waits is not recorded"
    await agent.answer()
    await asyncio.gather(call.hears(1500), agent.hears(1500))
    await call.hears(570)
    await call.hangup()
    cdr = await record_of(pbx)
    (row,) = await rows(pbx, cdr["callid"])
    assert (row["caller"], row["callee"], cdr["recording"]) == ("1000", "1001", row["name"])
    assert share(sides(await download(pbx, row["name"]))[0], 570) > 0.1
    await ready(pbx)
    first = await one.call("6400")
    await first.hears(1500)
    second = await two.call("6400")
    await second.hears(1500)
    await first.hears(570)
    await second.hears(440)
    await first.hangup()
    await second.hangup()
    await eventually(lambda: len(pbx.receiver.named("NewCdr")) == 2, "both records")
    for cdr in pbx.receiver.named("NewCdr"):
        (row,) = await rows(pbx, cdr["callid"])
        assert (row["callee"], row["name"]) == ("6400", cdr["recording"])
        (mixed,) = sides(await download(pbx, row["name"]))
        assert min(once(mixed, tone) for tone in (440, 570, 1500)) > 0.2


async def test_recordings_end_before_the_disk_is_full_and_calls_do_not(pbx: TestPbx) -> None:
    one, two = await phones(pbx, "1000", "1001")
    await pbx.apply("recording: {extensions: all, minfreemegabytes: 100}")
    guard = pbx.pbx.messages.recordings.guard
    free, plenty = guard.free, 1 << 40
    try:
        guard.free = lambda _folder: plenty
        call, talk = await talk_of_two(await Story.begin(pbx), one, two)
        await eventually(lambda: running(pbx), "recorded")
        guard.free = lambda _folder: 19 << 20
        await eventually(lambda: not pbx.pbx.messages.recordings.follower.channels, "ended", 5)
        await call.hears(570)
        await call.hangup()
        await record_of(pbx)
        guard.free = lambda _folder: 99 << 20
        call, talk = await talk_of_two(await Story.begin(pbx), one, two)
        assert not running(pbx), "none begins"
        await call.hangup()
        assert (await record_of(pbx))["recording"] == ""
        guard.free = lambda _folder: 110 << 20
        await eventually(lambda: guard.may_begin, "there is room again", 5)
        call, talk = await talk_of_two(await Story.begin(pbx), one, two)
        assert len(running(pbx)) == 1
        await talk.hangup()
        assert (await record_of(pbx))["recording"] != ""
    finally:
        guard.free = free


async def test_a_recording_goes_on_while_the_control_plane_is_away(pbx: TestPbx) -> None:
    one, two, three = await phones(pbx, "1000", "1001", "1002")
    await pbx.apply("recording: {extensions: [1001]}")
    call, talk = await talk_of_two(await Story.begin(pbx), one, two)
    third = await three.call("1001")
    await pbx.restart_control()
    assert len(pbx.pbx.messages.recordings.follower.channels) == 1
    await call.hears(570)
    await third.hangup()
    await talk.hangup()
    await eventually(lambda: any(c["recording"] for c in pbx.receiver.named("NewCdr")), "the record")
    (cdr,) = [c for c in pbx.receiver.named("NewCdr") if c["recording"]]
    (row,) = await rows(pbx, cdr["callid"])
    assert row["seconds"] > 0.4
