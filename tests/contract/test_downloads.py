"""Downloads on the wire: whole files, broken ones, clients that go away (spec 10-records, 19-tolerances)."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from offhook.areas.downloads.addresses import allowedip_param
from offhook.areas.downloads.service import OneTimeLinks
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import ContractError, Errno
from offhook.contract.openapi import openapi
from offhook.contract.params import param
from offhook.contract.results import Download
from offhook.contract.rules import text
from offhook.web import downloads
from offhook.web.downloads import disposition
from tests.support.api import TestApi, running_api
from tests.support.waiting import eventually

BIG = 20 << 20


@dataclass(frozen=True, kw_only=True)
class AskRequest:
    """What get_random asks."""

    file: str = param(text(), bad=Errno.NO_SUCH_RECORDING)
    allowedip: str | None = allowedip_param()


@dataclass(frozen=True, kw_only=True)
class AskResult:
    """What it answers."""

    random: str


@dataclass(frozen=True, kw_only=True)
class FetchRequest:
    """What the link says."""

    file: str = param(text(), bad=Errno.NO_SUCH_RECORDING)
    random: str = param(text(), bad=Errno.RECORDING_RANDOM, secret=True)


class Shop:
    """An API with two endpoints that deliver files of a folder, and some that are made on the way."""

    def __init__(self, api: TestApi, folder: Path) -> None:
        self.api = api
        self.folder = folder
        self.links = OneTimeLinks(api.clock, lambda: api.core.api_settings.now.download_addresses)
        self.going_on = asyncio.Event()
        api.registry.add(_endpoint("file/get_random", AskRequest, AskResult, self._ask))
        api.registry.add(_endpoint("file/download", FetchRequest, Download, self._fetch))
        self.token = ""

    async def _ask(self, caller: Caller, request: AskRequest) -> AskResult:
        return AskResult(random=self.links.issue("file", request.file, request.allowedip, caller))

    async def _fetch(self, caller: Caller, request: FetchRequest) -> Download:
        with self.links.redeem(
            "file", request.random, request.file, caller, bad=Errno.RECORDING_RANDOM
        ) as claim:
            body = self._made(request.file) if request.file.startswith("made") else self.folder / request.file
            return Download(
                filename=request.file,
                content_type="audio/wav",
                body=body,
                missing=Errno.NO_SUCH_RECORDING,
                ended=claim.settle,
            )

    async def _made(self, how: str) -> AsyncIterator[bytes]:
        if how == "made none":
            raise ContractError(Errno.NO_SUCH_RECORDING)
        if how == "made ill":
            raise ValueError("before the first byte")
        yield b"first,"
        if how == "made slowly":
            await self.going_on.wait()
        if how == "made half":
            raise ValueError("after the first byte")
        yield b"last"

    async def ask(self, file: str, **fields: str) -> str:
        """A random string for a file."""
        self.token = self.token or await self.api.login()
        answer = await self.api.post(f"file/get_random?token={self.token}", {"file": file, **fields})
        return str(answer["random"])

    def link(self, file: str, random: str, version: str = "1.1") -> bytes:
        """The request that fetches a file by its link."""
        target = f"/api/v2.0.0/file/download?random={random}&file={file}&token={self.token}"
        return f"GET {target} HTTP/{version}\r\nHost: pbx\r\n\r\n".encode()

    async def fetch(self, file: str, random: str, **options: Any) -> tuple[bytes, bytes]:
        """Head and body of what comes."""
        return await self.api.raw(self.link(file, random), **options)

    async def errno(self, file: str, random: str) -> str:
        """The code of a refusal in JSON."""
        answer = await self.api.json(self.link(file, random))
        assert answer["status"] == "Failed"
        return str(answer["errno"])


def _endpoint(path: str, request: type[Any], result: type[Any], handler: Any) -> Endpoint[Any, Any]:
    return Endpoint(path=path, chapter="10", summary="", request=request, result=result, handler=handler)


@asynccontextmanager
async def _shop(folder: Path) -> AsyncIterator[Shop]:
    async with running_api() as api:
        yield Shop(api, folder)


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that is logged, at any level."""
    with caplog.at_level(logging.DEBUG):
        yield caplog


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_file_comes_whole_and_once(
    tmp_path: Path, heard: pytest.LogCaptureFixture, method: str, *, tls: bool
) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF\r\n\0")
    async with _shop(tmp_path) as shop:
        random = await shop.ask("a.wav")
        request = shop.link("a.wav", random).replace(b"GET", method.encode())
        if method == "POST":
            request = request.replace(b"\r\n\r\n", b"\r\nContent-Length: 0\r\n\r\n")
        head, body = await shop.api.raw(request, tls=tls)
        assert body == b"RIFF\r\n\0"
        lines = head.decode().lower().splitlines()
        assert lines[0].endswith("200 ok")
        for line in (
            "content-type: audio/wav",
            'content-disposition: attachment; filename="a.wav"',
            "content-length: 7",
            "connection: close",
            "access-control-allow-origin: *",
            "cache-control: no-store",
        ):
            assert line in lines
        await eventually(lambda: not shop.links._links, "the random string is used up")
        assert await shop.errno("a.wav", random) == "20012"
        assert random not in heard.text
        assert shop.token not in heard.text


