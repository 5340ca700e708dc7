"""What a queue is: its settings with their rules (spec 07-queue)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from offhook.areas.extensions.tables import extensions
from offhook.areas.objects.destinations import WITHOUT_NAME, InTwo, well_formed
from offhook.areas.objects.field import Field, Named, Step
from offhook.areas.objects.kind import Kind
from offhook.areas.objects.links import Links
from offhook.areas.queues.engine import PART
from offhook.areas.queues.tables import queue_agents, queues
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Rule, RuleBroken, choice, digits, integer, name_list, on_off, pattern, text

NONE, NO_PROMPT = "None", "[None]"
STRATEGIES = ("Ring All", "Least Recent", "Fewest Calls", "Random", "Rrmemory", "Linear")
ACTIONS = {
    "Hang up": "hangup",
    "Extension": "extension",
    "Voicemail": "voicemail",
    "IVR": "ivr",
    "Ring Group": "ringgroup",
    "Queue": "queue",
    "Conference": "conference",
    "Fax to Email": "faxtoemail",
    "Dial by name": "dialbyname",
}
"""The contract's words for destinations, and their kinds."""

_BAD = Errno.QUEUE_CONFIG
FREQUENCY = choice(("0", "15", "30", "45", "60", "120", "180", "240", "300", "600", "1200"))
NAME = text(max_len=31, forbidden=" !$()/#;,[]\"=<>&'`^%@{}|")
PASSWORD = digits(127)
STRATEGY = choice(STRATEGIES)
SECONDS = integer(1, 86400)
WRAPUP = integer(0, 86400)
FLAG = on_off()
BREAKOUT = choice((NONE, *"0123456789*#"))
DEST = pattern(r"[0-9]{1,7}", says="a number of at most 7 digits")
_PROMPT = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
PROMPT = pattern(rf"\[None\]|{_PROMPT}", says="the name of a prompt, or [None]")
SURVEY = pattern(rf"None|{_PROMPT}", says="the name of a prompt, or None")


def action_rule() -> Rule[str]:
    """A word for a destination; the older spelling `Hangup` and any capitals are taken too."""
    words = choice(tuple(ACTIONS))

    def read(value: str) -> str:
        return words.read("Hang up" if value.casefold() == "hangup" else value)

    return Rule(words.says, read, words.schema)


def frequency_rule() -> Rule[int]:
    """Seconds between announcements, out of the contract's list."""

    def read(value: str) -> int:
        return int(FREQUENCY.read(value))

    return Rule(FREQUENCY.says, read, FREQUENCY.schema)


def retry_rule() -> Rule[int]:
    """Seconds before agents are tried again; the contract's list, and any number the operator wants."""

    def read(value: str) -> int:
        if value not in {"10", "20", "30", "40", "50"}:
            raise RuleBroken("one of 10, 20, 30, 40, 50")
        return int(value)

    return Rule("one of 10, 20, 30, 40, 50", read, {"type": "string", "enum": ["10", "20", "30", "40", "50"]})


ACTION = action_rule()
EVERY = frequency_rule()
RETRY = retry_rule()


def _check(_connection: sa.Connection, step: Step) -> None:
    new = step.new
    for action, dest in (("failoveraction", "failoverdest"), ("breakoutaction", "breakoutdest")):
        kind = ACTIONS[new[action]]
        if kind in WITHOUT_NAME or step.changes(action, beside=dest):
            new[dest] = ""
        elif new[dest] and not well_formed(kind, new[dest]):
            raise ContractError(_BAD, f"{dest} does not fit {action}")


def _agents(*, static: bool) -> Links:
    return Links(
        owner=queue_agents.c.queue,
        member=queue_agents.c.number,
        name=extensions.c.number,
        key=extensions.c.number,
        unknown=_BAD,
        only={"static": static},
    )


def _field(name: str, rule: Rule[Any], default: object, cleared: object = None) -> Field:
    return Field(name=name, rule=rule, default=default, cleared=cleared, bad=_BAD)


KIND = Kind(
    key="queues",
    word="queue",
    table=queues,
    target="queue",
    parts=frozenset({PART}),
    numbers=range(6700, 6800),
    references=(
        InTwo("failoveraction", "failoverdest", ACTIONS),
        InTwo("breakoutaction", "breakoutdest", ACTIONS),
        *(Named(name, "prompt", (NO_PROMPT,)) for name in ("agentannounce", "joinannounce", "userannounce")),
        *(Named(name, "prompt", (NONE,)) for name in ("satisfactionsurvey", "idannouncement")),
        Named("musiconhold", "musiconhold", (NO_PROMPT,)),
    ),
    check=_check,
    missing=Errno.NO_SUCH_QUEUE,
    taken=_BAD,
    dangling=_BAD,
    in_use=_BAD,
    full=_BAD,
    fields=(
        Field(name="number", rule=digits(7), bad=_BAD),
        Field(name="queuename", rule=NAME, bad=_BAD),
        Field(name="password", rule=PASSWORD, default="", cleared="", bad=_BAD, secret=True),
        _field("ringstrategy", STRATEGY, "Ring All"),
        _field("failoveraction", ACTION, "Hang up"),
        _field("failoverdest", DEST, "", ""),
        Field(
            name="agents",
            rule=name_list(),
            default=(),
            cleared=(),
            bad=_BAD,
            link=_agents(static=True),
        ),
        Field(
            name="dynamicagents",
            rule=name_list(),
            default=(),
            cleared=(),
            bad=_BAD,
            link=_agents(static=False),
            doc="agents who are logged in now",
        ),
        _field("agenttimeout", SECONDS, 30),
        _field("agentannounce", PROMPT, NO_PROMPT, NO_PROMPT),
        _field("wrapuptime", WRAPUP, 30),
        _field("ringinuse", FLAG, False),
        _field("retry", integer(1, 3600), 30),
        _field("musiconhold", PROMPT, NO_PROMPT, NO_PROMPT),
        _field("maxwaittime", SECONDS, 1800),
        _field("joinempty", FLAG, True),
        _field("leavewhenempty", FLAG, False),
        _field("joinannounce", PROMPT, NO_PROMPT, NO_PROMPT),
        _field("announcepos", FLAG, True),
        _field("announcefreq", EVERY, 30),
        _field("announceholdtime", FLAG, True),
        _field("userannounce", PROMPT, NO_PROMPT, NO_PROMPT),
        _field("userannouncefreq", EVERY, 60),
        _field("breakoutkey", BREAKOUT, NONE, NONE),
        _field("breakoutaction", ACTION, "Hang up"),
        _field("breakoutdest", DEST, "", ""),
        _field("satisfactionsurvey", SURVEY, NONE, NONE),
        _field("idannouncement", SURVEY, NONE, NONE),
        Field(name="record", rule=FLAG, default=False, doc="record what its callers and agents say"),
    ),
)
