"""What time conditions and PIN lists are: their settings with their rules."""

from __future__ import annotations

from offhook.areas.objects.field import Field
from offhook.areas.objects.kind import Kind
from offhook.areas.routes.kinds import ROUTE_NAME
from offhook.areas.schedules.tables import pinlists, timeconditions
from offhook.areas.schedules.times import times_rule
from offhook.contract.rules import Rule, RuleBroken, split_list


def pins_rule() -> Rule[str]:
    """PINs of 3 to 15 digits, joined by commas."""
    says = "PINs of 3 to 15 digits, joined by commas"

    def read(value: str) -> str:
        pins = split_list(value)
        if not pins or len(pins) > 10000:
            raise RuleBroken(says)
        if not all(pin.isascii() and pin.isdigit() and 3 <= len(pin) <= 15 for pin in pins):
            raise RuleBroken(says)
        return ",".join(pins)

    return Rule(says, read, {"type": "string"})


TIMECONDITIONS = Kind(
    key="timeconditions",
    word="time condition",
    table=timeconditions,
    identity="name",
    numbered=False,
    target="timecondition",
    parts=frozenset({"dialplan"}),
    fields=(
        Field(name="name", rule=ROUTE_NAME),
        Field(name="times", rule=times_rule(), doc="spans such as `mon-fri 09:00-17:30`, joined by ;"),
    ),
)

PINLISTS = Kind(
    key="pinlists",
    word="PIN list",
    table=pinlists,
    identity="name",
    numbered=False,
    target="pinlist",
    fields=(
        Field(name="name", rule=ROUTE_NAME),
        Field(name="pins", rule=pins_rule(), secret=True),
    ),
)
