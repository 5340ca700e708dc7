"""Endpoints cdr/get_random and cdr/download (spec 10-records, 19-tolerances)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from offhook.areas.downloads.addresses import allowedip_param
from offhook.areas.downloads.service import OneTimeLinks
from offhook.areas.records.export import RecordExport
from offhook.areas.records.localtime import LocalTime, time_rule
from offhook.areas.records.search import Span
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import ContractError, Errno
from offhook.contract.params import param
from offhook.contract.results import Download
from offhook.contract.rules import Rule, RuleBroken, Selection, selection, text

KIND = "cdr"
_EVER = (-1.0, 1e12)
_TIME_MAX = 255

Known = Callable[[Selection], Awaitable[tuple[str, ...]]]
"""Which of the extensions named there are."""


def _as_sent(rule: Rule[Any]) -> Rule[str]:
    """The rule, with the value as it was sent: answers repeat it."""

    def read(value: str) -> str:
        rule.read(value)
        return value

    return Rule(rule.says, read, rule.schema, rule.lists)


def _numbers() -> Rule[Selection]:
    rule = selection()

    def read(value: str) -> Selection:
        which = rule.read(value)
        if not all(name.isascii() and name.isdigit() for name in which.names):
            raise RuleBroken(rule.says)
        return which

    return Rule(rule.says, read, rule.schema, lists=True)


@dataclass(frozen=True, kw_only=True)
class GetRandomRequest:
    """Request of cdr/get_random; what is left out means all numbers, the whole range."""

    number: str | None = param(_as_sent(_numbers()), bad=Errno.NO_SUCH_EXTENSION, optional=True)
    starttime: str | None = param(
        _as_sent(time_rule()), bad=Errno.CDR_TIME, optional=True, aliases=("startime",)
    )
    endtime: str | None = param(_as_sent(time_rule()), bad=Errno.CDR_TIME, optional=True)
    allowedip: str | None = allowedip_param()


@dataclass(frozen=True, kw_only=True)
class GetRandomResult:
    """Result of cdr/get_random: the request's own values, and the random string."""

    number: str
    starttime: str
    endtime: str
    random: str


@dataclass(frozen=True, kw_only=True)
class DownloadRequest:
    """Request of cdr/download; what get_random did not name is not looked at here."""

    number: str | None = param(text(max_len=1 << 20), bad=Errno.CDR_RANDOM, optional=True)
    starttime: str | None = param(
        text(max_len=_TIME_MAX), bad=Errno.CDR_TIME, optional=True, aliases=("startime",)
    )
    endtime: str | None = param(text(max_len=_TIME_MAX), bad=Errno.CDR_TIME, optional=True)
    random: str = param(text(), bad=Errno.CDR_RANDOM, secret=True)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a random string was given for; None where the request named nothing."""

    numbers: tuple[str, ...] | None
    every: bool
    start: str | None
    end: str | None

    @classmethod
    def of(cls, request: GetRandomRequest) -> Subject:
        """What a request asks for."""
        which = _numbers().read(request.number) if request.number is not None else None
        return cls(
            numbers=tuple(sorted(which.names)) if which is not None else None,
            every=which is None or which.every,
            start=_time_of(request.starttime) if request.starttime is not None else None,
            end=_time_of(request.endtime) if request.endtime is not None else None,
        )

    @classmethod
    def read(cls, stored: str) -> Subject:
        """What `write` has written."""
        numbers, every, start, end = json.loads(stored)
        return cls(None if numbers is None else tuple(numbers), bool(every), start, end)

    def write(self) -> str:
        """A text for the link."""
        return json.dumps([self.numbers, self.every, self.start, self.end])

    def check(self, request: DownloadRequest) -> None:
        """Raises ContractError when the link says something else than what it was given for."""
        for named, sent in ((self.start, request.starttime), (self.end, request.endtime)):
            if named is not None and sent is not None and _time_of(sent) != named:
                raise ContractError(Errno.CDR_RANDOM, "the random string is for another time")
        if self.numbers is None or request.number is None:
            return
        try:
            which = _numbers().take(request.number)
        except RuleBroken:
            which = None
        if which is None or (which.every, tuple(sorted(which.names))) != (self.every, self.numbers):
            raise ContractError(Errno.CDR_RANDOM, "the random string is for other numbers")

    def span(self, local: LocalTime) -> Span:
        """The records meant; both ends are included."""
        return Span(
            first=local.first(datetime.fromisoformat(self.start)) if self.start is not None else _EVER[0],
            end=local.after(datetime.fromisoformat(self.end)) if self.end is not None else _EVER[1],
            numbers=None if self.every else self.numbers,
        )


def _time_of(sent: str) -> str:
    try:
        return time_rule().take(sent).isoformat()
    except RuleBroken as broken:
        raise ContractError(Errno.CDR_TIME, f"starttime and endtime must be {broken}") from None


def endpoints(
    export: RecordExport, links: OneTimeLinks, local: LocalTime, known: Known
) -> list[Endpoint[Any, Any]]:
    """The endpoints; `known` tells which extensions there are."""

    async def get_random(caller: Caller, request: GetRandomRequest) -> GetRandomResult:
        subject = Subject.of(request)
        if not subject.every and subject.numbers is not None:
            found = await known(Selection(every=False, names=subject.numbers))
            if missing := set(subject.numbers) - set(found):
                raise ContractError(Errno.NO_SUCH_EXTENSION, f"{min(missing)} is no extension")
        return GetRandomResult(
            number=request.number or "",
            starttime=request.starttime or "",
            endtime=request.endtime or "",
            random=links.issue(KIND, subject.write(), request.allowedip, caller),
        )

    async def download(caller: Caller, request: DownloadRequest) -> Download:
        with links.redeem(KIND, request.random, None, caller, bad=Errno.CDR_RANDOM) as claim:
            subject = Subject.read(claim.subject)
            subject.check(request)
            return Download(
                filename="cdr.csv",
                content_type="text/csv; charset=utf-8",
                body=export.file(subject.span(local)),
                ended=claim.settle,
            )

    return [
        Endpoint(
            path="cdr/get_random",
            chapter="10",
            summary="A random string with which call records can be downloaded",
            request=GetRandomRequest,
            result=GetRandomResult,
            handler=get_random,
        ),
        Endpoint(
            path="cdr/download",
            chapter="10",
            summary="Call records as CSV",
            request=DownloadRequest,
            result=Download,
            handler=download,
            errors=(Errno.NO_SUCH_CDR, Errno.ADDRESS_RESTRICTED),
        ),
    ]
