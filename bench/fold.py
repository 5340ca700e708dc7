"""How many engine events a second of CPU the live picture takes, with a thousand calls up.

PYTHONPATH=src:. python -m bench.fold
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from offhook.callstate import Picture, fold

CAPTURED = Path(__file__).parents[1] / "tests/data/callstate/answered_caller_hangs_up.jsonl"
CALLS = 1000


def numbered(text: str, run: int) -> list[dict[str, str]]:
    """The captured call with other extensions and ids."""
    for old, new in (
        ("PJSIP/1000-", f"PJSIP/{2000 + run}-"),
        ("PJSIP/1001-", f"PJSIP/{4000 + run}-"),
        ("1795516946.", f"{run + 1}."),
    ):
        text = text.replace(old, new)
    return [json.loads(line) for line in text.splitlines()]


def fold_rate() -> float:
    """Events per second of CPU, all calls going through the same step together."""
    text = CAPTURED.read_text(encoding="utf-8")
    runs = [numbered(text, run) for run in range(CALLS)]
    picture, events = Picture(), 0
    begin = time.process_time()
    for turn in range(len(runs[0])):
        for run in runs:
            picture, _ = fold(picture, run[turn])
            events += 1
    return events / (time.process_time() - begin)


if __name__ == "__main__":
    print(f"{fold_rate():.0f} events per second of CPU with {CALLS} calls up")
