"""How many call records a second of CPU are exported, and what a million of them cost in memory.

scripts/bench records [--records 1000000]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bench.table import Row, print_rows, spread
from offhook.areas.records.export import RecordExport
from offhook.areas.records.localtime import LocalTime
from offhook.areas.records.rows import insert_record
from offhook.areas.records.search import Span
from offhook.areas.records.tables import cdr, cdr_parties
from offhook.ledger import CallRecord, Leg
from offhook.store.migrate import open_store
from offhook.store.unit import Store, UnitOfWork

START = 1_700_000_000.0
SPACING = 31.7
EXTENSIONS = 2000
SINGLE = 5000
WRITE_SECONDS = 0.02


def a_record(index: int) -> CallRecord:
    """The n-th call: every third from outside, the others inside."""
    one, two = str(10000 + index * 7 % EXTENSIONS), str(10000 + index * 13 % EXTENSIONS)
    outside, at = index % 3 == 0, START + index * SPACING
    channels = ("PJSIP/trunk-main-endpoint" if outside else f"PJSIP/{one}", f"PJSIP/{two}")
    callid = f"{int(at)}.{index}"
    return CallRecord(
        callid=callid,
        started=at,
        callfrom=f"+4971112{index % 100000:05d}" if outside else one,
        callto=two if index % 5 else f"6200({two})",
        dialled=two,
        call_seconds=index % 600,
        talk_seconds=index % 500,
        status="ANSWERED",
        type="Inbound" if outside else "Internal",
        source_trunk="main" if outside else "",
        recording=f"20231114221320-{callid}-{one}-{two}-Internal.wav" if index % 4 == 0 else "",
        didnumber="5503301" if outside else "",
        legs=tuple(
            Leg(channel=f"{channel}-{index % 2**32:08x}", started=at, answered=at + 5, ended=at + 60)
            for channel in channels
        ),
    )


async def fill(store: Store, count: int) -> float:
    """Store so many records; returns how many a second. Only the first are stored one by one, then copied."""
    single = min(count, SINGLE)

    def store_single(unit: UnitOfWork) -> None:
        for index in range(single):
            insert_record(unit.connection, a_record(index))

    begin = time.perf_counter()
    await store.write("records", store_single)
    rate = single / (time.perf_counter() - begin)

    def copy(unit: UnitOfWork, turn: int) -> None:
        for table in (cdr, cdr_parties):
            started, callid = table.c.started + turn * single * SPACING, table.c.callid + f".{turn}"
            others = [column for column in table.c if column.name not in {"started", "callid"}]
            first = table.c.started < START + single * SPACING
            query = sa.select(started, callid, *others).where(first)
            names = ["started", "callid", *(column.name for column in others)]
            unit.connection.execute(sa.insert(table).from_select(names, query))

    for turn in range(1, count // single):
        await store.write("records", lambda unit, turn=turn: copy(unit, turn))  # type: ignore[misc]
    return rate


async def export(store: Store, span: Span) -> tuple[int, float, float]:
    """Make a file and throw it away; returns its bytes, the seconds of CPU and of wall time."""
    files = RecordExport(store, LocalTime(ZoneInfo("Europe/Berlin")), lambda: "369451090405")
    size, check, begin, cpu = 0, 0, time.perf_counter(), time.process_time()
    async for part in files.file(span):
        size, check = size + len(part), zlib.crc32(part, check)
    return size, time.process_time() - cpu, time.perf_counter() - begin


async def writes_meanwhile(store: Store, busy: asyncio.Future[Any]) -> list[float]:
    """How long small writes take while something else goes on."""
    taken = []
    while not busy.done():
        begin = time.perf_counter()
        await store.write("small", lambda unit: unit.connection.execute(sa.text("SELECT 1")).scalar_one())
        taken.append(time.perf_counter() - begin)
        await asyncio.sleep(WRITE_SECONDS)
    return taken


def rss() -> int:
    """Resident memory now, in bytes (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def measure(count: int) -> list[Row]:
    """All figures."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="bench-records-") as folder:
        store = open_store(Path(folder) / "offhook.db", ())
        try:
            rate = await fill(store, count)
            rows.append(Row("records stored, with their parties", f"{rate:.0f} per second"))
            before = rss()
            everything = Span(first=0.0, end=1e12)
            size, cpu, wall = await export(store, everything)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            rows += [
                Row(
                    f"all {count} records exported, {size / 1e6:.0f} MB",
                    f"{count / cpu:.0f} per second of CPU, {wall:.1f} s",
                    "100000 per second of CPU",
                ),
                Row(
                    "memory: before, peak",
                    f"{before / 1e6:.0f} MB, {peak / 1e6:.0f} MB",
                    "does not grow with the records",
                ),
            ]
            for numbers in (("10007",), tuple(str(10000 + index) for index in range(40))):
                size, cpu, wall = await export(store, Span(first=0.0, end=1e12, numbers=numbers))
                rows.append(
                    Row(
                        f"those of {len(numbers)} extensions of {EXTENSIONS}, {size / 1e6:.1f} MB",
                        f"{cpu:.2f} s of CPU, {wall:.2f} s",
                    )
                )
            for what, beside in (
                ("alone", asyncio.sleep(10)),
                ("during an export", export(store, everything)),
            ):
                taken = await writes_meanwhile(store, asyncio.ensure_future(beside))
                rows.append(Row(f"a small write {what}", spread(taken), "no write waits for an export"))
        finally:
            store.close()
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    print_rows(asyncio.run(measure(parser.parse_args().records)))
