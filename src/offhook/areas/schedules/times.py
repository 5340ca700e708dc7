"""When a time condition holds: spans of the week and of the year. Pure.

A span is `<days> <from>-<to>` such as `mon-fri 09:00-17:30`, `sat,sun` or `*` alone, optionally with dates:
`* 00:00-23:59 24-26 dec`. Spans are joined by `;`. A span that begins with `not ` is an exception (a holiday)
and goes before the others.
"""

from __future__ import annotations

import re

from offhook.contract.rules import Rule, RuleBroken

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY = f"(?:{'|'.join(_DAYS)})"
_MONTH = f"(?:{'|'.join(_MONTHS)})"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_MDAY = "(?:[1-9]|[12][0-9]|3[01])"
_SPAN = re.compile(
    rf"(?P<no>not )?(?P<days>\*|{_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)*)"
    rf"(?: (?P<time>{_TIME}-{_TIME}))?"
    rf"(?: (?P<mdays>\*|{_MDAY}(?:-{_MDAY})?) (?P<months>\*|{_MONTH}(?:-{_MONTH})?))?",
    re.ASCII,
)
_SAYS = "spans such as `mon-fri 09:00-17:30`, joined by ;"
_MOST = 50


def spans(text: str) -> list[tuple[bool, str]]:
    """Each span as (holds, the fields of Asterisk's GotoIfTime), exceptions first. Raises RuleBroken."""
    found: list[tuple[bool, str]] = []
    for part in text.lower().split(";"):
        words = " ".join(part.split())
        if not words:
            continue
        match = _SPAN.fullmatch(words)
        if match is None:
            raise RuleBroken(_SAYS)
        for days in match["days"].split(","):
            fields = (match["time"] or "*", days, match["mdays"] or "*", match["months"] or "*")
            found.append((match["no"] is None, ",".join(fields)))
    if not found or len(found) > _MOST:
        raise RuleBroken(_SAYS)
    return sorted(found, key=lambda span: span[0])


def times_rule() -> Rule[str]:
    """The spans of a time condition."""

    def read(value: str) -> str:
        spans(value)
        return "; ".join(" ".join(part.split()) for part in value.lower().split(";") if part.strip())

    return Rule(_SAYS, read, {"type": "string"})
