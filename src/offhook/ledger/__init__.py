"""Call records from the rows that Asterisk writes: a pure fold, and the state that finds complete calls."""

from offhook.ledger.assembler import Assembler, OpenCall
from offhook.ledger.parties import parties
from offhook.ledger.record import CallRecord, Direction, Intent, Leg, Recording, fold, unconnected
from offhook.ledger.rows import CelRow, RowError, extension_of, parse_row, trunk_of

__all__ = [
    "Assembler",
    "CallRecord",
    "CelRow",
    "Direction",
    "Intent",
    "Leg",
    "OpenCall",
    "Recording",
    "RowError",
    "extension_of",
    "fold",
    "parse_row",
    "parties",
    "trunk_of",
    "unconnected",
]
