"""Runs attacks against a PBX of our own on loopback and prints one table; fails when anything got in.

`scripts/attack` runs all, `scripts/attack sip` one of them, `--short` bounds each to seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping

from attack import api, events, sip, tollfraud
from attack.attempt import Attack, Attempt, report

ATTACKS: Mapping[str, Attack] = {
    "sip": sip.run,
    "api": api.run,
    "tollfraud": tollfraud.run,
    "events": events.run,
}
"""Each attack by its name: the `run` of a module beside this one."""


async def main(names: list[str], short: bool) -> int:
    """Run the attacks of these names, all if there are none; the exit status."""
    attempts: list[Attempt] = []
    for name in names or ATTACKS:
        attempts += await ATTACKS[name](short)
    print(report(attempts), end="")
    return 0 if attempts and all(one.held for one in attempts) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *ATTACKS], metavar="attack", help=", ".join(ATTACKS))
    parser.add_argument("--short", action="store_true", help="each attack for some seconds only")
    chosen = parser.parse_args()
    sys.exit(asyncio.run(main(chosen.names, chosen.short)))
