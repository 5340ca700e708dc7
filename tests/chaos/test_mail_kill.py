"""The sender of mail killed at bad moments: no mail is lost, and one that comes twice is visibly the same."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from offhook.areas.mail.model import State
from offhook.clock import Clock
from tests.support.mail import MailBench
from tests.support.mailserver import MailServer, running_mail_server
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def sending(data: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that sends for the time of a block; killed at its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.mail_process", str(data)),
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def filled(data: Path, server: MailServer, count: int) -> AsyncIterator[MailBench]:
    """A data folder with mails in the queue; its own mailer does not send."""
    bench = MailBench(data, Clock())  # type: ignore[arg-type]
    try:
        await bench.use(server)
        for number in range(count):
            await bench.queue(
                subject=f"mail {number}",
                attachments=(bench.file(f"{number}.wav", b"x" * number),),
                kind="test",
                reference=str(number),
            )
        yield bench
    finally:
        bench.store.close()


def told(data: Path) -> Counter[str]:
    """How often the hook was awaited for each mail."""
    path = data / "told"
    return Counter(path.read_text().split()) if path.exists() else Counter()


async def test_killed_between_the_servers_answer_and_our_commit(tmp_path: Path) -> None:
    async with running_mail_server() as server, filled(tmp_path, server, 1) as bench:
        server.answer_after.clear()  # the mail is taken, and we do not hear of it
        async with sending(tmp_path):
            await server.mail(1)
        server.answer_after.set()
        async with sending(tmp_path):
            await server.mail(2)
            await bench.state(1, State.DONE)
        first, second = server.received
        assert first.message["Message-ID"] == second.message["Message-ID"]
        assert first.raw == second.raw
        assert told(tmp_path) == {"0": 1}
        assert bench.spool == []


async def test_killed_at_any_time_no_mail_is_lost(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    chance, count = random.Random(seed), 24
    async with running_mail_server() as server, filled(tmp_path, server, count) as bench:
        while len(server.received) < count // 2:
            async with sending(tmp_path):
                had = len(server.received)
                await eventually(lambda had=had: len(server.received) > had, "it sends")  # type: ignore[misc]
                await asyncio.sleep(chance.random() * 0.1)  # the moment of the kill is what chance decides
        kills = len(server.received)
        async with sending(tmp_path):
            await eventually(
                lambda: all(bench.row(mail)["state"] == State.DONE for mail in range(1, count + 1)),
                f"all are through after {kills}",
                20,
            )
        ids = Counter(mail.message["Message-ID"] for mail in server.received)
        assert len(ids) == count
        assert set(told(tmp_path)) == {str(number) for number in range(count)}
        contents = {(mail.message["Subject"], len(mail.attachments[0][2])) for mail in server.received}
        assert contents == {(f"mail {number}", number) for number in range(count)}
        assert bench.spool == []
