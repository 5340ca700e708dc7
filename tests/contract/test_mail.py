"""Mail against a real SMTP server: what is sent, how, and what becomes of it when that fails."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from offhook.areas.mail import sender
from offhook.areas.mail.model import Attachment, MailRefused, OutgoingMail, State
from offhook.areas.mail.smtp import Result
from offhook.clock import ManualClock
from offhook.contract.errors import ContractError
from offhook.store.errors import StoreError
from tests.support.mail import mail_bench
from tests.support.mailserver import PASSWORD, USER, make_certificate, running_mail_server
from tests.support.waiting import eventually

HOUR = 3600.0


def files(folder: Path, pattern: str) -> list[Path]:
    return list(folder.glob(pattern))


async def test_a_mail_with_a_file_is_sent_once_and_then_forgotten(tmp_path: Path) -> None:
    async with running_mail_server() as server, mail_bench(tmp_path) as bench:
        await bench.use(server, fromname="Hotel Möwe")
        heard: list[str] = []

        async def hook(reference: str) -> None:
            heard.append(reference)

        bench.mailer.on_sent("voicemail", hook)
        wav = bytes(range(256)) * 300
        attachment = bench.file("msg0000.wav", wav)
        mail = await bench.queue(
            subject="Nachricht von Jürgen",
            text="Grüße\n.\nEnde\n",
            attachments=(attachment,),
            kind="voicemail",
            reference="1000/INBOX/0",
        )
        (tmp_path / "msg0000.wav").unlink()  # it was taken when the mail was queued
        (got,) = await server.mail()
        row = await bench.state(mail, State.DONE)
        assert (got.sender, got.recipient) == ("pbx@example.com", "ann@example.com")
        message = got.message
        assert message["From"].addresses[0].display_name == "Hotel Möwe"
        assert message["Subject"] == "Nachricht von Jürgen"
        assert message["Message-ID"] == row["message_id"]
        assert message["Auto-Submitted"] == "auto-generated"
        assert got.text.replace("\r\n", "\n") == "Grüße\n.\nEnde\n"
        assert got.attachments == [("msg0000.wav", "audio/x-wav", wav)]
        assert got.raw.isascii()
        assert heard == ["1000/INBOX/0"]
        assert row["answer"] == "OK: queued as 42"
        assert row["text"] == ""
        await eventually(lambda: not bench.spool, "its file goes once the store has it sent")


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
async def test_the_server_is_spoken_to_as_set(
    tmp_path: Path, security: str, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = make_certificate(tmp_path)
    async with (
        running_mail_server(security=security, auth=True, certificate=certificate, key=key) as server,
        mail_bench(tmp_path) as bench,
    ):
        await bench.use(server, username=USER, password=PASSWORD)
        mail = await bench.queue()
        (got,) = await server.mail()
        assert got.user
        assert got.tls is (security != "none")
        await bench.state(mail, State.DONE)
    stored = b"".join(path.read_bytes() for path in files(tmp_path, "offhook.db*"))
    assert PASSWORD.encode() not in stored
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, security: str) -> None:
    certificate, key = make_certificate(tmp_path)
    async with (
        running_mail_server(security=security, certificate=certificate, key=key) as server,
        mail_bench(tmp_path) as bench,
    ):
        await bench.use(server, cafile="")
        mail = await bench.queue()
        row = await bench.state(mail, State.WAITING, 1)
        assert "certificate verify failed" in row["answer"]
        assert not server.received
        await bench.set(verify="off")  # a change of the settings is tried at once
        await server.mail()
        await bench.state(mail, State.DONE)


async def test_without_starttls_nothing_goes_in_the_clear(tmp_path: Path) -> None:
    async with running_mail_server(auth=True) as server, mail_bench(tmp_path) as bench:
        await bench.use(server, security="starttls", username=USER, password=PASSWORD)
        row = await bench.state(await bench.queue(), State.WAITING, 1)
        assert "STARTTLS" in row["answer"]
        assert not server.received


async def test_a_wrong_password_keeps_all_mail_and_says_why(tmp_path: Path) -> None:
    async with running_mail_server(auth=True) as server, mail_bench(tmp_path) as bench:
        await bench.use(server, username=USER, password="wrong-Secret")
        mails = [await bench.queue() for _ in range(3)]
        row = await bench.state(mails[0], State.WAITING, 1)
        assert row["answer"].startswith("535")
        await bench.set(password=PASSWORD)
        for mail in mails:
            await bench.state(mail, State.DONE)
        assert len(server.received) == 3


async def test_a_mail_refused_for_good_is_kept_for_the_operator(tmp_path: Path) -> None:
    async with running_mail_server() as server, mail_bench(tmp_path) as bench:
        await bench.use(server)
        server.say["RCPT"] = "550 5.1.1 no such user"
        mail = await bench.queue(attachments=(bench.file("a.wav", b"abc"),))
        row = await bench.state(mail, State.DEAD, 1)
        assert row["answer"] == "550 5.1.1 no such user"
        await bench.later(40 * HOUR)
        assert server.tries == 1
        server.say.clear()
        await bench.mailer.try_again(mail)
        (got,) = await server.mail()
        assert got.attachments == [("a.wav", "audio/x-wav", b"abc")]
        assert got.message["Message-ID"] == row["message_id"]
        await bench.state(mail, State.DONE)


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
async def test_a_mail_refused_for_now_is_tried_again_until_its_time_is_over(
    tmp_path: Path, command: str
) -> None:
    async with running_mail_server() as server, mail_bench(tmp_path) as bench:
        await bench.use(server, retryhours="1")
        server.say[command] = "451 4.3.0 greylisted"
        mail = await bench.queue()
        first = await bench.state(mail, State.WAITING, 1)
        assert 20 < first["next_try"] - bench.clock.now() < 40
        await bench.later(20)
        await bench.later(20)
        second = await bench.state(mail, State.WAITING, 2)
        assert 45 < second["next_try"] - bench.clock.now() < 75

        def given_up() -> bool:
            bench.clock.advance(HOUR)
            bench.mailer.wake()
            return bool(bench.row(mail)["state"] == State.DEAD)

        await eventually(given_up, "it is given up")
        assert bench.row(mail)["answer"] == "451 4.3.0 greylisted"


async def test_one_refused_mail_does_not_hold_the_others(tmp_path: Path) -> None:
    async with running_mail_server() as server, mail_bench(tmp_path) as bench:
        await bench.use(server)
        server.say["DATA"] = "451 later"
        first = await bench.queue()
        await bench.state(first, State.WAITING, 1)
        server.say.clear()
        second = await bench.queue("bob@example.com")
        await bench.state(second, State.DONE)
        assert bench.row(first)["state"] == State.WAITING


async def test_a_server_that_is_away_gets_all_mail_when_it_is_back(tmp_path: Path) -> None:
    async with running_mail_server() as server, mail_bench(tmp_path) as bench:
        await bench.use(server)
        await server.close()
        mails = [await bench.queue() for _ in range(6)]
        await eventually(lambda: any(bench.row(mail)["attempts"] for mail in mails), "it was tried")
        await server.start()
        for _ in range(100):  # the pauses have jitter, and time passes here only in these steps
            if len(server.received) >= 6:
                break
            await bench.later(15)
            await asyncio.sleep(0.05)
        await server.mail(6)
        for mail in mails:
            await bench.state(mail, State.DONE)
        assert len({got.message["Message-ID"] for got in server.received}) == 6


async def test_a_server_that_ends_in_the_middle_of_the_text_is_tried_again(tmp_path: Path) -> None:
    async with running_mail_server() as server, mail_bench(tmp_path) as bench:
        await bench.use(server)
        server.drop_in_data = True
        mail = await bench.queue()
        await bench.state(mail, State.WAITING, 1)
        server.drop_in_data = False
        await bench.later(60)
        await server.mail()
        await bench.state(mail, State.DONE)


async def test_a_server_that_says_nothing_holds_nobody_up(tmp_path: Path) -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            writer.close()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    try:
        async with running_mail_server() as server, mail_bench(tmp_path) as bench:
            await bench.use(server, port=str(listening.sockets[0].getsockname()[1]))
            mail = await bench.queue()  # comes back at once
            await bench.state(mail, State.WAITING, 1)  # given up after the time set
            await bench.use(server)
            await bench.state(mail, State.DONE)
    finally:
        listening.close()


async def test_too_large_for_us_and_too_large_for_the_server(tmp_path: Path) -> None:
    async with running_mail_server(size=100_000) as server, mail_bench(tmp_path) as bench:
        await bench.use(server, maxsize="1")
        with pytest.raises(MailRefused, match="more than 1 MB"):
            await bench.queue(attachments=(bench.file("a.tif", bytes(1 << 20)), bench.file("b.tif", b"x")))
        assert (await bench.count(), bench.spool) == (0, [])
        mail = await bench.queue(attachments=(bench.file("c.tif", bytes(200_000)),))
        row = await bench.state(mail, State.DEAD, 1)
        assert row["answer"].startswith("552")


async def test_what_may_not_be_attached(tmp_path: Path) -> None:
    async with mail_bench(tmp_path) as bench:
        secret = tmp_path / "secret.key"
        link = tmp_path / "link.wav"
        link.symlink_to(secret)
        for path in (link, tmp_path, tmp_path / "missing.wav"):
            with pytest.raises(MailRefused):
                await bench.queue(attachments=(Attachment("x.wav", "audio/x-wav", path),))
        assert (await bench.count(), bench.spool) == (0, [])


async def test_nothing_that_is_sent_can_be_smuggled_into_the_header(tmp_path: Path) -> None:
    evil = "x\r\nBcc: eve@example.com\r\n\r\nbody\u2028\u202e"
    async with running_mail_server() as server, mail_bench(tmp_path) as bench:
        await bench.use(server)
        attachment = bench.file("a.wav", b"abc")
        await bench.queue(
            subject=evil,
            text=evil,
            attachments=(Attachment(f"../{evil}.wav", f"audio/wav\r\n{evil}", attachment.path),),
        )
        (got,) = await server.mail()
        head = got.raw.partition(b"\r\n\r\n")[0]
        assert b"\nBcc:" not in head
        assert got.message["Subject"].startswith("x Bcc: eve@example.com")
        ((name, kind, data),) = got.attachments
        assert (name[:3], kind, data) == (".._", "application/octet-stream", b"abc")
        for address in (
            *("x\r\nRCPT TO:<eve@example.com>@example.com", "a b@example.com", "@example.com", "ann@", "ann"),
            *("ann@exa mple.com", "ann@example..com", "<ann@example.com>", "a,b@example.com", "ann@-x.com"),
            *(
                "ann@example.com\n",
                "\ud800@example.com",
                "a\u2028b@example.com",
                f"{'x' * 65}@example.com",
                "",
            ),
            *(f"ann@{'x' * 64}.com", "ann@[127.0.0.1]", "a..b@example.com", ".a@example.com"),
        ):
            with pytest.raises(MailRefused):
                await bench.queue(address)


async def test_addresses_beyond_ascii(tmp_path: Path) -> None:
    async with running_mail_server() as server, mail_bench(tmp_path) as bench:
        await bench.use(server)
        await bench.queue("ann@bücher.example")
        assert (await server.mail())[0].recipient == "ann@xn--bcher-kva.example"
        await bench.queue("jürgen@example.com", subject="Grüße")
        got = (await server.mail(2))[1]
        assert got.recipient == "jürgen@example.com"
        assert got.message["To"] == "jürgen@example.com"
    async with running_mail_server(utf8=False) as server, mail_bench(tmp_path) as bench:
        await bench.use(server)
        row = await bench.state(await bench.queue("jürgen@example.com"), State.DEAD, 1)
        assert "SMTPUTF8" in row["answer"]


async def test_a_mail_goes_only_with_the_transaction_that_queued_it(tmp_path: Path) -> None:
    async with running_mail_server() as server, mail_bench(tmp_path) as bench:
        await bench.use(server)
        attachment = bench.file("a.wav", b"abc")

        class Broken(Exception):
            pass

        def work(unit: object) -> None:
            bench.mailer.queue(unit, OutgoingMail("ann@example.com", "no", "no", (attachment,)))  # type: ignore[arg-type]
            raise Broken

        with pytest.raises(Broken):
            await bench.store.write("test", work)
        assert len(bench.spool) == 1  # of no mail
        await bench.mailer.close()
        await bench.mailer.start()
        assert bench.spool == []
        await bench.queue(subject="yes")
        (got,) = await server.mail()
        assert got.message["Subject"] == "yes"


async def test_a_hook_that_fails_is_awaited_again_and_the_mail_is_not_sent_again(tmp_path: Path) -> None:
    async with running_mail_server() as server, mail_bench(tmp_path) as bench:
        await bench.use(server)
        tries = 0

        async def hook(_reference: str) -> None:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise RuntimeError("not now")

        bench.mailer.on_sent("fax", hook)
        mail = await bench.queue(kind="fax")
        await bench.state(mail, State.SENT)
        await eventually(lambda: tries == 1, "it was told")
        await eventually(lambda: bench.row(mail)["next_try"] > bench.clock.now(), "it waits")
        await bench.later(61)
        await bench.state(mail, State.DONE)
        assert (tries, len(server.received)) == (2, 1)


async def test_a_full_disk_does_not_have_a_mail_sent_twice(tmp_path: Path) -> None:
    async with running_mail_server() as server, mail_bench(tmp_path) as bench:
        failures = 0
        write = bench.store.write

        async def full(name: str, work: Any) -> Any:
            nonlocal failures
            if name == "mail: tried" and failures < 2:
                failures += 1
                raise StoreError("store: the disk is full")
            return await write(name, work)

        with mock.patch.object(bench.store, "write", full), mock.patch.object(sender, "_STORE_PAUSE", 0.01):
            mail = await bench.queue()
            await bench.use(server)
            await bench.state(mail, State.DONE)
        assert (failures, len(server.received)) == (2, 1)


async def test_withdrawn_and_deleted_mails_are_not_sent(tmp_path: Path) -> None:
    async with running_mail_server() as server, mail_bench(tmp_path) as bench:
        one = await bench.queue(kind="softclient", reference="1000", attachments=(bench.file("a.png", b"a"),))
        two = await bench.queue(kind="softclient", reference="1001")
        three = await bench.queue(attachments=(bench.file("b.png", b"b"),))
        assert len(bench.spool) == 2
        await bench.store.write("test", lambda unit: bench.mailer.withdraw(unit, "softclient", ["1000"]))
        await bench.mailer.delete(three)
        assert (bench.row(one), bench.row(three), bench.spool) == ({}, {}, [])
        with pytest.raises(ContractError):
            await bench.mailer.delete(three)
        with pytest.raises(ContractError):
            await bench.mailer.try_again(three)
        await bench.use(server)
        await bench.state(two, State.DONE)
        assert len(server.received) == 1


async def test_what_is_over_is_forgotten_in_time(tmp_path: Path) -> None:
    clock = ManualClock()
    async with running_mail_server() as server, mail_bench(tmp_path, clock) as bench:
        await bench.use(server)
        sent = await bench.queue()
        await bench.state(sent, State.DONE)
        server.say["RCPT"] = "550 no"
        dead = await bench.queue(attachments=(bench.file("a.wav", b"abc"),))
        await bench.state(dead, State.DEAD)
        await bench.later(8 * 24 * HOUR)
        await eventually(lambda: not bench.row(sent), "the sent one is forgotten")
        assert bench.row(dead)
        await bench.later(31 * 24 * HOUR)
        await eventually(lambda: not bench.row(dead) and not bench.spool, "the dead one is forgotten")


async def test_a_clock_that_is_set_gives_up_nothing_and_makes_nothing_wait(tmp_path: Path) -> None:
    clock = ManualClock()
    async with running_mail_server() as server, mail_bench(tmp_path, clock) as bench:
        await bench.use(server)
        sent = await bench.queue()
        await bench.state(sent, State.DONE)
        server.say["RCPT"] = "450 later"
        waits = await bench.queue()
        await bench.state(waits, State.WAITING, 1)
        clock.set_by(40 * 24 * HOUR)
        await bench.later(61)  # both swept and tried
        await bench.state(waits, State.WAITING, 2)
        assert bench.row(sent), "and what is over is not forgotten"
        clock.set_by(-40 * 24 * HOUR)
        await bench.later(61)
        await bench.state(waits, State.WAITING, 3)
        del server.say["RCPT"]
        await bench.later(HOUR)
        await bench.state(waits, State.DONE)


async def test_the_test_mail_says_what_the_server_answered(tmp_path: Path) -> None:
    async with running_mail_server() as server, mail_bench(tmp_path) as bench:
        with pytest.raises(ContractError, match="10135"):
            await bench.mailer.test("ann@example.com")
        await bench.use(server)
        with pytest.raises(ContractError, match="10004"):
            await bench.mailer.test("ann")
        outcome = await bench.mailer.test("ann@example.com")
        assert (outcome.result, outcome.answer) == (Result.SENT, "OK: queued as 42")
        server.say["RCPT"] = "550 5.7.1 relaying denied"
        outcome = await bench.mailer.test("ann@example.com")
        assert (outcome.result, outcome.answer) == (Result.GOOD, "550 5.7.1 relaying denied")
        await server.close()
        assert (await bench.mailer.test("ann@example.com")).result is Result.SERVER
