"""Does an engine do what offhook needs of it: its modules run, a call is made, a prompt is heard."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from offhook.asterisk.modules import MODULES, OPTIONAL, PRELOAD
from offhook.asterisk.process import EngineProcess, free_port
from offhook.asterisk.static import AMI_USER, EngineSettings
from offhook.asterisk.switch import OriginateRequest, Switch, SwitchError
from offhook.asterisk.tree import EngineError, EngineTree
from offhook.clock import Clock

_DIALPLAN = """\
[selftest]
exten => prompt,1,Answer()
 same => n,Playback(digits/1)
 same => n,UserEvent(Selftest,Status: ${PLAYBACKSTATUS})
 same => n,Hangup()
exten => listen,1,Answer()
 same => n,Wait(10)
"""
_SECONDS = 20.0


class SelftestError(Exception):
    """The engine does not do; the text says what failed."""


async def selftest(tree: EngineTree) -> None:
    """Start the engine on a throw-away folder and try it. Raises SelftestError."""
    with tempfile.TemporaryDirectory(prefix="offhook-selftest-") as scratch:
        settings = EngineSettings(
            tree=tree,
            data=Path(scratch),
            store=Path(scratch) / "empty.db",
            dialplan=_DIALPLAN,
            bind="127.0.0.1",
            sip_port=free_port(),
            rtp_ports=(30000, 30100),
        )
        settings.store.touch()
        engine = EngineProcess(settings)
        try:
            await engine.start()
            await _try(engine)
        except (EngineError, SwitchError) as failure:
            raise SelftestError(str(failure)) from None
        finally:
            await engine.stop()


async def _try(engine: EngineProcess) -> None:
    heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def on_events(events: Sequence[Mapping[str, str]]) -> None:
        for event in events:
            if event.get("UserEvent") == "Selftest" and not heard.done():
                heard.set_result(event.get("Status", ""))

    async def connected() -> None:
        return

    switch = Switch(
        lambda: ("127.0.0.1", engine.ami[0], AMI_USER, engine.ami[1]),
        Clock(),
        on_events=on_events,
        on_connected=connected,
        on_lost=lambda: None,
    )
    switch.start()
    try:
        await switch.wait_healthy(_SECONDS)
        await check_modules(switch)
        await hear_prompt(switch, heard)
    finally:
        await switch.close()


async def check_modules(switch: Switch) -> None:
    """Raises SelftestError when a module of the allow-list does not run."""
    missing = [
        name for name in (*PRELOAD, *MODULES) if name not in OPTIONAL and not await switch.module_runs(name)
    ]
    if missing:
        raise SelftestError("modules do not run: " + ", ".join(missing))


async def hear_prompt(switch: Switch, heard: asyncio.Future[str]) -> None:
    """Make a call that plays a prompt. Raises SelftestError when it is not played."""
    await switch.originate(
        OriginateRequest(
            callid=switch.next_call_id(),
            channel="Local/listen@selftest/n",
            context="selftest",
            exten="prompt",
            timeout=10,
        )
    )
    status = ""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SECONDS):
            status = await heard
    if status != "SUCCESS":
        raise SelftestError(f"a prompt was not played ({status or 'no word in time'})")
