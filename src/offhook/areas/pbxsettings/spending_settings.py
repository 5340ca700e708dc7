"""The operator's settings of calls to the outside: the stop, emergency numbers, how numbers are read."""

from __future__ import annotations

from offhook.areas.objects.field import Field
from offhook.areas.pbxsettings.section import Section
from offhook.contract.rules import Rule, RuleBroken, digits, integer, on_off, split_list


def _numbers_rule(shortest: int, longest: int, most: int) -> Rule[str]:
    """Numbers of so many digits, joined by commas."""
    says = f"at most {most} numbers of {shortest} to {longest} digits, joined by commas"

    def read(value: str) -> str:
        numbers = list(dict.fromkeys(split_list(value)))
        if not 0 < len(numbers) <= most:
            raise RuleBroken(says)
        if not all(one.isascii() and one.isdigit() and shortest <= len(one) <= longest for one in numbers):
            raise RuleBroken(says)
        return ",".join(numbers)

    return Rule(says, read, {"type": "string"})


SPENDING = Section(
    key="spending",
    parts=frozenset({"spending"}),
    fields=(
        Field(
            name="stop", rule=on_off(), default=False, doc="no new calls to the outside, whoever makes them"
        ),
        Field(
            name="emergency",
            rule=_numbers_rule(2, 15, 50),
            default="112,911",
            cleared="",
            doc="numbers, as they are dialled or sent, that no limit and no stop holds back",
        ),
        Field(
            name="simultaneous",
            rule=integer(0, 10000),
            default=50,
            doc="calls to the outside at once of an extension, DISA, IVR or callback; 0: no limit",
        ),
        Field(
            name="country",
            rule=digits(4),
            default="",
            cleared="",
            doc="the own country's prefix, such as 49, for national numbers; `allow` and `deny` need it",
        ),
        Field(
            name="international",
            rule=_numbers_rule(1, 7, 10),
            default="00",
            cleared="",
            doc="what stands for the + in numbers as they are sent to the carriers, such as 00 or 011",
        ),
        Field(
            name="national",
            rule=digits(4),
            default="0",
            cleared="",
            doc="what stands before national numbers as they are sent to the carriers, such as 0 or 1",
        ),
        Field(
            name="cut",
            rule=on_off(),
            default=True,
            doc="end calls that run when the minutes of the day are used up; off: only new ones are refused",
        ),
        Field(
            name="warning",
            rule=integer(0, 600),
            default=30,
            doc="seconds before such an end at which the caller hears a beep; 0: none",
        ),
        Field(
            name="announce",
            rule=on_off(),
            default=True,
            doc="say to a caller who meets a limit that the call cannot be made",
        ),
    ),
)
