"""A backup made under calls is restored elsewhere: all that was there is there, and all of it fits."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

from offhook.areas.recordings.service import check_store
from offhook.backup.restore import check_backup
from offhook.cli import main
from offhook.store.vault import Vault
from tests.support.pbx import STRONG, Client, Receiver, tone_file
from tests.support.phone import Phone, eventually
from tests.support.process import UpProcess, up_process
from tests.support.voicemail import folder, leave

PASSPHRASE = "correct horse battery staple"
TRUNK_SECRET = "Pr0vider-P4ss"
DECLARED = """\
recording: {extensions: all}
extensions:
%s
prompts: [{name: morning, file: morning.wav}]
trunks:
- trunkname: provider
  trunktype: register
  host: 127.0.0.9
  domain: 127.0.0.9
  username: "77"
  authname: "77"
  password: %s
  enabled: off
"""
NUMBERS = [str(2000 + n) for n in range(8)]


def _declared() -> str:
    one = "- {number: %s, username: U%s, registername: %s, registerpassword: %s, busyforward: off}"
    return DECLARED % ("\n".join(one % (n, n, n, STRONG) for n in NUMBERS), TRUNK_SECRET)


@contextlib.asynccontextmanager
async def _phones(up: UpProcess, numbers: list[str]) -> AsyncIterator[dict[str, Phone]]:
    async with contextlib.AsyncExitStack() as stack:
        phones = {}
        for number in numbers:
            phone = await stack.enter_async_context(Phone(number, STRONG, ("127.0.0.1", up.sip_port)))
            phone.auto_answer = True
            assert await phone.register() == 200, "the old password"
            phones[number] = phone
        yield phones
        for phone in phones.values():
            phone.forget_calls()


def _rows(data: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(data / "offhook.db")) as store:
        return store.execute(query).fetchall()


async def _records(data: Path) -> dict[str, str]:
    rows = await asyncio.to_thread(_rows, data, "SELECT callid, recording FROM cdr")
    return dict(rows)


async def _download(client: Client, name: str) -> bytes:
    random = (await client.ok("recording/get_random", {"recording": name}))["random"]
    return (await client.download("recording/download", recording=name, random=random))[0]


async def _talk(client: Client, caller: Phone, callee: Phone, until: asyncio.Event | None = None) -> str:
    numbers = {"caller": caller.number, "callee": callee.number}
    callid = str((await client.ok("call/dial", numbers))["callid"])
    await eventually(lambda: any(call.is_up for call in callee.calls), "the call is up", 15)
    if until is not None:
        await until.wait()
    for call in [call for call in caller.calls if call.is_up]:
        await call.hangup()
    await eventually(lambda: not any(call.is_up for call in callee.calls), "the call is over", 15)
    return callid


async def test_a_backup_under_calls_is_the_pbx_as_it_was(tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE + "\n")
    archive = tmp_path / "pbx.backup"
    receiver = Receiver()
    await receiver.start()
    how = ("--passphrase-file", str(secret))
    async with up_process() as old, up_process() as new:
        (old.data / "offhook.toml").write_text('log_format = "json"\n')
        await old.start()
        client = await old.client()
        await client.login(version="2.0.0", port=str(receiver.port))
        (tmp_path / "morning.wav").write_bytes(tone_file(700))
        (tmp_path / "pbx.yaml").write_text(_declared())
        assert (await old.command("apply", str(tmp_path / "pbx.yaml")))[0] == 0
        async with _phones(old, NUMBERS) as phones:
            await leave(old.data, phones["2000"], "2007", 1.0)
            talked = await _talk(client, phones["2000"], phones["2001"])
            name = (await receiver.cdr(talked))["recording"]
            kept = await _download(client, name)
            promised = [talked]
            through = asyncio.Event()

            async def again(caller: str, callee: str) -> None:
                while not through.is_set():
                    promised.append(await _talk(client, phones[caller], phones[callee]))

            talk = asyncio.create_task(_talk(client, phones["2006"], phones["2007"], through))
            churn = [asyncio.create_task(again(a, b)) for a, b in (("2000", "2001"), ("2002", "2003"))]
            await eventually(
                lambda: any(call.is_up for call in phones["2007"].calls), "one talks all the time"
            )
            await eventually(lambda: len(promised) > 2, "others call again and again", 15)
            before = list(promised)
            status, told = await old.command("backup", str(archive), *how)
            assert status == 0, told
            assert "Left out" not in told, told
            through.set()
            await asyncio.gather(*churn)
            goes_on = await talk
        message = (folder(old.data, "2007") / "msg0000.wav").read_bytes()
        _holds_no_secret(archive, old.data)
        assert (await asyncio.to_thread(check_backup, archive, PASSPHRASE))[0].recordings
        into = ["restore", str(archive), "--force", "--data", str(old.data), *how]
        assert await asyncio.to_thread(main, into) == 1, "while a PBX runs there"
        await client.close()
        await old.stop()
        _log_is_sound(old, promised, client.token)
        await _restore(new, archive, how)
        new.http_port, new.sip_port = old.http_port, old.sip_port
        receiver.clear()
        await new.start()
        await _all_is_there(new, receiver, before, goes_on, kept, message, name)
    await receiver.close()


def _ha1(number: str) -> str:
    return hashlib.md5(f"{number}:offhook:{STRONG}".encode(), usedforsecurity=False).hexdigest()


def _holds_no_secret(archive: Path, data: Path) -> None:
    content = archive.read_bytes()
    key = (data / "secret.key").read_text()
    for secret in (
        STRONG,
        TRUNK_SECRET,
        _ha1("2000"),
        key,
        "PRIVATE KEY",
        "registerpassword",
        "CREATE TABLE",
        "RIFF",
    ):
        assert secret.encode() not in content
    assert archive.stat().st_mode & 0o077 == 0


def _log_is_sound(up: UpProcess, promised: list[str], token: str) -> None:
    """Lines of JSON, those about a call with its callid, and no secret in any."""
    lines = [json.loads(line) for line in up.log.splitlines() if line.startswith("{")]
    assert not [line for line in up.log.splitlines() if not line.startswith("{") and " INFO " in line]
    for callid in promised:
        told = [line for line in lines if callid in line["message"] or line.get("callid") == callid]
        assert {line.get("callid") for line in told} == {callid}
        assert any("call/dial: Success" in line["message"] for line in told)
    for secret in (STRONG, TRUNK_SECRET, "ApiTest2019", token, _ha1("2000"), PASSPHRASE):
        assert secret not in up.log


async def _restore(new: UpProcess, archive: Path, how: tuple[str, ...]) -> None:
    (new.data / "mine").write_text("was here before")
    status, told = await new.command("restore", str(archive), "--force", *how)
    assert status == 0, told
    kept = Path(told.rpartition(" is in ")[2].partition(";")[0])
    assert (kept / "mine").read_text() == "was here before"
    shutil.rmtree(kept)
    assert all(path.stat().st_mode & 0o077 == 0 for path in new.data.rglob("*"))
    assert _rows(new.data, "SELECT * FROM sessions") == []


async def _all_is_there(
    up: UpProcess,
    receiver: Receiver,
    before: list[str],
    goes_on: str,
    kept: bytes,
    message: bytes,
    name: str,
) -> None:
    client = Client(f"http://127.0.0.1:{up.http_port}", "ApiTest2019")
    await eventually(lambda: receiver.named("BootUp"), "the receiver hears of the restart")
    assert (await client.login(version="2.0.0", port=str(receiver.port)))["status"] == "Success"
    wanted = {*before, goes_on}
    for _ in range(200):
        found = await _records(up.data)
        if wanted <= set(found):
            break
        await asyncio.sleep(0.1)
    assert wanted <= set(found), "what went on at the backup has its record too"
    assert found[goes_on], "and what was recorded of it until then"
    await eventually(
        lambda: {state for (state,) in _rows(up.data, "SELECT state FROM recordings")} == {"closed"},
        "every recording has its file",
        15,
    )
    for recording in filter(None, found.values()):
        assert (await _download(client, recording))[:4] == b"RIFF"
    assert await _download(client, name) == kept
    assert await asyncio.to_thread(check_store, up.data / "offhook.db", up.data) == []
    (box,) = (await client.ok("voicemail/query", {"number": "2007"}))["voicemails"]
    assert [one["voicemailfile"] for one in box["voicemail"]] == ["msg0000.wav"]
    assert (folder(up.data, "2007") / "msg0000.wav").read_bytes() == message
    assert (up.data / "sounds/record/morning.wav").is_file()
    ((password,),) = _rows(up.data, "SELECT password FROM trunks")
    assert Vault(up.data / "secret.key").open(password) == TRUNK_SECRET
    async with _phones(up, ["2000", "2001"]) as phones:
        await _talk(client, phones["2000"], phones["2001"])
    await client.close()
