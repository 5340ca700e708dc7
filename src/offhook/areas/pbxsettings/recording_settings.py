"""Settings of recordings: whose calls, in what form, for how long."""

from __future__ import annotations

import re

from offhook.areas.objects.field import Field, Named
from offhook.areas.pbxsettings.section import Section
from offhook.areas.prompts.files import NAME
from offhook.contract.errors import Errno
from offhook.contract.rules import Rule, RuleBroken, choice, integer, on_off, pattern, split_list

ALL = "all"
_SAYS = "extensions joined by commas, or all"
_NUMBER = re.compile(r"[0-9]{1,7}", re.ASCII)


def numbers_rule() -> Rule[str]:
    """Extensions joined by commas in one spelling, or the word `all`; need not exist yet."""

    def read(value: str) -> str:
        parts = split_list(value)
        if [part.casefold() for part in parts] == [ALL]:
            return ALL
        if not parts or not all(_NUMBER.fullmatch(part) for part in parts):
            raise RuleBroken(_SAYS)
        return ",".join(parts)

    return Rule(_SAYS, read, {"type": "string"}, lists=True)


RECORDING = Section(
    key="recording",
    parts=frozenset({"recordings"}),
    references=(Named("announce", "prompt"),),
    fields=(
        Field(
            name="extensions",
            rule=numbers_rule(),
            default="",
            cleared="",
            doc="whose calls are recorded: extensions joined by commas, or all",
        ),
        Field(
            name="ondemand",
            rule=numbers_rule(),
            default="",
            cleared="",
            doc="who may record, and pause a recording, by a key in a call",
        ),
        Field(
            name="stereo",
            rule=on_off(),
            default=False,
            doc="the caller on the left, the callee on the right; off: both mixed",
        ),
        Field(
            name="announce",
            rule=pattern(NAME, says="the name of a prompt", max_len=63),
            default="",
            cleared="",
            bad=Errno.NO_SUCH_AUDIO,
            doc="a prompt that tells both that they are recorded, before they hear each other; empty: none",
        ),
        Field(
            name="announcefor",
            rule=choice(("outside", "all")),
            default="outside",
            doc="which recorded calls are announced: those from outside, or all",
        ),
        Field(
            name="keepdays",
            rule=integer(0, 36500),
            default=0,
            doc="days for which a recording is kept; 0: for ever",
        ),
        Field(
            name="maxmegabytes",
            rule=integer(0, 100_000_000),
            default=0,
            doc="the oldest recordings go when all together are larger; 0: no limit",
        ),
        Field(
            name="minfreemegabytes",
            rule=integer(0, 100_000_000),
            default=500,
            doc="no recording begins when less is free on the disk; at a fifth of it those that run end",
        ),
    ),
)
