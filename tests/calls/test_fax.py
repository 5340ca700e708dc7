"""Faxes of a second Asterisk, received for an extension (spec 04-routes, `faxtoemail`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support import tiff
from tests.support.mailserver import running_mail_server
from tests.support.pbx import TestPbx, steps
from tests.support.phone import eventually
from tests.support.second_asterisk import FAX, SecondAsterisk

pytestmark = pytest.mark.asyncio(loop_scope="session")

DID = "5503370"


@pytest_asyncio.fixture(loop_scope="session")
async def provider(pbx: TestPbx) -> AsyncIterator[SecondAsterisk]:
    """A provider whose fax machine can reach the fax of extension 1000."""
    await pbx.extension("1000")
    async with SecondAsterisk(pbx.registrar) as second:
        await pbx.trunk(second)
        route = {"name": "fax", "did": DID, "trunks": "siptrunk", "desttype": "faxtoemail", "dest": "1000"}
        await pbx.client.ok("inroute/add", route)
        await pbx.quiet()
        pbx.receiver.clear()
        yield second


def faxes(pbx: TestPbx) -> list[Path]:
    """The faxes that look whole."""
    return [path for path in (pbx.settings.data / "fax").iterdir() if path.is_file()]


def coming(pbx: TestPbx) -> list[Path]:
    """The faxes that are coming in."""
    return list((pbx.settings.data / "fax" / "part").iterdir())


def document(folder: Path, *lengths: int) -> Path:
    """A document to send, with pages of so many lines."""
    path = folder / "document.tif"
    path.write_bytes(tiff.pages(*lengths))
    assert tiff.page_sizes(path.read_bytes()) == [(tiff.WIDTH, lines) for lines in lengths]
    return path


async def test_a_fax_is_mailed_to_its_owner(pbx: TestPbx, provider: SecondAsterisk, tmp_path: Path) -> None:
    """By T.38; the control plane is away while it comes to its end."""
    async with running_mail_server() as server:
        await pbx.client.ok("extension/update", {"number": "1000", "email": "ann@example.com"})
        await pbx.apply(
            f"mail: {{host: 127.0.0.1, port: {server.port}, security: none, fromaddress: pbx@example.com}}"
        )
        before = set(faxes(pbx))
        await provider.send_fax(DID, document(tmp_path, 200), t38=True)
        await eventually(lambda: coming(pbx), "a fax is coming in", 30)
        await pbx.restart_control()
        (mail,) = await server.mail(seconds=90)
        ((name, kind, content),) = mail.attachments
        assert mail.recipient == "ann@example.com"
        assert (kind, tiff.page_sizes(content)) == ("image/tiff", [(tiff.WIDTH, 200)])
        assert name.endswith("-1000.tif")
        assert mail.message["Subject"] == f"Fax from {FAX}"
        await eventually(lambda: not coming(pbx) and set(faxes(pbx)) == before, "the file has gone")
        await pbx.quiet()
        assert len(server.received) == 1


async def test_a_fax_is_stored_whole(pbx: TestPbx, provider: SecondAsterisk, tmp_path: Path) -> None:
    """As audio, where nobody has an address to which it could be mailed."""
    before = set(faxes(pbx))
    await provider.send_fax(DID, document(tmp_path, 250), t38=False)
    await eventually(lambda: coming(pbx), "a fax is coming in", 30)
    assert set(faxes(pbx)) == before, "what is coming in does not look whole"
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record", 90)
    await eventually(lambda: not coming(pbx), "the fax is put in its place")
    (file,) = set(faxes(pbx)) - before
    assert tiff.page_sizes(file.read_bytes()) == [(tiff.WIDTH, 250)]
    cdr = pbx.receiver.named("NewCdr")[0]
    assert file.name.endswith(f"-{cdr['callid']}-1000.tif")
    assert steps(pbx.receiver.events) == [
        f"CallStatus {FAX}>{DID} ANSWERED",
        f"CallStatus {FAX}>{DID} BYE",
        f"NewCdr {FAX} 1000 ANSWERED Inbound",
    ]
    assert (cdr["didnumber"], cdr["srctrunkname"]) == (DID, "siptrunk")
    assert int(cdr["talkduraction"]) > 3


async def test_an_interrupted_fax_leaves_nothing(
    pbx: TestPbx, provider: SecondAsterisk, tmp_path: Path
) -> None:
    before = set(faxes(pbx))
    await provider.send_fax(DID, document(tmp_path, 60, 2000))
    # the first page has been written: a reader of the file could not tell that one is missing
    await eventually(lambda: [p for p in coming(pbx) if _pages(p) == 1], "the first page is there", 60)
    await provider.command("channel request hangup all")
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record", 30)
    await eventually(lambda: not coming(pbx), "the half fax is gone")
    assert set(faxes(pbx)) == before
    cdr = pbx.receiver.named("NewCdr")[0]
    assert (cdr["callto"], cdr["status"], cdr["talkduraction"]) == ("1000", "NO ANSWER", "0")


def _pages(path: Path) -> int:
    try:
        return len(tiff.page_sizes(path.read_bytes()))
    except (ValueError, IndexError, OSError):
        return 0
