"""Messages that are mailed: each once, also those left while offhook was away, and deleted when asked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.mailserver import MailServer, running_mail_server
from tests.support.pbx import TestPbx
from tests.support.story import phones
from tests.support.voicemail import has, lamp_shows, leave, opens, tone_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST = ("msg0000.wav", "unread")


@pytest_asyncio.fixture(loop_scope="session")
async def server(pbx: TestPbx) -> AsyncIterator[MailServer]:
    """A mail server that the PBX uses."""
    async with running_mail_server() as server:
        set_up = {"host": "127.0.0.1", "port": server.port, "security": "none"}
        await pbx.admin("PATCH", "/settings/mail", {**set_up, "fromaddress": "pbx@example.com"})
        yield server
        await pbx.admin("PATCH", "/settings/mail", {"host": "", "fromaddress": ""})


async def test_a_message_is_mailed_and_deleted(pbx: TestPbx, server: MailServer) -> None:
    data = pbx.settings.data
    mailed = {"enablevmtoemail": "on", "email": "ann@example.com"}
    one, two, three = await phones(pbx, "1000", "1001", "1002", e1001=mailed)
    made = await pbx.admin("POST", "/mailboxes", {"extension": "1001", "deletemailed": True}, status=201)
    server.answer_after.clear()
    await leave(data, one, "1001")
    await lamp_shows(two, 1, 0)
    (mail,) = await server.mail()
    await has(pbx, "1001", FIRST)  # the server has not said yet that it takes it
    server.answer_after.set()
    ((name, kind, wav),) = mail.attachments
    assert (mail.recipient, mail.message["Subject"]) == ("ann@example.com", "Voicemail from 1000")
    assert (name[:10], kind, tone_of(wav)) == ("voicemail-", "audio/wav", one.frequency)
    await lamp_shows(two, 0, 0)
    await has(pbx, "1001")

    # to another address, and kept; deleted only when nobody listens
    await pbx.client.ok("extension/update", {"number": "1001", "enablevmtoemail": "custom"})
    await pbx.admin("PATCH", f"/mailboxes/{made['id']}", {"address": "bob@example.com"})
    call = await two.call("*2")
    await call.answered()
    await call.rtp.press("1001#")
    await opens(pbx, "1001")
    await leave(data, three, "1001")
    assert (await server.mail(2))[1].recipient == "bob@example.com"
    await has(pbx, "1001", FIRST)
    await call.hangup()
    await has(pbx, "1001")
    await lamp_shows(two, 0, 0)


async def test_what_was_left_while_offhook_was_away_is_mailed_once(pbx: TestPbx, server: MailServer) -> None:
    data = pbx.settings.data
    mailed = {"enablevmtoemail": "on", "email": "ann@example.com"}
    one, two, _ = await phones(pbx, "1000", "1001", "1002", e1001=mailed)

    async def meanwhile() -> None:
        await leave(data, one, "1001")
        await leave(data, one, "1002")
        await lamp_shows(two, 1, 0)

    await pbx.restart_control(meanwhile)
    await server.mail()
    await leave(data, one, "1001")
    await server.mail(2)
    # nobody wanted the mail of the message that was seen before
    await pbx.client.ok(
        "extension/update", {"number": "1002", "enablevmtoemail": "on", "email": "eve@example.com"}
    )
    await leave(data, one, "1002")
    await server.mail(3)
    assert [mail.recipient[:3] for mail in server.received] == ["ann", "ann", "eve"]
