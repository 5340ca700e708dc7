"""Endpoints of voicemail/* (spec 09-voicemail)."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, cast

from offhook.areas.downloads.addresses import allowedip_param
from offhook.areas.downloads.service import OneTimeLinks
from offhook.areas.voicemail.model import NAME, Message, Status, is_name
from offhook.areas.voicemail.service import VoicemailService
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import ContractError, Errno
from offhook.contract.params import param
from offhook.contract.results import Download, Nothing
from offhook.contract.rules import Rule, RuleBroken, Selection, choice, digits, pattern, selection, text

KIND = "voicemail"
_ALL: tuple[Status, ...] = ("read", "unread")
_NUMBERS: Rule[Selection] = selection()
_FILE = pattern(NAME, says="a name such as msg0000.wav", max_len=11)
_STATUS = choice(_ALL)


def _files() -> Rule[Selection]:
    """File names; those that no message can have are left out, if there is another."""
    chosen = selection()

    def read(value: str) -> Selection:
        files = chosen.read(value)
        names = tuple(name for name in files.names if is_name(name))
        if not files.every and not names:
            raise RuleBroken("names such as msg0000.wav joined by commas, or all")
        return Selection(every=files.every, names=names)

    return Rule(chosen.says, read, chosen.schema, lists=True)


@dataclass(frozen=True, kw_only=True)
class Query:
    """Request of voicemail/query."""

    number: Selection = param(_NUMBERS, bad=Errno.NO_SUCH_EXTENSION)  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class Delete:
    """Request of voicemail/delete."""

    number: Selection = param(_NUMBERS, bad=Errno.NO_SUCH_EXTENSION)  # noqa: RUF009 - a field()
    voicemailfile: Selection = param(_files(), bad=Errno.NO_SUCH_VOICEMAIL)  # noqa: RUF009 - a field()
    voicemailstatus: str = param(choice((*_ALL, "all")), bad=Errno.VOICEMAIL_STATUS)


@dataclass(frozen=True, kw_only=True)
class GetRandom:
    """Request of voicemail/get_random."""

    number: str = param(digits(7), bad=Errno.NO_SUCH_EXTENSION)
    voicemailfile: str = param(_FILE, bad=Errno.NO_SUCH_VOICEMAIL)
    voicemailstatus: str = param(_STATUS, bad=Errno.VOICEMAIL_STATUS)
    allowedip: str | None = allowedip_param()


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """Request of voicemail/download."""

    number: str = param(digits(7), bad=Errno.VOICEMAIL_RANDOM)
    voicemailstatus: str = param(_STATUS, bad=Errno.VOICEMAIL_RANDOM)
    voicemailfile: str = param(_FILE, bad=Errno.NO_SUCH_VOICEMAIL)
    random: str = param(text(max_len=255), bad=Errno.VOICEMAIL_RANDOM)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionVoicemail:
    """One message."""

    voicemailfile: str
    messagefrom: str
    voicemailstatus: str
    voicemaildate: str
    voicemaillength: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailInfo:
    """The messages of one extension."""

    number: str
    voicemail: tuple[ExtensionVoicemail, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Voicemails:
    """Result of voicemail/query; None when nobody has a message."""

    voicemails: tuple[VoicemailInfo, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Random:
    """Result of voicemail/get_random."""

    number: str
    voicemailstatus: str
    voicemailfile: str
    random: str


def shown(message: Message, zone: datetime.tzinfo) -> ExtensionVoicemail:
    """`message` as voicemail/query shows it; its date in the PBX's zone."""
    left = datetime.datetime.fromtimestamp(message.left, zone)
    return ExtensionVoicemail(
        voicemailfile=message.name,
        messagefrom=message.sender,
        voicemailstatus=message.status,
        voicemaildate=f"{left:%Y-%m-%d %H:%M:%S}",
        voicemaillength=message.seconds,
    )


def endpoints(
    service: VoicemailService, links: OneTimeLinks, zone: datetime.tzinfo
) -> list[Endpoint[Any, Any]]:
    """The endpoints of this area."""

    async def query(_caller: Caller, request: Query) -> Voicemails:
        found = await service.query(request.number)
        infos = tuple(
            VoicemailInfo(number=number, voicemail=tuple(shown(one, zone) for one in messages))
            for number, messages in found
        )
        return Voicemails(voicemails=infos or None)

    async def delete(_caller: Caller, request: Delete) -> Nothing:
        status = request.voicemailstatus
        statuses = _ALL if status == "all" else (cast(Status, status),)
        await service.delete(request.number, request.voicemailfile, statuses)
        return Nothing()

    async def get_random(caller: Caller, request: GetRandom) -> Random:
        number, file, status = request.number, request.voicemailfile, request.voicemailstatus
        message = await service.named(number, file, cast(Status, status))
        subject = f"{_link(request)}/{message.msg_id}"
        random = links.issue(KIND, subject, request.allowedip, caller)
        return Random(number=number, voicemailstatus=status, voicemailfile=file, random=random)

    async def download(caller: Caller, request: Fetch) -> Download:
        claim = links.redeem(KIND, request.random, None, caller, bad=Errno.VOICEMAIL_RANDOM)
        with claim:
            link, _, msg_id = claim.subject.rpartition("/")
            if link != _link(request):
                raise ContractError(Errno.VOICEMAIL_RANDOM, "the random string is for another message")
            # of the id and not of the name, which another message may have by now
            audio = await service.audio(request.number, msg_id)

        def ended(delivered: bool) -> None:
            claim.settle(delivered)
            audio.unlink(missing_ok=True)

        return Download(
            filename=request.voicemailfile,
            content_type="audio/wav",
            body=audio,
            missing=Errno.NO_SUCH_VOICEMAIL,
            ended=ended,
        )

    return [
        Endpoint(
            "voicemail/query",
            "09",
            "Messages of extensions",
            Query,
            Voicemails,
            query,
            (Errno.NO_SUCH_EXTENSION,),
        ),
        Endpoint(
            "voicemail/delete",
            "09",
            "Delete messages",
            Delete,
            Nothing,
            delete,
            (
                Errno.NO_SUCH_EXTENSION,
                Errno.NO_SUCH_VOICEMAIL,
                Errno.ENGINE_REFUSED,
                Errno.ENGINE_UNREACHABLE,
            ),
        ),
        Endpoint(
            "voicemail/get_random",
            "09",
            "A random string with which a message is downloaded once, for 30 seconds",
            GetRandom,
            Random,
            get_random,
            (Errno.NO_SUCH_EXTENSION, Errno.NO_SUCH_VOICEMAIL),
        ),
        Endpoint(
            "voicemail/download",
            "09",
            "The audio of a message",
            Fetch,
            Download,
            download,
            (Errno.VOICEMAIL_RANDOM, Errno.NO_SUCH_VOICEMAIL, Errno.ADDRESS_RESTRICTED),
        ),
    ]


def _link(request: GetRandom | Fetch) -> str:
    return f"{request.number}/{request.voicemailstatus}/{request.voicemailfile}"
