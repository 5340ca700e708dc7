"""Attacks for free calls: every path to an outside line, floods against the limits, guessed PINs.

See SECURITY.md, "Toll fraud", and docs/operating.md, "Limits of calls out".
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.support.pbx import TestPbx, running_pbx
from tests.support.phone import Call, Phone, eventually
from tests.support.toll_fraud import OUTSIDE, PATHS, House, house, is_open

from attack.attempt import Attempt

_ONCE, _DAY, _GUESSES = 5, 20, 15


async def paths(pbx: TestPbx) -> list[Attempt]:
    """Whoever has no right, on every path."""
    rows = []
    for name, path in PATHS.items():
        await pbx.reset()
        async with house(pbx) as it:
            try:
                await path(it)
                done = "ran to its end"
            except (AssertionError, TimeoutError) as failure:
                done = f"broke off: {failure}"[:60]
            reached = len(it.far.calls) + sum(call.incoming for call in it.near.calls)
            if not reached:
                await is_open(it)
        rows.append(
            Attempt(
                what=f"outside line by {name}",
                tries=1,
                got_in=reached,
                figures=done,
                promise="nobody without a right",
                kept=done == "ran to its end",
            )
        )
    return rows


async def _tried(phone: Phone) -> Call | None:
    try:
        return await phone.call(OUTSIDE, seconds=30)
    except TimeoutError:
        return None


def _settled(made: Sequence[Call | None]) -> bool:
    return all(call is None or call.ended or call.is_up for call in made)


async def floods(pbx: TestPbx, calls: int) -> list[Attempt]:
    """One who may call out makes many calls in the same moment."""
    rows = []
    for what, limit, most in (
        ("calls at once", f"simultaneous: {_ONCE}", _ONCE),
        ("calls of a day", f"calls: {_DAY}", _DAY),
    ):
        await pbx.reset()
        async with house(pbx) as it:
            await pbx.apply(
                f"calllimits: [{{name: few, extensions: 1000, {limit}}}]\nspending: {{announce: off}}"
            )
            it.far.auto_answer = True
            made = await asyncio.gather(*(_tried(it.chief) for _ in range(calls)))
            await eventually(
                lambda made=made: all(c is None or c.ended or c.is_up for c in made), "all are settled", 60
            )  # type: ignore[misc]
            reached = len(it.far.calls)
            for call in made:
                if call is not None and call.is_up:
                    await call.hangup()
        over = max(0, reached - most)
        rows.append(
            Attempt(
                what=f"{calls} calls in one moment, limit {most} {what}",
                tries=calls,
                got_in=over,
                figures=f"{reached} reached the carrier",
                promise=f"{most} and not one more",
                kept=reached == most,
            )
        )
    return rows


async def guesses(it: House, calls: int) -> Attempt:
    """PINs of a DISA, three in each call, each call with another number."""

    async def guess(turn: int) -> None:
        call = await it.near.call_in("4", caller=f"77{turn}")
        await call.answered()
        for last in range(3):
            await call.rtp.press(f"{1000 + 3 * turn + last}#")
        await call.over()

    for first in range(0, calls, 4):
        await asyncio.gather(*(guess(turn) for turn in range(first, min(calls, first + 4))))
    looked = [locked for _, locked in it.log.told("OffhookPin", "Mailbox", "Locked")].count("no")
    return Attempt(
        what="PINs of a DISA, each caller with a new number",
        tries=3 * calls,
        got_in=len(it.far.calls),
        figures=f"{looked} were looked at",
        promise=f"no more than {_GUESSES} in 15 minutes",
        kept=looked <= _GUESSES,
    )


async def run(short: bool) -> Sequence[Attempt]:
    """Attack the outside lines of a PBX."""
    async with running_pbx() as pbx:
        rows = [*await paths(pbx), *await floods(pbx, 30 if short else 100)]
        await pbx.reset()
        async with house(pbx) as it:
            rows.append(await guesses(it, 8 if short else 20))
        return rows
