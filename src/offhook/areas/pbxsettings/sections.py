"""The settings of the PBX as a whole: feature codes, parking, and general ones.

Feature codes are those of the appliances by default (`*3`, `*03`, …), and all can be changed; an empty one
switches its feature off. Sources: spec 15-events `Transfer`, spec 13-call `callpark`; the rest is our choice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from offhook.areas.extensions.rules import language_rule
from offhook.areas.objects.errors import Conflict
from offhook.areas.objects.field import Field
from offhook.areas.pbxsettings.apilimits_settings import APILIMITS
from offhook.areas.pbxsettings.bans_settings import BANS
from offhook.areas.pbxsettings.events_settings import EVENTS
from offhook.areas.pbxsettings.mail_settings import MAIL
from offhook.areas.pbxsettings.metrics_settings import METRICS
from offhook.areas.pbxsettings.recording_settings import RECORDING, numbers_rule
from offhook.areas.pbxsettings.records_settings import RECORDS
from offhook.areas.pbxsettings.section import Section
from offhook.areas.pbxsettings.softclient_settings import SOFTCLIENT
from offhook.areas.pbxsettings.spending_settings import SPENDING
from offhook.areas.pbxsettings.tcp_push_settings import TCP_PUSH
from offhook.areas.pbxsettings.voicemail_settings import VOICEMAIL
from offhook.areas.pbxsettings.wakeup_settings import WAKEUP
from offhook.contract.errors import Errno
from offhook.contract.rules import Rule, RuleBroken, choice, integer, on_off, pattern

_RANGE = re.compile(r"([0-9]{2,7})-([0-9]{2,7})", re.ASCII)
_MOST_SLOTS = 200

IN_CALL = frozenset({"attendedtransfer", "blindtransfer", "park", "record", "recordpause"})
"""Feature codes that are pressed in a call; all others are dialled."""

WITH_NUMBER = frozenset(
    {"voicemailbox", "extensionpickup", "intercom", "agentlogin", "agentlogout", "agentpause", "agentunpause"}
)
"""Feature codes with a number behind them."""

NUMBER_OR_NONE = frozenset({"forwardalways", "forwardbusy", "forwardnoanswer"})
"""Feature codes that may have a number behind them."""


def code_rule() -> Rule[str]:
    """A feature code: * or #, then digits."""
    return pattern(r"[*#][0-9*#]{0,5}", says="* or # and up to five more keys", max_len=6)


def slots_rule() -> Rule[str]:
    """A range of parking slots such as 6900-6999."""
    says = f"a range such as 6900-6999 of at most {_MOST_SLOTS} numbers"

    def read(value: str) -> str:
        match = _RANGE.fullmatch(value.strip())
        if match is None or len(match[1]) != len(match[2]) or match[1][0] == "0":
            raise RuleBroken(says)
        if not 0 <= int(match[2]) - int(match[1]) < _MOST_SLOTS:
            raise RuleBroken(says)
        return match[0]

    return Rule(says, read, {"type": "string"})


def _code(name: str, default: str, doc: str) -> Field:
    return Field(name=name, rule=code_rule(), default=default, cleared="", doc=doc)


FEATURE_CODES = Section(
    key="featurecodes",
    parts=frozenset({"dialplan", "features"}),
    fields=(
        _code("voicemail", "*2", "hear one's own voicemail"),
        _code("voicemailmenu", "*02", "hear any box: asks for its number"),
        _code("voicemailpin", "*77", "change the PIN of one's own box"),
        _code("voicemailpinmenu", "*077", "change the PIN of any box: asks for its number"),
        _code("voicemailbox", "#", "before an extension: leave a message in its box"),
        _code("pickup", "*4", "take a call that rings at another phone"),
        _code("extensionpickup", "*04", "before an extension: take the call that rings there"),
        _code("intercom", "*5", "before an extension: its phone answers by itself"),
        _code("attendedtransfer", "*3", "in a call: transfer after a consultation"),
        _code("blindtransfer", "*03", "in a call: transfer at once"),
        _code("park", "*6", "in a call: park it"),
        _code("record", "*1", "in a call: record it, for those who may"),
        _code("recordpause", "*01", "in a call: pause its recording, and go on"),
        _code("forwardreset", "*70", "all forwards as at first: no answer and busy to voicemail"),
        _code("forwardalways", "*71", "before a number: forward all calls; alone: to voicemail"),
        _code("forwardalwaysoff", "*071", ""),
        _code("forwardbusy", "*72", "the same when busy"),
        _code("forwardbusyoff", "*072", ""),
        _code("forwardnoanswer", "*73", "the same when nobody answers"),
        _code("forwardnoansweroff", "*073", ""),
        _code("dnd", "*74", "do not disturb"),
        _code("dndoff", "*074", ""),
        _code("agentlogin", "*75", "before a queue: log in as its agent; asks for the queue's password"),
        _code("agentlogout", "*075", "before a queue: log out"),
        _code("agentpause", "*76", "before a queue: pause"),
        _code("agentunpause", "*076", "before a queue: go on"),
    ),
)

