"""Endpoints that play prompts (spec 13-call: call/playprompt, paginggroup/hangup/music)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offhook.areas.control.api import NUMBER, CallId
from offhook.areas.control.playing import Playing
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.results import Nothing
from offhook.contract.rules import Rule, choice, integer, text

_CHAPTER = "13"
_PROMPTS_MAX = 900  # characters: an action's line holds no more


def _prompts() -> Rule[tuple[str, ...]]:
    """Names of prompts joined by `+`, in the order in which they are played."""
    whole = text(max_len=_PROMPTS_MAX)

    def read(value: str) -> tuple[str, ...]:
        return tuple(name.strip() for name in whole.read(value).split("+"))

    return Rule("names of prompts joined by +", read, {"type": "string", "maxLength": _PROMPTS_MAX})


@dataclass(frozen=True, kw_only=True)
class PlayPrompt:
    """Request of call/playprompt."""

    number: str = param(NUMBER, bad=Errno.NO_SUCH_EXTENSION)
    prompt: tuple[str, ...] = param(_prompts(), bad=Errno.NO_SUCH_AUDIO)
    count: int | None = param(
        integer(1, 1_000_000), bad=Errno.PARAMETER_EMPTY, optional=True, doc="how often the whole is played"
    )
    dialpermission: str | None = param(text(), bad=Errno.NO_SUCH_EXTENSION, optional=True)
    autoanswer: str | None = param(choice(("yes", "no")), bad=Errno.PARAMETER_EMPTY, optional=True)
    volume: int | None = param(
        integer(0, 20), bad=Errno.VOLUME_RANGE, optional=True, doc="2 dB a step, 10 as recorded"
    )


@dataclass(frozen=True, kw_only=True)
class StopMusic:
    """Request of paginggroup/hangup/music."""

    number: str = param(text(), bad=Errno.NO_SUCH_PAGING)


def endpoints(playing: Playing) -> list[Endpoint[Any, Any]]:
    """The endpoints of this module."""

    async def play(_caller: Caller, request: PlayPrompt) -> CallId:
        callid = await playing.play(
            request.number,
            request.prompt,
            count=request.count or 1,
            volume=request.volume,
            auto_answer=None if request.autoanswer is None else request.autoanswer == "yes",
            dialpermission=request.dialpermission,
        )
        return CallId(callid=callid)

    async def stop(_caller: Caller, request: StopMusic) -> Nothing:
        await playing.stop(request.number)
        return Nothing()

    return [
        Endpoint(
            "call/playprompt",
            _CHAPTER,
            "Calls a number and plays prompts to it",
            PlayPrompt,
            CallId,
            play,
            (
                Errno.NO_SUCH_EXTENSION,
                Errno.NO_SUCH_AUDIO,
                Errno.NO_OUTBOUND_PERMISSION,
                Errno.NO_ROUTE,
                Errno.ENGINE_REFUSED,
                Errno.ENGINE_UNREACHABLE,
            ),
        ),
        Endpoint(
            "paginggroup/hangup/music",
            _CHAPTER,
            "Ends what is played or spoken to a paging group",
            StopMusic,
            Nothing,
            stop,
            (Errno.NO_SUCH_PAGING, Errno.ENGINE_UNREACHABLE),
        ),
    ]