async def test_head_is_refused_as_ever(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    async with _shop(tmp_path) as shop:
        random = await shop.ask("a.wav")
        head, _ = await shop.api.raw(shop.link("a.wav", random).replace(b"GET", b"HEAD"))
        assert b"application/json" in head
        assert (await shop.fetch("a.wav", random))[1] == b"RIFF"


async def test_before_the_first_byte_a_failure_is_json_and_costs_nothing(
    tmp_path: Path, heard: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("/etc/passwd")
    async with _shop(tmp_path) as shop:
        for file, errno in [
            ("a.wav", "20014"),
            ("folder", "20014"),
            ("link", "20014"),
            ("made%20none", "20014"),
        ]:
            random = await shop.ask(file.replace("%20", " "))
            assert await shop.errno(file, random) == errno
        random = await shop.ask("made ill")
        assert await shop.errno("made%20ill", random) == "20010"
        random = await shop.ask("b.wav")
        assert await shop.errno("b.wav", random) == "20014"
        (tmp_path / "b.wav").write_bytes(b"now")
        assert (await shop.fetch("b.wav", random))[1] == b"now"
        assert random not in heard.text


async def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    async with _shop(tmp_path) as shop:
        head, body = await shop.fetch("a.wav", await shop.ask("a.wav"))
        assert b"Content-Length: 0" in head
        assert body == b""


@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_what_breaks_in_the_middle_never_looks_whole(tmp_path: Path, version: str) -> None:
    async with _shop(tmp_path) as shop:
        random = await shop.ask("made half")
        request = shop.link("made%20half", random, version)
        if version == "1.0":
            with pytest.raises(ConnectionResetError):
                await shop.api.raw(request)
        else:
            try:
                _, body = await shop.api.raw(request)
            except ConnectionResetError:
                body = b""
            assert not body.endswith(b"0\r\n\r\n")
        (link,) = shop.links._links.values()
        assert not link.taken  # the random string is still good


async def test_what_is_made_on_the_way_comes_in_chunks_or_until_the_end(tmp_path: Path) -> None:
    async with _shop(tmp_path) as shop:
        head, body = await shop.fetch("made%20well", await shop.ask("made well"))
        assert b"Transfer-Encoding: chunked" in head
        assert body == b"6\r\nfirst,\r\n4\r\nlast\r\n0\r\n\r\n"
        random = await shop.ask("made well")
        head, body = await shop.api.raw(shop.link("made%20well", random, "1.0"))
        assert b"chunked" not in head
        assert body == b"first,last"


async def test_of_two_at_once_one_is_served(tmp_path: Path) -> None:
    async with _shop(tmp_path) as shop:
        random = await shop.ask("made slowly")
        first = asyncio.create_task(shop.fetch("made%20slowly", random))
        await eventually(
            lambda: any(link.taken for link in shop.links._links.values()), "the first is served"
        )
        assert await shop.errno("made%20slowly", random) == "20012"
        shop.going_on.set()
        assert b"last" in (await first)[1]
        await eventually(lambda: not shop.links._links, "used up")


@pytest.mark.parametrize("tls", [False, True])
async def test_who_goes_away_midway_has_not_had_it(tmp_path: Path, *, tls: bool) -> None:
    with (tmp_path / "big.wav").open("wb") as file:
        file.truncate(BIG)
    context = ssl._create_unverified_context() if tls else None
    async with _shop(tmp_path) as shop:
        random = await shop.ask("big.wav")
        reader, writer = await asyncio.open_connection("127.0.0.1", shop.api.port, ssl=context, limit=1024)
        writer.write(shop.link("big.wav", random))
        assert await reader.readexactly(1000)
        writer.transport.abort()
        await eventually(
            lambda: not any(link.taken for link in shop.links._links.values()), "the random string is back"
        )
        _, body = await shop.fetch("big.wav", random, tls=tls)
        assert len(body) == BIG
        await eventually(lambda: not shop.links._links, "used up")


@pytest.mark.parametrize("file", ["a.wav", "made%20well"])
@pytest.mark.parametrize("tls", [False, True])
async def test_who_has_everything_may_go_at_once(tmp_path: Path, file: str, *, tls: bool) -> None:
    (tmp_path / "a.wav").write_bytes(b"last\r\n0\r\n\r\n")
    context = ssl._create_unverified_context() if tls else None
    async with _shop(tmp_path) as shop:
        for _ in range(20):
            random = await shop.ask(file.replace("%20", " "))
            reader, writer = await asyncio.open_connection("127.0.0.1", shop.api.port, ssl=context)
            writer.write(shop.link(file, random))
            await reader.readuntil(b"last\r\n0\r\n\r\n")
            writer.close()
            assert await shop.errno(file, random) == "20012"
            await eventually(lambda: not shop.links._links, "used up")


async def test_a_file_that_shrinks_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.wav").write_bytes(b"x" * 1000)
    monkeypatch.setattr(downloads, "_CHUNK", 100)
    async with _shop(tmp_path) as shop:
        random = await shop.ask("a.wav")
        opened = downloads._open

        def shrinking(path: Path) -> Any:
            file, size = opened(path)
            path.write_bytes(b"x" * 500)
            return file, size

        monkeypatch.setattr(downloads, "_open", shrinking)
        try:
            head, body = await shop.fetch("a.wav", random)
        except ConnectionResetError:
            head, body = b"Content-Length: 1000", b""
        assert b"Content-Length: 1000" in head
        assert len(body) < 1000
        assert len(shop.links._links) == 1


async def test_the_address_decides(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    async with _shop(tmp_path) as shop:
        for wrong in ("10.0.0.1,10.0.0.2", "pbx", "any"):
            token = shop.token or await shop.api.login()
            answer = await shop.api.post(
                f"file/get_random?token={token}", {"file": "a.wav", "allowedip": wrong}
            )
            assert answer["errno"] == "20015"
        elsewhere = Caller("192.0.2.1", 1, secure=False)
        random = shop.links.issue("file", "a.wav", None, elsewhere)
        await shop.ask("a.wav", allowedip=" ")
        assert await shop.errno("a.wav", random) == "20022"
        await shop.api.core.api_settings.change(download_addresses="127.0.0.0/8")
        assert (await shop.fetch("a.wav", random))[1] == b"RIFF"
        named = shop.links.issue("file", "a.wav", "127.0.0.1", elsewhere)
        await shop.api.core.api_settings.change(download_addresses="")
        assert (await shop.fetch("a.wav", named))[1] == b"RIFF"


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.wav", 'attachment; filename="a.wav"'),
        ('a"; x="b.wav', "attachment; filename=\"a_; x=_b.wav\"; filename*=UTF-8''a%22%3B%20x%3D%22b.wav"),
        ("a\r\nSet-Cookie: b", 'attachment; filename="a__Set-Cookie: b"'),
        ("../../etc/passwd", 'attachment; filename=".._.._etc_passwd"'),
        ("Grüße.wav", "attachment; filename=\"Gr__e.wav\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.wav"),
    ],
)
def test_the_name_stays_within_its_header(name: str, header: str) -> None:
    assert disposition(name) == header


async def test_the_document_shows_a_link(tmp_path: Path) -> None:
    async with _shop(tmp_path) as shop:
        document: Any = json.loads(json.dumps(openapi(shop.api.registry, "1")))
        operation = document["paths"]["/file/download"]["get"]
        assert {one["name"]: one["in"] for one in operation["parameters"]} == {
            "token": "query",
            "file": "query",
            "random": "query",
        }
        assert "*/*" in operation["responses"]["200"]["content"]
        assert "post" in document["paths"]["/file/get_random"]
