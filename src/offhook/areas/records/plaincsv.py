"""Call records as the file of cdr/download: fourteen plain columns (spec 19-tolerances). Pure.

A field never has a comma, a quote or anything that ends a line, since clients split at commas and line ends.
Text that a spreadsheet would take for a formula gets an apostrophe in front; `+49…` stays, as it is a number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

COLUMNS = (
    "callid",
    "timestart",
    "callfrom",
    "callto",
    "callduraction",
    "talkduraction",
    "srctrunkname",
    "dsttrunkname",
    "status",
    "type",
    "pincode",
    "recording",
    "didnumber",
    "sn",
)
HEADING = ",".join(COLUMNS)

_UNSAFE = re.compile(r"""[,"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]""")
_INSTEAD = {",": ";", '"': "'"}
_FORMULA = re.compile(r"\s*[=@+\-＝＠＋－]")
_NUMBER = re.compile(r"\+[0-9]+", re.ASCII)
_ODD_PLUS = re.compile(r",\+(?![0-9]+(?:[,\n]|\Z))|\n\+", re.ASCII)
_SUSPECT = tuple(before + mark for before in ",\n" for mark in "=@- ＝＠＋－")


def plain(value: str) -> str:
    """A field that breaks nothing."""
    value = _UNSAFE.sub(lambda found: _INSTEAD.get(found[0], " "), value)
    if _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def lines(rows: Sequence[Sequence[str]]) -> str:
    """Rows of fourteen fields as lines, without a line end after the last.

    Almost every field is harmless, so all are looked at together first.
    """
    text = "\n".join([",".join(row) for row in rows])
    if is_harmless(text, len(rows)):
        return text
    return "\n".join([",".join([plain(field) for field in row]) for row in rows])


def is_harmless(text: str, rows: int) -> bool:
    """Whether lines that were joined as they are have no field that `plain` would change."""
    return (
        text.count(",") == rows * (len(COLUMNS) - 1)
        and text.count("\n") == rows - 1
        and '"' not in text
        and text.replace("\n", "").isprintable()
        and not any(mark in text for mark in _SUSPECT)
        and not _ODD_PLUS.search(text)
        and not _FORMULA.match(text)
    )
