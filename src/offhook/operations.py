"""What an operator asks for by command, done on the services; and the socket that a running PBX takes it on.

The socket is a Unix one in the data folder's `run/` (0700), so the file system decides who may use it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from offhook.areas.access.settings import SettingRefused, check_account
from offhook.areas.apply.document import ApplyError
from offhook.areas.customdialplan.service import CustomDialplan
from offhook.areas.customdialplan.translate import DialplanError
from offhook.areas.mail.model import State
from offhook.areas.mail.smtp import Result
from offhook.areas.receivers.commands import ReceiverCommands
from offhook.areas.system.service import IdentityRefused
from offhook.asterisk.switch import SwitchError
from offhook.contract.errors import ContractError
from offhook.core import Core
from offhook.events.delivery import NotSendable
from offhook.settings import operator_socket

log = logging.getLogger(__name__)

Arguments = dict[str, Any]


class OperationRefused(Exception):
    """The operation cannot be done; the text says why and holds no secret."""


class Operations:
    """The operations of one PBX, running or not."""

    def __init__(self, core: Core, dialplan: CustomDialplan | None = None) -> None:
        self._core = core
        self._dialplan = dialplan or CustomDialplan(core.settings.data)
        events = core.dispatcher
        receivers = ReceiverCommands(events.receivers, events.http, core.zone)
        self._known: dict[str, Callable[[Arguments], Awaitable[list[str]]]] = {
            "apply": self._apply,
            "export": self._export,
            "dialplan-check": self._dialplan_check,
            "dialplan-reload": self._dialplan_reload,
            "mail-test": self._mail_test,
            "mail-queue": self._mail_queue,
            "receivers-list": receivers.listed,
            "receivers-letters": receivers.letters,
            "receivers-resend": receivers.resend,
            "outbound-stop": self._outbound_stop,
            "outbound-resume": self._outbound_resume,
            "outbound-show": self._outbound_show,
            "api-enable": self._enable,
            "api-disable": self._disable,
            "api-set": self._set,
            "api-blocked": self._blocked,
            "api-identity": self._identity,
            "api-limits": self._limits,
        }

    async def perform(self, operation: str, arguments: Arguments) -> dict[str, Any]:
        """Do one operation; the answer's `lines` are for the operator. Raises OperationRefused."""
        work = self._known.get(operation)
        if work is None:
            raise OperationRefused(f"there is no operation {operation!r}")
        try:
            return {"lines": await work(arguments)}
        except (ApplyError, SettingRefused, IdentityRefused, DialplanError, NotSendable) as refused:
            raise OperationRefused(str(refused)) from None
        except ContractError as refused:
            raise OperationRefused(f"{int(refused.errno)}: {refused.detail}") from None

    async def _apply(self, arguments: Arguments) -> list[str]:
        dry_run, text = bool(arguments.get("dry_run")), str(arguments.get("text", ""))
        folder = Path(str(arguments.get("folder", "")))
        applied = await self._core.apply.apply(text, folder=folder, dry_run=dry_run)
        if not applied.changes:
            return ["Nothing to change."]
        return [*applied.lines, "Nothing was changed: this was a dry run." if dry_run else "Done."]

    async def _export(self, _arguments: Arguments) -> list[str]:
        return (await self._core.apply.export()).splitlines()

    async def _dialplan_check(self, _arguments: Arguments) -> list[str]:
        return _contexts((await self._dialplan.check()).contexts)

    async def _dialplan_reload(self, _arguments: Arguments) -> list[str]:
        return [*_contexts((await self._dialplan.reload()).contexts), "In force."]

    async def _mail_test(self, arguments: Arguments) -> list[str]:
        outcome = await self._core.mailer.test(str(arguments.get("address", "")))
        if outcome.result is not Result.SENT:
            raise OperationRefused(f"the mail was not sent: {outcome.answer}")
        return [f"The server has taken the mail: {outcome.answer}"]

    async def _mail_queue(self, _arguments: Arguments) -> list[str]:
        rows = [
            row for row in await self._core.mailer.listed() if row["state"] in {State.WAITING, State.DEAD}
        ]
        return [
            f"{row['id']} {row['state']} {row['kind'] or '-'} {row['recipient']} ({row['attempts']} tries) "
            f"{row['answer']}".rstrip()
            for row in rows
        ] or ["No mail waits."]

    async def _outbound_stop(self, arguments: Arguments) -> list[str]:
        try:
            ended = await self._core.outside_stop.stop(end_calls=bool(arguments.get("end_calls")))
        except SwitchError as failure:
            raise OperationRefused(
                f"no new call begins, but those that run were not ended: {failure}"
            ) from None
        return [f"Calls to the outside are stopped. {ended} were ended."]

    async def _outbound_resume(self, _arguments: Arguments) -> list[str]:
        await self._core.outside_stop.resume()
        return ["Calls to the outside may be made again."]

    async def _outbound_show(self, _arguments: Arguments) -> list[str]:
        if await self._core.outside_stop.stopped():
            return ["Calls to the outside are stopped."]
        return ["Calls to the outside may be made."]

    async def _enable(self, _arguments: Arguments) -> list[str]:
        await self._core.api_settings.change(enabled=True)
        return ["The API is on."]

    async def _disable(self, _arguments: Arguments) -> list[str]:
        await self._core.api_settings.change(enabled=False)
        return ["The API is off."]

    async def _set(self, arguments: Arguments) -> list[str]:
        username, password = str(arguments.get("username", "")), str(arguments.get("password", ""))
        keeper = self._core.api_settings
        check_account(username, password, weak=keeper.now.weak_passwords)
        derived = await asyncio.to_thread(keeper.derive, password)
        await keeper.change(username=username, password_derived=derived)
        return [f"The API's account is {username}."]

    async def _blocked(self, arguments: Arguments) -> list[str]:
        if release := str(arguments.get("release", "")):
            lifted = await self._core.bans.lift(release)
            if not await self._core.lockout.release(release) and not lifted:
                raise OperationRefused(f"{release} is neither locked nor banned")
            return [f"{release} may try again."]
        zone = self._core.zone
        lines = [
            f"API-IP  {entry.address}  {datetime.fromtimestamp(entry.time, zone):%Y-%m-%d %H:%M:%S}"
            f"  {entry.protocol}  {entry.port}"
            for entry in await self._core.lockout.blocked()
        ]
        lines += [
            f"SIP-IP  {ban.address}  {datetime.fromtimestamp(ban.since, zone):%Y-%m-%d %H:%M:%S}"
            f"  until {datetime.fromtimestamp(ban.until, zone):%Y-%m-%d %H:%M:%S}  {ban.reason}"
            for ban in await self._core.bans.living()
        ]
        return lines or ["No address is locked."]

    async def _limits(self, arguments: Arguments) -> list[str]:
        values: dict[str, object] = {}
        for name in ("max_extensions", "max_extension_groups", "max_contacts"):
            if name in arguments:
                text = str(arguments[name])
                if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1_000_000:
                    raise OperationRefused(f"{name} has to be a number from 1 to 1000000")
                values[name] = int(text)
        if "weak_passwords" in arguments:
            if arguments["weak_passwords"] not in {"on", "off"}:
                raise OperationRefused("weak_passwords has to be on or off")
            values["weak_passwords"] = arguments["weak_passwords"] == "on"
        keeper = self._core.api_settings
        if values:
            await keeper.change(**values)
        now = keeper.now
        return [
            f"max_extensions {now.max_extensions}",
            f"max_extension_groups {now.max_extension_groups}",
            f"max_contacts {now.max_contacts}",
            f"weak_passwords {'on' if now.weak_passwords else 'off'}",
        ]

    async def _identity(self, arguments: Arguments) -> list[str]:
        identity = await self._core.system.set_identity(
            **{
                name: str(arguments[name])
                for name in ("sn", "devicename", "firmwarever")
                if name in arguments
            }
        )
        return [f"sn {identity.sn}, devicename {identity.devicename}, firmwarever {identity.firmwarever}"]


def _contexts(names: frozenset[str]) -> list[str]:
    return [f"The custom dialplan has {len(names)} contexts: {', '.join(sorted(names)) or 'none'}."]


class OperatorSocket:
    """Takes operations of the commands on a running PBX."""

    def __init__(self, operations: Operations, data: Path) -> None:
        self._operations = operations
        self._path = operator_socket(data)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; a socket left behind by a crash is replaced: we hold the folder's lock."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path.parent.stat().st_uid != os.getuid():
            raise PermissionError(f"{self._path.parent} belongs to another user")
        self._path.parent.chmod(0o700)
        self._path.unlink(missing_ok=True)
        app = web.Application(client_max_size=16 << 20)
        app.router.add_post("/{operation}", self._handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self._path)).start()

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._path.unlink(missing_ok=True)

    async def _handle(self, request: web.Request) -> web.Response:
        operation = request.match_info["operation"]
        try:
            arguments = json.loads(await request.text() or "{}")
            answer = await self._operations.perform(operation, arguments)
        except OperationRefused as refused:
            answer = {"error": str(refused)}
        except Exception:
            log.exception("operator: %s failed", operation)
            answer = {"error": f"{operation} failed inside; the log has the reason"}
        return web.json_response(answer)
