"""Runs the faults at length and prints one table (see docs/chaos.md)."""

from __future__ import annotations

import argparse
import asyncio
import inspect
import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping

from chaos import clocks, crowds, kills, links, store
from chaos.outcome import Outcome, print_outcomes

Fault = Callable[..., Awaitable[Outcome]]
"""Takes the random numbers, and of `times`, `rate`, `seconds` and `count` those that it has."""

FAULTS: Mapping[str, Fault] = {
    "control": kills.control_killed,
    "engine": kills.engine_killed,
    "both": kills.both_killed,
    "locked": store.locked,
    "failing": store.failing,
    "full": store.full,
    "readonly": store.read_only,
    "receiver": links.receiver_away,
    "amicut": links.ami_cut,
    "amislow": links.ami_slow,
    "amitorn": links.ami_torn,
    "trunk": links.trunk_dead,
    "clock": clocks.set_forward_and_back,
    "register": crowds.registering,
    "files": crowds.control_without_descriptors,
    "capacity": crowds.engine_at_capacity,
}


async def main(only: list[str], seed: int, given: Mapping[str, float | None]) -> int:
    """Run and print; 1 when something was not as it has to be."""
    outcomes: list[Outcome] = []
    for name in only or FAULTS:
        begin = time.monotonic()
        chance = random.Random(f"{seed} {name}")
        takes = inspect.signature(FAULTS[name]).parameters
        options = {key: value for key, value in given.items() if value is not None and key in takes}
        outcome = await FAULTS[name](chance, **options)
        print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
        outcomes.append(outcome)
    print(f"seed {seed}")
    print_outcomes(outcomes)
    return 1 if any(outcome.wrong for outcome in outcomes) else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(FAULTS), default=[], metavar="NAME")
    parser.add_argument("--times", type=int, help="how often each fault happens")
    parser.add_argument("--rate", type=float, help="calls per second (20)")
    parser.add_argument("--seconds", type=float, help="how long a fault lasts, where that can be chosen")
    parser.add_argument("--count", type=int, help="phones that register at once (2000)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    options = {name: getattr(given, name) for name in ("times", "rate", "seconds", "count")}
    sys.exit(asyncio.run(main(given.only, given.seed, options)))
