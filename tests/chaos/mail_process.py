"""Sends the mail of a data folder until it is killed: `python -m tests.chaos.mail_process DATA`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from offhook.clock import Clock
from tests.support.mail import MailBench


async def main() -> None:
    """Send; each mail whose hook was awaited is a line in `told`."""
    bench = MailBench(Path(sys.argv[1]), Clock())  # type: ignore[arg-type]

    async def hook(reference: str) -> None:
        with (bench.data / "told").open("a") as told:
            told.write(f"{reference}\n")

    bench.mailer.on_sent("test", hook)
    await bench.mailer.start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
