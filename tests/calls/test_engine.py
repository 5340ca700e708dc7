"""The engine as a process: what it loads, what the doctor says of it, how the link comes back."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from offhook.asterisk import doctor
from offhook.asterisk.modules import MODULES, OPTIONAL, PRELOAD
from offhook.asterisk.switch import EngineRefused, OriginateRequest, SwitchError
from tests.support.pbx import TestPbx
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_exactly_the_allow_list_is_loaded(pbx: TestPbx) -> None:
    tree, etc = pbx.pbx.engine.settings.tree, pbx.pbx.engine.settings.etc
    shown = await asyncio.to_thread(
        subprocess.run,
        [*tree.command("usr/sbin/asterisk"), "-C", str(etc / "asterisk.conf"), "-rx", "module show"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.split()[0] for line in shown.stdout.splitlines() if ".so" in line.split(" ")[0]}
    allowed = {*PRELOAD, *MODULES}
    assert loaded <= allowed, "nothing beyond the list"
    assert allowed - loaded <= OPTIONAL, "nothing missing"
    for dangerous in ("app_system.so", "func_shell.so", "chan_unistim.so", "res_ari.so", "app_sms.so"):
        assert dangerous not in loaded


async def test_its_files_are_its_users_only(pbx: TestPbx) -> None:
    data = pbx.settings.data
    for path in (data / "offhook.db", data / "run/engine.json", data / "asterisk/etc/manager.conf"):
        assert path.stat().st_mode & 0o077 == 0, path
    for folder in (data, data / "run", data / "asterisk/etc"):
        assert folder.stat().st_mode & 0o077 == 0, folder


async def test_the_doctor_finds_nothing_wrong(pbx: TestPbx) -> None:
    tree = pbx.pbx.engine.settings.tree
    findings = [doctor.check_engine(tree), doctor.check_prompts(tree), await doctor.check_speech(tree)]
    assert [finding for finding in findings if not finding.ok] == []


async def test_the_doctor_says_what_is_wrong(tmp_path: Path) -> None:
    findings = [
        doctor.check_certificate(None, doctor._CLOCK_FLOOR),
        doctor.check_clock(doctor._CLOCK_FLOOR.replace(year=1990), None),
    ]
    assert [finding.ok for finding in findings] == [False, False]
    assert all("WRONG" in line for line in doctor.report(findings))


async def test_the_link_to_the_engine_comes_back(pbx: TestPbx) -> None:
    switch = pbx.pbx.switch
    link = switch._client._link
    assert link is not None
    link.end("cut by the test")
    await eventually(lambda: not switch.healthy, "the loss is seen")
    await switch.wait_healthy(10)
    await pbx.extension("1000")
    await pbx.extension("1001")
    one, two = await pbx.phone("1000"), await pbx.phone("1001")
    await (await one.call("1001")).hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "calls are seen again")
    assert two.calls


async def test_the_engine_refuses_what_is_not_there(pbx: TestPbx) -> None:
    with pytest.raises(EngineRefused):
        await pbx.pbx.switch.hangup("PJSIP/1000-ffffffff", 16)
    with pytest.raises(EngineRefused):
        await pbx.pbx.switch.hangup("/PJSIP/", 16)


async def test_no_header_can_be_slipped_into_an_action(pbx: TestPbx) -> None:
    with pytest.raises(SwitchError):
        await pbx.pbx.switch.originate(
            OriginateRequest(
                callid="1.1",
                channel="Local/s@silent\r\nApplication: System",
                context="silent",
                exten="s",
                timeout=1,
            )
        )
