"""The soft client: accounts, the welcome mail with its link, and logins (spec 12-linkus)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from offhook.areas.extensions.tables import extensions
from offhook.areas.mail import sender
from offhook.areas.mail.model import State
from offhook.areas.pbxsettings.mail_settings import MAIL
from offhook.areas.softclient import welcome
from offhook.store.unit import UnitOfWork
from offhook.store.vault import Vault
from tests.support.mailserver import MailServer, Received, running_mail_server
from tests.support.switchboard import Switchboard, running_switchboard

HOUR = 3600.0
_LINK = re.compile(r"https://pbx\.example\.com/phone/login#(\S+)")


@pytest_asyncio.fixture
async def api() -> AsyncIterator[Switchboard]:
    """Extensions 1000 and 1001."""
    async with running_switchboard() as board:
        await board.core.mailer.start()
        try:
            yield board
        finally:
            await board.core.mailer.close()


@pytest_asyncio.fixture
async def server(api: Switchboard) -> AsyncIterator[MailServer]:
    """A mail server that the PBX uses; 1000 has an address, and links lead to pbx.example.com."""
    async with running_mail_server() as server:
        await use(api, server)
        await api.ok("extension/update", number="1000", email="ann@example.com")
        await api.remember()
        yield server


async def use(api: Switchboard, server: MailServer) -> None:
    """Set it up by `apply`, as an operator does."""
    await api.core.apply.apply(
        f"mail: {{host: 127.0.0.1, port: {server.port}, security: none, fromaddress: pbx@example.com}}\n"
        "softclient: {address: 'https://pbx.example.com/', linkhours: 24}"
    )
    await api.core.mailer.on_parts_changed(frozenset({"mail"}))


def link_of(mail: Received) -> str:
    match = _LINK.search(mail.text)
    assert match is not None, mail.text
    return match[1]


async def statuses(api: Switchboard, number: str = "all") -> dict[str, str]:
    answer = await api.ok("linkus/query_client", number=number)
    return {client["number"]: client["enablelinkus"] for client in answer["linkusclients"]}


async def test_on_and_off_for_one_several_and_all(api: Switchboard) -> None:
    assert await statuses(api) == {"1000": "off", "1001": "off"}
    assert await api.ok("linkus/update_client", number="1000", enablelinkus="on") == {"status": "Success"}
    assert await statuses(api) == {"1000": "on", "1001": "off"}
    assert await api.ok("linkus/update_client", number="all", enablelinkus="ON") == {"status": "Success"}
    assert await statuses(api, "1001, 1000,") == {"1000": "on", "1001": "on"}
    answer = await api.ok("linkus/update_client", number="1001,9999,bob", enablelinkus="off")
    assert answer == {"status": "Success", "failed": "9999:10006,bob:10006"}
    assert await statuses(api) == {"1000": "on", "1001": "off"}
    answer = await api.ok("linkus/update_client", number="9998", enablelinkus="on")
    assert answer == {"status": "Success", "failed": "9998:10006"}
    await api.ok("extension/delete", number="1001")
    assert await statuses(api) == {"1000": "on"}


@pytest.mark.parametrize("path", ["linkus/update_client", "linkus/query_client", "linkus/send_email"])
async def test_what_is_missing_is_refused(api: Switchboard, path: str) -> None:
    for number in ("", " ", ",", " , "):
        await api.refused(path, 10004, number=number, enablelinkus="on")
    await api.refused(path, 10004, enablelinkus="on")


async def test_wrong_values_are_refused_and_change_nothing(api: Switchboard) -> None:
    await api.refused("linkus/update_client", 10004, number="1000")
    await api.refused("linkus/update_client", 10004, number="1000", enablelinkus="")
    for value in ("yes", "1", "true", "on,off", "on\x00", "٥", {"on": 1}, "x" * 300):
        await api.refused("linkus/update_client", 10132, number="1000", enablelinkus=value)
    for number in ("9999", "1000,9999", "x", "all,1000", "1000;1001", "' OR 1=1", "x" * 300):
        await api.refused("linkus/query_client", 10006, number=number)


async def test_without_a_mail_server_no_mail_can_be_sent(api: Switchboard) -> None:
    await api.ok("linkus/update_client", number="all", enablelinkus="on")
    await api.remember()
    await api.refused("linkus/send_email", 10135, number="all")
    await api.core.pbx_settings.update(MAIL, {"host": "127.0.0.1"})
    await api.remember()
    await api.refused("linkus/send_email", 10135, number="all")  # nobody whom it could be from


async def test_the_welcome_mail_lets_one_in_once(api: Switchboard, server: MailServer) -> None:
    await api.ok("linkus/update_client", number="1000", enablelinkus="on")
    assert await api.ok("linkus/send_email", number="1000") == {"status": "Success"}
    (mail,) = await server.mail()
    assert (mail.recipient, mail.message["Subject"]) == (
        "ann@example.com",
        "Your browser phone: extension 1000",
    )
    ((name, kind, image),) = mail.attachments
    assert (name, kind, image[:8]) == ("login.png", "image/png", b"\x89PNG\r\n\x1a\n")
    client, link = api.core.soft_client, link_of(mail)
    wrong = link[:-1] + ("A" if link[-1] != "A" else "B")
    for bad in (
        wrong,
        "",
        "x",
        link.upper(),
        f"{link} ",
        f"{'0' * 16}{link[16:]}",
        f"{link}\n",
        "\ud800",
        "'",
    ):
        assert await client.redeem(bad) is None
    login = await client.redeem(link)
    assert login is not None
    assert login.number == "1000"
    assert await client.redeem(link) is None, "it works once"
    assert await client.owner(login.secret) == "1000"
    assert await client.owner(login.secret[:-1] + "x") is None
    assert await client.owner(link) is None
    stored = str(await api.core.store.read(lambda c: list(c.connection.iterdump())))
    assert login.secret[17:] not in stored
    assert link[17:] not in stored


async def test_a_thousand_mails_are_queued_at_once_and_each_is_written_when_it_is_sent(
    api: Switchboard, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    writes: list[str] = []
    write = api.core.store.write

    def counted(link: str) -> bytes:
        written.append(link)
        return b"\x89PNG"

    async def watched(name: str, work: Any) -> Any:
        writes.append(name)
        return await write(name, work)

    def many(unit: UnitOfWork) -> None:
        one = unit.connection.execute(sa.select(extensions).where(extensions.c.number == "1000")).mappings()
        row = dict(one.one())
        numbers = [str(number) for number in range(20_000, 20_999)]
        rows = [{**row, "number": number, "registername": number} for number in numbers]
        unit.connection.execute(sa.insert(extensions), rows)

    monkeypatch.setattr(welcome, "qr_png", counted)
    monkeypatch.setattr(api.core.store, "write", watched)
    await api.core.store.write("many", many)
    await api.ok("linkus/update_client", number="all", enablelinkus="on")
    await api.core.mailer.close()
    for _ in range(2):  # the second time in place of those that wait
        writes.clear()
        assert (await api.ok("linkus/send_email", number="all"))["unsent"] == "1001:10004"
        assert (writes.count("linkus/send_email"), written) == (1, [])
        assert len(await api.core.mailer.listed(State.WAITING, 2000)) == 1000
    await api.core.mailer.start()
    mails = list(await server.mail(3))
    links = {link_of(mail) for mail in mails}
    assert len(links) == len(mails)
    assert links <= {link.partition("#")[2] for link in written}
    await api.ok("linkus/update_client", number="all", enablelinkus="off")
    assert not await api.core.mailer.listed(State.WAITING)


async def test_a_mail_that_goes_twice_is_the_same_to_the_byte_and_its_link_is_stored_sealed(
    api: Switchboard, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "_CLOSE_SECONDS", 0.05)
    await api.ok("linkus/update_client", number="1000", enablelinkus="on")
    server.answer_after.clear()
    await api.ok("linkus/send_email", number="1000")
    (first,) = await server.mail()
    await api.core.mailer.close()  # as if it was killed before it heard that the server has the mail
    link = link_of(first)
    stored = str(await api.core.store.read(lambda c: list(c.connection.iterdump())))
    assert link[:16] in stored
    assert link[17:] not in stored
    assert not list((api.core.settings.data / "mail").iterdir())
    await api.ok("extension/update", number="1000", username="Somebody else")
    server.answer_after.set()
    await api.core.mailer.start()
    second = (await server.mail(2))[1]
    assert second.raw == first.raw
    assert await api.core.soft_client.redeem(link) is not None


async def test_a_link_sealed_with_another_key_is_told_to_the_operator(
    api: Switchboard, server: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.ok("linkus/update_client", number="1000", enablelinkus="on")
    await api.core.mailer.close()
    await api.ok("linkus/send_email", number="1000")
    with monkeypatch.context() as patch:
        patch.setattr(api.core.soft_client, "_vault", Vault(tmp_path / "another.key"))
        await api.core.mailer.start()
        dead: list[Any] = []
        while not dead:
            await asyncio.sleep(0.01)
            dead.extend(await api.core.mailer.listed(State.DEAD))
    assert "another secret.key" in dead[0]["answer"]
    await api.core.mailer.try_again(dead[0]["id"])
    assert await api.core.soft_client.redeem(link_of((await server.mail())[0])) is not None


async def test_mails_that_cannot_be_sent_are_told_one_by_one(api: Switchboard, server: MailServer) -> None:
    assert await api.ok("linkus/send_email", number="all") == {
        "status": "Success",
        "unsent": "1000:10134,1001:10134",
    }
    await api.ok("linkus/update_client", number="all", enablelinkus="on")
    answer = await api.ok("linkus/send_email", number="all")
    assert answer == {"status": "Success", "unsent": "1001:10004"}
    answer = await api.ok("linkus/send_email", number="9999,1001,1000")
    assert answer == {"status": "Success", "unsent": "9999:10006,1001:10004"}
    await server.mail(2)
    assert {mail.recipient for mail in server.received} == {"ann@example.com"}


async def test_a_new_link_ends_the_older_one(api: Switchboard, server: MailServer) -> None:
    await api.ok("linkus/update_client", number="1000", enablelinkus="on")
    await api.ok("linkus/send_email", number="1000")
    await server.mail()
    await api.ok("linkus/send_email", number="1000")
    first, second = (link_of(mail) for mail in await server.mail(2))
    assert await api.core.soft_client.redeem(first) is None
    assert await api.core.soft_client.redeem(second) is not None


async def test_a_link_gets_too_old(api: Switchboard, server: MailServer) -> None:
    await api.ok("linkus/update_client", number="1000", enablelinkus="on")
    server.say["DATA"] = "451 later"
    await api.ok("linkus/send_email", number="1000")
    api.api.clock.advance(30 * HOUR)  # it begins to age when the mail goes out
    server.say.clear()
    api.core.mailer.wake()
    link = link_of((await server.mail())[0])
    await told(api)
    api.api.clock.advance(23 * HOUR)
    assert await api.core.soft_client.redeem(link) is not None
    await api.ask("linkus/send_email", {"number": "1000"})  # the session is too old for the network
    link = link_of((await server.mail(2))[1])
    await told(api)
    api.api.clock.advance(25 * HOUR)
    assert await api.core.soft_client.redeem(link) is None


async def test_a_clock_that_is_put_back_keeps_no_link_alive(api: Switchboard, server: MailServer) -> None:
    await api.ok("linkus/update_client", number="1000", enablelinkus="on")
    await api.ok("linkus/send_email", number="1000")
    link = link_of((await server.mail())[0])
    await told(api)
    api.api.clock.set_by(-30 * 24 * HOUR)
    assert await api.core.soft_client.redeem(link) is None


async def told(api: Switchboard) -> None:
    """Wait until all mails are through."""
    for _ in range(500):
        if all(row["state"] == "done" for row in await api.core.mailer.listed()):
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("not all mails are through")


async def test_switching_off_ends_links_logins_and_the_mail_that_waits(
    api: Switchboard, server: MailServer
) -> None:
    client = api.core.soft_client
    await api.ok("linkus/update_client", number="1000", enablelinkus="on")
    await api.ok("linkus/send_email", number="1000")
    login = await client.redeem(link_of((await server.mail())[0]))
    assert login is not None
    await api.ok("linkus/send_email", number="1000")
    link = link_of((await server.mail(2))[1])
    await told(api)
    server.say["DATA"] = "451 later"
    await api.ok("linkus/send_email", number="1000")
    await api.ok("linkus/update_client", number="1000", enablelinkus="off")
    assert await client.owner(login.secret) is None
    assert await client.redeem(link) is None
    assert {row["state"] for row in await api.core.mailer.listed()} == {"done"}
    await api.ok("linkus/update_client", number="1000", enablelinkus="on")
    assert await client.owner(login.secret) is None, "an old login is not one of the new account"


async def test_with_the_extension_goes_its_account(api: Switchboard, server: MailServer) -> None:
    client = api.core.soft_client
    await api.ok("linkus/update_client", number="1001", enablelinkus="on")
    await api.ok("extension/update", number="1001", email="bob@example.com")
    await api.ok("linkus/send_email", number="1001")
    login = await client.redeem(link_of((await server.mail())[0]))
    assert login is not None
    await api.ok("extension/delete", number="1001")
    assert await client.owner(login.secret) is None
    added = {"username": "Bob", "registername": "1001", "registerpassword": "v0S*ZrB6Y3g~1-oe"}
    await api.ok("extension/add", number="1001", **added)
    assert await statuses(api, "1001") == {"1001": "off"}
    assert await client.owner(login.secret) is None
