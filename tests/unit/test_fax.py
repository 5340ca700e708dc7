"""Which received faxes are put in place and mailed: those that are whole by the call's record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
import sqlalchemy as sa

from offhook.areas.extensions.model import Extension
from offhook.areas.extensions.queries import insert_extensions
from offhook.areas.fax.service import FaxInbox
from offhook.areas.mail.model import State
from offhook.areas.records.tables import cdr
from offhook.store.unit import Store
from tests.support.mail import MailBench, mail_bench
from tests.support.mailserver import running_mail_server
from tests.support.waiting import eventually

NAME = "20260102030405-1.1-1000.tif"


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[MailBench]:
    async with mail_bench(tmp_path) as bench:
        yield bench


def inbox_of(bench: MailBench) -> FaxInbox:
    return FaxInbox(bench.store, bench.data, bench.mailer, bench.settings, ZoneInfo("UTC"))


def faxes(bench: MailBench) -> list[str]:
    """The whole ones, and those that are coming in with `part/` before them."""
    folder = bench.data / "fax"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.tif"))


async def owner(bench: MailBench, email: str) -> None:
    extension = Extension(
        number="1000",
        username="Ann",
        callerid="1000",
        registername="1000",
        ha1="",
        registerpassword_shown="",
        loginpassword_derived="",
        loginpassword_shown="",
        vmsecret="",
        email=email,
    )
    await bench.store.write("owner", lambda unit: insert_extensions(unit.connection, [extension]))


async def _record(store: Store, fax: str, pages: int) -> None:
    row = {column.name: 0 if column.name.endswith("seconds") else "" for column in cdr.columns}
    row |= {"callid": fax, "started": 0, "fax": fax, "fax_pages": pages, "callfrom": "5551234"}
    await store.write("record", lambda unit: unit.connection.execute(sa.insert(cdr).values(**row)).rowcount)


async def test_only_whole_faxes_leave_the_folder_of_those_that_are_coming(bench: MailBench) -> None:
    inbox = inbox_of(bench)
    part = bench.data / "fax" / "part"
    for name in ("whole.tif", "half.tif", "coming.tif"):
        (part / name).write_bytes(name.encode())
    await _record(bench.store, "whole.tif", 2)
    await _record(bench.store, "half.tif", 0)
    await _record(bench.store, "other.tif", 1)  # deleted by hand meanwhile
    for _ in range(2):
        await inbox.settle()
        assert faxes(bench) == ["part/coming.tif", "whole.tif"]
    assert (bench.data / "fax" / "whole.tif").read_bytes() == b"whole.tif"


def _killed(_fax: object) -> None:
    raise RuntimeError("killed")


async def test_a_fax_is_mailed_once_wherever_it_is_broken_off(
    bench: MailBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_mail_server() as server:
        server.say["DATA"] = "451 later"
        await bench.use(server)
        await owner(bench, "ann@example.com")
        inbox = inbox_of(bench)
        (bench.data / "fax" / "part" / NAME).write_bytes(b"II*\x00 a fax")
        await _record(bench.store, NAME, 2)
        with monkeypatch.context() as patched:
            patched.setattr(inbox, "_move", _killed)
            with pytest.raises(RuntimeError, match="killed"):
                await inbox.settle()
        assert faxes(bench) == [f"part/{NAME}"]
        for again in (inbox, inbox_of(bench)):  # as after a new start
            await again.settle()
        assert faxes(bench) == [NAME]
        assert len(await bench.mailer.listed()) == 1
        await bench.state(1, State.WAITING, 1)
        assert faxes(bench) == [NAME], "it stays until the server has it"
        server.say.clear()
        await bench.later(60)
        (mail,) = await server.mail()
        assert (mail.recipient, mail.message["Subject"]) == ("ann@example.com", "Fax from 5551234")
        assert mail.text.strip() == "A fax of 2 pages came from 5551234 at 1970-01-01 00:00:00."
        assert mail.attachments == [(NAME, "image/tiff", b"II*\x00 a fax")]
        await bench.state(1, State.DONE)
        assert faxes(bench) == []


@pytest.mark.parametrize("email", ["", "no address@"])
async def test_a_fax_that_cannot_be_mailed_stays(
    bench: MailBench, email: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_mail_server() as server:
        await bench.use(server)
        await owner(bench, email)
        inbox = inbox_of(bench)
        (bench.data / "fax" / "part" / NAME).write_bytes(b"fax")
        await _record(bench.store, NAME, 1)
        await inbox.settle()
        assert faxes(bench) == [NAME]
        assert not await bench.mailer.listed()
        assert "stays in its folder" in caplog.text


async def test_the_operator_may_keep_what_was_mailed(bench: MailBench) -> None:
    async with running_mail_server() as server:
        await bench.use(server, keepfaxes="on")
        await owner(bench, "ann@example.com")
        inbox = inbox_of(bench)
        (bench.data / "fax" / "part" / NAME).write_bytes(b"fax")
        await _record(bench.store, NAME, 1)
        await inbox.settle()
        await bench.state(1, State.DONE)
        assert faxes(bench) == [NAME]
        await eventually(lambda: not bench.spool, "the attachment is gone")
