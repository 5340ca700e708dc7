"""What is done with messages: read, fetch, delete (spec 09-voicemail).

Files are only read. Messages are deleted by the engine, which numbers the rest anew, so what a request names
is resolved to the engine's ids first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path

from offhook.areas.voicemail.boxes import Boxes
from offhook.areas.voicemail.model import Message, Status
from offhook.asterisk.ami import actions
from offhook.asterisk.switch import EngineRefused, Switch, SwitchError
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Selection

log = logging.getLogger(__name__)

_ROUNDS = 3
_LOOKS = 10
_LOOK_SECONDS = 0.2
_CLEARED = 16  # Q.850


class VoicemailService:
    """The messages. `numbers` gives the extensions chosen, or raises ContractError 10006; `has_box` tells
    whether the engine knows a box."""

    def __init__(
        self,
        boxes: Boxes,
        switch: Switch,
        numbers: Callable[[Selection], Awaitable[tuple[str, ...]]],
        has_box: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._boxes = boxes
        self._switch = switch
        self._numbers = numbers
        self._has_box = has_box
        self._turns: dict[str, asyncio.Lock] = {}

    async def query(self, which: Selection) -> list[tuple[str, list[Message]]]:
        """The messages of the extensions chosen that have any. Raises ContractError 10006."""
        numbers = await self._numbers(which)

        def read() -> list[tuple[str, list[Message]]]:
            having = set(self._boxes.numbers())
            found = [(number, self._boxes.messages(number)) for number in numbers if number in having]
            return [(number, messages) for number, messages in found if messages]

        return await asyncio.to_thread(read)

    async def messages(self, number: str) -> list[Message]:
        """All messages of one box."""
        return await asyncio.to_thread(self._boxes.messages, number)

    async def keep(self, number: str, messages: Iterable[Message]) -> None:
        """Put messages of one box on disk. Raises OSError."""
        await asyncio.to_thread(self._boxes.keep, number, messages)

    async def boxes(self) -> list[str]:
        """The numbers of the boxes that there are on disk."""
        return await asyncio.to_thread(self._boxes.numbers)

    async def named(self, number: str, name: str, status: Status) -> Message:
        """The message of an extension with this file name. Raises ContractError 10006 or 20018."""
        await self._numbers(Selection(every=False, names=(number,)))
        for message in await self.messages(number):
            if message.name == name and message.status == status:
                return message
        raise ContractError(Errno.NO_SUCH_VOICEMAIL)

    async def audio(self, number: str, msg_id: str) -> Path:
        """A file with the audio of a message, whatever its name is by now; the caller deletes it.

        Raises ContractError 20018 when the message is gone.
        """
        path = await asyncio.to_thread(self._boxes.take, number, msg_id)
        if path is None:
            raise ContractError(Errno.NO_SUCH_VOICEMAIL)
        return path

    async def delete(self, which: Selection, files: Selection, statuses: Collection[Status]) -> None:
        """Delete the messages chosen; files that do not exist are passed over.

        Raises ContractError 10006; 20018 when none of the files named exists; 10116 when a box is open on a
        phone, and then nothing was deleted, or the engine refuses; 30002 when it is away.
        """
        chosen: dict[str, list[Message]] = {}
        for number, messages in await self.query(which):
            fit = [
                one for one in messages if one.status in statuses and (files.every or one.name in files.names)
            ]
            if fit:
                chosen[number] = fit
        if not chosen:
            if not files.every:
                raise ContractError(Errno.NO_SUCH_VOICEMAIL)
            return
        try:
            await self._closed(chosen)
            for number, messages in chosen.items():
                await self.remove(number, messages)
        except EngineRefused as refused:
            raise ContractError(Errno.ENGINE_REFUSED, str(refused)) from None
        except SwitchError as failure:
            raise ContractError(Errno.ENGINE_UNREACHABLE, str(failure)) from None

    async def empty(self, number: str, until: float) -> None:
        """Delete the messages of a box that were left until then (seconds since the epoch).

        Who listens to it is hung up. Raises SwitchError.
        """
        for _ in range(_ROUNDS):
            messages = [one for one in await self.messages(number) if one.left <= until]
            if not messages:
                return
            await self._hang_up(number)
            await self.remove(number, messages)

    async def remove(self, number: str, messages: Iterable[Message]) -> None:
        """Delete messages of one box, wherever they lie now, and set its lamps.

        Raises SwitchError: EngineRefused when one is still there after all.
        """
        async with self._turns.setdefault(number, asyncio.Lock()):
            wanted = {message.msg_id for message in messages}
            if not await self._has_box(number):
                await asyncio.to_thread(self._boxes.discard, number, wanted)
                await asyncio.to_thread(self._boxes.keep_names, number)
                return
            for _ in range(_ROUNDS):  # one that a phone moves meanwhile is looked for again
                lying = [one for one in await self.messages(number) if one.msg_id in wanted]
                if not lying:
                    break
                for one in lying:
                    await self._remove(number, one)
            else:
                raise EngineRefused("a message could not be deleted")
            await asyncio.to_thread(self._boxes.keep_names, number)
            await self._switch.voicemail_refresh(number)

    async def _remove(self, number: str, message: Message) -> None:
        try:
            await self._switch.act(
                actions.VoicemailRemove(mailbox=number, folder=message.folder, id=message.msg_id)
            )
        except EngineRefused as refused:
            log.info("voicemail: %s of box %s: %s", message.name, number, refused)

    # -- boxes that are open on a phone -------------------------------------------------------------------

    async def open_on(self, numbers: Collection[str]) -> list[str]:
        """The channels that listen to one of these boxes. Raises SwitchError.

        The engine does what was pressed there by the order of the messages at the beginning: whoever deletes
        one meanwhile would have it delete others.
        """
        channels = await self._switch.items(actions.CoreShowChannels())
        return [
            channel.get("Channel", "")
            for channel in channels
            if channel.get("Application") == "VoiceMailMain"
            and channel.get("ApplicationData", "").partition("@")[0] in numbers
        ]

    async def _closed(self, numbers: Collection[str]) -> None:
        """Raises ContractError 10116 when one of the boxes stays open on a phone."""
        for _ in range(_LOOKS):
            if not await self.open_on(numbers):
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise ContractError(Errno.ENGINE_REFUSED, "the messages are being listened to by phone")

    async def _hang_up(self, number: str) -> None:
        for _ in range(_LOOKS):
            if not (channels := await self.open_on({number})):
                return
            for channel in channels:
                with contextlib.suppress(EngineRefused):
                    await self._switch.hangup(channel, _CLEARED)
            await asyncio.sleep(_LOOK_SECONDS)
