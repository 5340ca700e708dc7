"""What a conference room is: its settings with their rules (spec 05-conference)."""

from __future__ import annotations

from offhook.areas.conferences.tables import conference_moderators, conferences
from offhook.areas.extensions.tables import extensions
from offhook.areas.objects.field import Field
from offhook.areas.objects.kind import Kind
from offhook.areas.objects.links import Links
from offhook.contract.errors import Errno
from offhook.contract.rules import Rule, RuleBroken, digits, name_list, on_off, pattern, text

_BAD = Errno.PARAMETER_EMPTY


def yes_no() -> Rule[bool]:
    """The switches `yes` and `no` of the contract; on and off are taken too."""
    words = {"yes": True, "no": False, "on": True, "off": False}

    def read(value: str) -> bool:
        if value.casefold() not in words:
            raise RuleBroken("yes or no")
        return words[value.casefold()]

    return Rule("yes or no", read, {"type": "string", "enum": ["yes", "no"]})


NAME = text(max_len=63, forbidden="&'<>`|$]\\\"")
PASSWORD = pattern(r"[0-9*]{1,31}", says="digits and *")
FLAG = yes_no()
MODERATORS = name_list()

KIND = Kind(
    key="conferences",
    word="conference",
    table=conferences,
    target="conference",
    numbers=range(6400, 6500),
    parts=frozenset({"conferences"}),
    missing=Errno.NO_SUCH_CONFERENCE,
    taken=Errno.CONFERENCE_NUMBER_IN_USE,
    fields=(
        Field(name="number", rule=digits(7)),
        Field(name="name", rule=NAME),
        Field(name="participantepassword", rule=PASSWORD, default="", cleared="", secret=True),
        Field(name="moderatorpassword", rule=PASSWORD, default="", cleared="", secret=True),
        Field(name="waitformoderator", rule=FLAG, default=False),
        Field(name="allowinvite", rule=FLAG, default=False),
        Field(
            name="moderators",
            rule=MODERATORS,
            default=(),
            cleared=(),
            bad=Errno.NO_SUCH_EXTENSION,
            link=Links(
                owner=conference_moderators.c.conference,
                member=conference_moderators.c.number,
                name=extensions.c.number,
                key=extensions.c.number,
                unknown=Errno.NO_SUCH_EXTENSION,
            ),
        ),
        Field(name="musiconhold", rule=FLAG, default=True),
        Field(name="announcements", rule=on_off(), default=True, doc="tell who comes and goes"),
        Field(name="record", rule=on_off(), default=False, doc="record each participant's call"),
    ),
)
