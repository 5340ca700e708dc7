"""Tells events of calls until it is killed: `python -m tests.chaos.events_process DATA PORT LIFE`.

A line on the output is a record that was acknowledged: its callid, printed once it is committed.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from offhook.events.api import CallStatus, Satisfaction
from offhook.events.settings import Replay
from tests.support.delivery import CDR, Bench, running_bench

LANES = 8


async def calls(bench: Bench, life: str, lane: int) -> None:
    """One call after another, each with a state, a survey and its record."""
    number = 0
    while True:
        number += 1
        callid = f"{life}.{lane}.{number}"
        bench.tell(CallStatus(callid, ()))
        bench.tell(Satisfaction(callid, "1"))
        await bench.record(replace(CDR, callid=callid, pincode=callid))
        print(callid, flush=True)
        await asyncio.sleep(0.005)


async def main() -> None:
    """Tell, to one receiver."""
    folder, port, life = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    async with running_bench(folder) as bench:
        bench.choose(Replay.RECORDS)
        await bench.receiver("s", port)
        if life == "last":
            print("ready", flush=True)
            await asyncio.Event().wait()
        await asyncio.gather(*(calls(bench, life, lane) for lane in range(LANES)))


if __name__ == "__main__":
    asyncio.run(main())
