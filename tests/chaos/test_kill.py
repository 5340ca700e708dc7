"""Processes killed at bad moments: calls go on, and every call gets one record (decisions 5 and 8)."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing

import aiohttp
import numpy as np
import soundfile  # type: ignore[import-untyped]

from tests.support.pbx import STRONG, Client, Receiver
from tests.support.phone import Phone, eventually
from tests.support.process import UpProcess, up_process

CALLS = 20


async def _extensions(client: Client, numbers: list[str]) -> None:
    for number in numbers:
        await client.ok(
            "extension/add",
            {
                "number": number,
                "username": number,
                "registername": number,
                "registerpassword": STRONG,
                "busyforward": "off",
                "noanswerforward": "off",
            },
        )


async def _phones(up: UpProcess, numbers: list[str]) -> list[Phone]:
    phones = []
    for number in numbers:
        phone = await Phone(number, STRONG, ("127.0.0.1", up.sip_port)).__aenter__()
        phone.auto_answer = True
        assert await phone.register() == 200
        phones.append(phone)
    return phones


@contextlib.asynccontextmanager
async def _running(
    numbers: list[str],
) -> AsyncIterator[tuple[UpProcess, Client, Receiver, list[Phone]]]:
    """A PBX with these extensions, each with a phone, and a client that is logged in with a receiver."""
    receiver = Receiver()
    await receiver.start()
    async with up_process() as up:
        await up.start()
        client = await up.client()
        await client.login(version="2.0.0", port=str(receiver.port))
        await _extensions(client, numbers)
        phones = await _phones(up, numbers)
        try:
            yield up, client, receiver, phones
        finally:
            for phone in phones:
                phone.forget_calls()
                await phone.__aexit__()
            await client.close()
            await receiver.close()


async def _stored(up: UpProcess) -> list[str]:
    """The callids of all records in the store."""

    def read() -> list[str]:
        with closing(sqlite3.connect(up.data / "offhook.db")) as store:
            return [row[0] for row in store.execute("SELECT callid FROM cdr")]

    return await asyncio.to_thread(read)


def _check_repeats(receiver: Receiver) -> None:
    """An event is sent again only if we were killed before its delivery was noted, and then unchanged."""
    told: dict[str, object] = {}
    for event in receiver.named("NewCdr"):
        assert told.setdefault(event["callid"], event) == event


def _record_counts(receiver: Receiver) -> Counter[str]:
    return Counter(event["callid"] for event in receiver.named("NewCdr"))


async def test_killing_the_control_plane_during_calls_loses_and_doubles_no_record() -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    numbers = [str(2000 + n) for n in range(2 * CALLS)]
    callers, callees = numbers[:CALLS], numbers[CALLS:]
    async with _running(numbers) as (up, client, receiver, phones):
        by_number = {phone.number: phone for phone in phones}
        promised: list[str] = []

        async def one_call(caller: str, callee: str) -> None:
            await asyncio.sleep(chance.uniform(0, 0.8))
            answer = await client.ok("call/dial", {"caller": caller, "callee": callee})
            promised.append(answer["callid"])

        await asyncio.gather(*(one_call(a, b) for a, b in zip(callers, callees, strict=True)))
        await eventually(
            lambda: all(any(c.is_up for c in by_number[n].calls) for n in callees), "all calls are up", 20
        )
        ending = chance.sample(callers, CALLS // 2)
        for number in ending[: CALLS // 4]:
            await by_number[number].calls[0].hangup()
        await asyncio.sleep(chance.uniform(0, 0.1))
        await up.kill()
        for number in ending[CALLS // 4 :]:
            await by_number[number].calls[0].hangup()
        assert all(by_number[n].calls[0].is_up for n in callers if n not in ending), "calls go on"

        await up.start()
        begin = asyncio.get_running_loop().time()
        going = [n for n in callers if n not in ending]
        token = client.token
        answer = await client.post("extension/query_call", {"number": ",".join(going)}, token=token)
        assert answer["status"] == "Success", "the token outlives the control plane"
        assert {one["number"] for one in answer["calllist"]} == set(going)
        assert asyncio.get_running_loop().time() - begin < 2
        for call in (calls for one in answer["calllist"] for calls in one["numbercalls"]):
            states = [next(iter(member.values()))["memberstatus"] for member in call["members"]]
            assert sorted(states) == ["ANSWER", "ANSWERED"]
        for number in going:
            await by_number[number].calls[0].hangup()
        await eventually(
            lambda: set(_record_counts(receiver)) >= set(promised), f"a record for each of {promised}", 20
        )
        assert Counter(await _stored(up)) == Counter(promised)
        _check_repeats(receiver)
        assert all(event["status"] == "ANSWERED" for event in receiver.named("NewCdr"))
        assert not receiver.named("BootUp")


async def test_a_control_plane_killed_right_after_the_record_was_told_still_delivers_it() -> None:
    async with _running(["2000", "2001"]) as (up, client, receiver, phones):
        callid = (await client.ok("call/dial", {"caller": "2000", "callee": "2001"}))["callid"]
        await eventually(lambda: any(c.is_up for c in phones[1].calls), "the call is up")
        before = (await client.ok("cdr/get_random"))["random"]
        await phones[0].calls[0].hangup()
        told = await receiver.cdr(callid)
        await up.kill()
        await up.start()
        refused, _ = await client.download("cdr/download", random=before)
        assert json.loads(refused)["errno"] == "20020", "random strings end with the control plane"
        random = (await client.ok("cdr/get_random", {"number": "2001"}))["random"]
        file, _ = await client.download("cdr/download", random=random)
        (line,) = file.decode().split("\n")[1:]
        names = ("callid", "timestart", "callfrom", "callto", "callduraction", "talkduraction")
        assert line.split(",")[:6] == [told[name] for name in names]
        assert _record_counts(receiver)[callid] <= 2, "told again at most because of the kill"
        _check_repeats(receiver)


async def test_killing_the_engine_ends_every_call_with_its_record_and_starts_it_again() -> None:
    async with _running(["2000", "2001"]) as (up, client, receiver, phones):
        callid = (await client.ok("call/dial", {"caller": "2000", "callee": "2001"}))["callid"]
        await eventually(lambda: any(c.is_up for c in phones[1].calls), "the call is up")
        killed = up.engine_pid
        os.kill(killed, signal.SIGKILL)
        await eventually(lambda: receiver.named("BootUp"), "the receiver hears of the restart", 30)
        assert up.engine_pid != killed
        assert client.token
        assert (await client.post("extension/list"))["errno"] == "20004", "tokens end with the engine"
        await client.login(version="2.0.0", port=str(receiver.port))
        await receiver.cdr(callid, 20)
        told = [event["event"] for event in receiver.of_call(callid)]
        assert told[-1] == "NewCdr"
        assert told.count("NewCdr") == 1
        for phone in phones:
            # The engine writes registrations to disk each second, so the newest may be lost with it.
            phone.forget_calls()
            assert await phone.register() == 200
        again = await phones[0].call("2001")
        await again.answered()
        with closing(sqlite3.connect(up.data / "offhook.db")) as store:
            alarms = store.execute("SELECT key, active, count FROM alarms").fetchall()
        assert alarms == [("engine", 0, 1)], "raised, and over"


async def test_killing_both_at_once_still_gives_every_call_its_record() -> None:
    async with _running(["2000", "2001"]) as (up, client, receiver, phones):
        talking = (await client.ok("call/dial", {"caller": "2000", "callee": "2001"}))["callid"]
        await eventually(lambda: any(c.is_up for c in phones[1].calls), "the call is up")
        phones[0].auto_answer = False
        ringing = (await client.ok("call/dial", {"caller": "2000", "callee": "2001"}))["callid"]
        os.kill(up.engine_pid, signal.SIGKILL)
        await up.kill()
        await up.start()
        await eventually(lambda: receiver.named("BootUp"), "the receiver hears of the restart")
        assert (await client.post("extension/list"))["errno"] == "20004"
        await client.login(version="2.0.0", port=str(receiver.port))
        talked, rang = await receiver.cdr(talking, 15), await receiver.cdr(ringing, 15)
        assert (talked["status"], rang["status"]) == ("ANSWERED", "NO ANSWER")
        assert Counter(await _stored(up)) == Counter([talking, ringing])


async def test_a_restart_replaces_only_the_control_plane() -> None:
    async with _running(["2000", "2001"]) as (up, client, receiver, phones):
        call = await phones[0].call("2001")
        await call.answered()
        engine = up.engine_pid
        status, output = await up.command("restart")
        assert (status, output) == (0, "")
        await up.ready()
        assert up.engine_pid == engine
        assert call.is_up
        assert not receiver.named("BootUp")
        calls = await client.ok("extension/query_call", {"number": "2000"})
        assert len(calls["calllist"]) == 1
        await call.hangup()
        await eventually(lambda: receiver.named("NewCdr"), "the record")


async def test_two_on_one_folder_and_a_clean_end() -> None:
    async with up_process() as up:
        await up.start()
        status, output = await up.command("up", "--http-port", "18999")
        assert status == 1
        assert "already runs" in output
        engine = up.engine_pid
        assert await up.stop() == 0
        await eventually(lambda: not os.path.exists(f"/proc/{engine}"), "the engine has ended")  # noqa: PTH110
        await up.start()
        assert up.ready_line.startswith("offhook ready")


async def test_killing_both_in_a_recorded_call_keeps_what_was_said_until_then() -> None:
    async with _running(["2000", "2001"]) as (up, client, receiver, phones):
        document = up.data / "recording.yaml"
        document.write_text("recording: {extensions: all}\n")
        assert (await up.command("apply", str(document)))[0] == 0
        callid = (await client.ok("call/dial", {"caller": "2000", "callee": "2001"}))["callid"]
        written = up.data / "recordings" / "running"
        await eventually(lambda: any(c.is_up for c in phones[1].calls), "the call is up")
        begin = asyncio.get_running_loop().time()
        # the engine hands over what it has every 1.024 seconds
        await eventually(lambda: sum(f.stat().st_size for f in written.iterdir()) > 40_000, "it is written")
        said = asyncio.get_running_loop().time() - begin
        os.kill(up.engine_pid, signal.SIGKILL)
        await up.kill()
        size = max(path.stat().st_size for path in written.iterdir())
        await up.start()
        await client.login(version="2.0.0", port=str(receiver.port))
        name = (await receiver.cdr(callid, 15))["recording"]
        random = (await client.ok("recording/get_random", {"recording": name}))["random"]
        link = f"recording/download?recording={name}&random={random}&token={client.token}"
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{client.base}/api/v2.0.0/{link}") as answer,
        ):
            samples, rate = soundfile.read(io.BytesIO(await answer.read()))
        assert len(samples) == size // 2, "all that was written"
        assert said - 1.2 < len(samples) / rate <= said + 0.2, "all but the last second that was said"
        assert np.abs(samples).max() > 0.1
        assert not list(written.iterdir())
