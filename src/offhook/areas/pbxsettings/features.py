"""Feature codes that change settings: the dialplan asks by a UserEvent and waits for OFFHOOK_DONE."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from offhook import logs
from offhook.areas.extensions.model import CUSTOM, EXTENSION, VOICEMAIL
from offhook.areas.extensions.requests import UpdateExtension
from offhook.areas.extensions.service import ExtensionService
from offhook.areas.queues.agents import QueueAgents
from offhook.asterisk.switch import Switch, SwitchError
from offhook.contract.errors import ContractError
from offhook.contract.params import read_request
from offhook.store.errors import StoreError
from offhook.tasks import Background

log = logging.getLogger(__name__)
_FORWARDS = {"forwardalways": "a", "forwardbusy": "b", "forwardnoanswer": "n"}
_SWITCHES = {"a": "alwaysforward", "b": "busyforward", "n": "noanswerforward"}


def forward_fields(letter: str, target: str, *, is_extension: bool) -> dict[str, str]:
    """The parameters of extension/update that switch a forward on; without a target to voicemail. Pure."""
    fields = {_SWITCHES[letter]: "on"}
    if not target:
        return {**fields, f"{letter}transferto": VOICEMAIL}
    if is_extension:
        return {**fields, f"{letter}transferto": EXTENSION, f"{letter}transferext": target}
    return {
        **fields,
        f"{letter}transferto": CUSTOM,
        f"{letter}transferprefix": "",
        f"{letter}transfernum": target,
    }


class FeatureCodes:
    """Carries out what is dialled; runs each request as a task of its own."""

    def __init__(self, extensions: ExtensionService, agents: QueueAgents, switch: Switch) -> None:
        self._extensions = extensions
        self._agents = agents
        self._switch = switch
        self._tasks = Background()

    def on_events(self, events: Iterable[Mapping[str, str]]) -> None:
        """Take the requests out of a batch of events."""
        for event in logs.each(events):
            if event.get("Event") == "UserEvent" and event.get("UserEvent") == "OffhookFeature":
                self._tasks.begin(self._perform(event))

    async def _perform(self, event: Mapping[str, str]) -> None:
        feature, extension = event.get("Feature", ""), event.get("Extension", "")
        done = "0"
        try:
            await self._change(feature, extension, event.get("Argument", ""))
            done = "1"
        except (ContractError, StoreError) as refused:
            log.warning("feature code %s of %s: %s", feature, extension, refused)
        except Exception:
            log.exception("feature code %s of %s", feature, extension)
        try:
            await self._switch.setvar(event.get("Channel", ""), "OFFHOOK_DONE", done)
        except SwitchError as failure:
            log.info("feature code %s: the caller has gone: %s", feature, failure)

    async def _change(self, feature: str, extension: str, argument: str) -> None:
        match feature:
            case "agentlogin":
                await self._agents.login(argument, extension, None)
            case "agentlogout":
                await self._agents.logout(argument, extension)
            case "agentpause" | "agentunpause":
                await self._agents.pause(argument, extension, feature == "agentpause")
            case _:
                fields = await self._fields(feature, argument)
                request = read_request(UpdateExtension, {"number": extension, **fields})
                await self._extensions.update(request)

    async def _fields(self, feature: str, argument: str) -> dict[str, str]:
        if feature in {"dnd", "dndoff"}:
            return {"dnd": "on" if feature == "dnd" else "off"}
        if feature == "forwardreset":
            return {
                "alwaysforward": "off",
                **forward_fields("n", "", is_extension=False),
                **forward_fields("b", "", is_extension=False),
            }
        letter = _FORWARDS.get(feature.removesuffix("off"))
        if letter is None:
            raise LookupError(f"there is no feature {feature}")
        if feature.endswith("off"):
            return {_SWITCHES[letter]: "off"}
        known = bool(argument) and await self._extensions.find(argument) is not None
        return forward_fields(letter, argument, is_extension=known)

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._tasks.finish()