PARKING = Section(
    key="parking",
    parts=frozenset({"parking", "dialplan"}),
    fields=(
        Field(name="slots", rule=slots_rule(), default="6900-6999"),
        Field(
            name="timeout",
            rule=integer(10, 3600),
            default=60,
            doc="seconds until a parked call goes back to who parked it",
        ),
    ),
)

GENERAL = Section(
    key="general",
    parts=frozenset({"gates", "dialplan"}),
    fields=(
        Field(
            name="maxduration",
            rule=integer(0, 86400),
            default=0,
            doc="seconds of a call of extensions that follow the system; 0: no limit",
        ),
        Field(
            name="reportapitransfers",
            rule=on_off(),
            default=False,
            doc="send the event Transfer for transfers by the API too; the appliances do not",
        ),
        Field(
            name="undecided",
            rule=choice(("ringing", "silence")),
            default="ringing",
            doc="what a call from outside gets while an application decides: SIP 180 or nothing",
        ),
        Field(
            name="language",
            rule=language_rule(),
            default="en",
            doc="of prompts, numbers and times, for callers from outside and extensions without their own",
        ),
    ),
)

SIP = Section(
    key="sip",
    parts=frozenset({"uacsta"}),
    fields=(
        Field(
            name="srtponly",
            rule=numbers_rule(),
            default="",
            cleared="",
            doc="whose audio is encrypted or not there at all: extensions joined by commas, or all",
        ),
        Field(
            name="uacsta",
            rule=on_off(),
            default=False,
            doc="show and control calls of phones that speak uaCSTA",
        ),
        Field(
            name="uacstaport",
            rule=integer(1024, 65535),
            default=5062,
            doc="UDP port from which phones are spoken to for it",
        ),
    ),
)

SECTIONS = (
    FEATURE_CODES,
    PARKING,
    GENERAL,
    SIP,
    RECORDS,
    MAIL,
    SOFTCLIENT,
    RECORDING,
    WAKEUP,
    VOICEMAIL,
    METRICS,
    EVENTS,
    TCP_PUSH,
    APILIMITS,
    BANS,
    SPENDING,
)


def check_codes(codes: Mapping[str, str]) -> None:
    """Raises Conflict when two features cannot be told apart.

    They have one code, or what is dialled for one, number included, begins with the code of the other. A code
    is never an extension's number, as it begins with * or #.
    """
    used = [(name, code) for name, code in codes.items() if code]
    for at, (name, code) in enumerate(used):
        for other, second in used[at + 1 :]:
            if code == second:
                raise Conflict(Errno.PARAMETER_EMPTY, f"{name} and {other} have the same code {code}")
            if _swallows(name, code, other, second) or _swallows(other, second, name, code):
                says = f"{name} {code} and {other} {second} cannot be told apart"
                raise Conflict(Errno.PARAMETER_EMPTY, says)


def _swallows(name: str, code: str, other: str, second: str) -> bool:
    """Whether the second code is what the first one is dialled with, or is complete before it."""
    if (name in IN_CALL) is not (other in IN_CALL) or not second.startswith(code):
        return False
    return name in IN_CALL or (name in WITH_NUMBER | NUMBER_OR_NONE and second[len(code)].isdigit())


def slot_range(slots: str) -> tuple[int, int]:
    """First and last parking slot."""
    first, last = slots.split("-")
    return int(first), int(last)
