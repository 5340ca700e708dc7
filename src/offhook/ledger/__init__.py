"""Call records from the rows that Asterisk writes: a pure fold, and the state that finds complete calls."""

from offhook.ledger.assembler import Assembler, OpenCall
from offhook.ledger.record import CallRecord, Direction, Intent, Leg, fold, unconnected
from offhook.ledger.rows import CelRow, RowError, parse_row

__all__ = [
    "Assembler",
    "CallRecord",
    "CelRow",
    "Direction",
    "Intent",
    "Leg",
    "OpenCall",
    "RowError",
    "fold",
    "parse_row",
    "unconnected",
]
