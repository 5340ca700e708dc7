"""Endpoints of recordings (spec 10-records)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offhook.areas.downloads.addresses import allowedip_param
from offhook.areas.downloads.service import OneTimeLinks
from offhook.areas.recordings.service import Recordings
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import ContractError, Errno
from offhook.contract.params import param
from offhook.contract.results import Download
from offhook.contract.rules import text

KIND = "recording"


@dataclass(frozen=True, kw_only=True)
class GetRandom:
    """Request of recording/get_random."""

    recording: str = param(text(), bad=Errno.NO_SUCH_RECORDING, doc="name as NewCdr has it")
    allowedip: str | None = allowedip_param()


@dataclass(frozen=True, kw_only=True)
class Random:
    """Answer of recording/get_random."""

    recording: str
    random: str


@dataclass(frozen=True, kw_only=True)
class DownloadRecording:
    """Request of recording/download."""

    recording: str = param(text(), bad=Errno.NO_SUCH_RECORDING)
    random: str = param(text(), bad=Errno.RECORDING_RANDOM, secret=True)


def endpoints(recordings: Recordings, links: OneTimeLinks) -> list[Endpoint[Any, Any]]:
    """The endpoints of this area."""

    async def get_random(caller: Caller, request: GetRandom) -> Random:
        name = request.recording.strip()
        if await recordings.find(name) is None:
            raise ContractError(Errno.NO_SUCH_RECORDING)
        return Random(recording=request.recording, random=links.issue(KIND, name, request.allowedip, caller))

    async def download(caller: Caller, request: DownloadRecording) -> Download:
        name = request.recording.strip()
        with links.redeem(KIND, request.random, name, caller, bad=Errno.RECORDING_RANDOM) as claim:
            path = await recordings.find(name)
            if path is None:
                raise ContractError(Errno.NO_SUCH_RECORDING)
            return Download(
                filename=name,
                content_type="audio/wav",
                body=path,
                missing=Errno.NO_SUCH_RECORDING,
                ended=claim.settle,
            )

    return [
        Endpoint(
            "recording/get_random",
            "10",
            "Hands out the random string for the download of a recording",
            GetRandom,
            Random,
            get_random,
            (Errno.NO_SUCH_RECORDING,),
        ),
        Endpoint(
            "recording/download",
            "10",
            "Delivers a recording",
            DownloadRecording,
            Download,
            download,
            (Errno.RECORDING_RANDOM, Errno.NO_SUCH_RECORDING, Errno.ADDRESS_RESTRICTED),
        ),
    ]
