"""How long events are kept, and what a receiver gets of those that it missed."""

from __future__ import annotations

from offhook.areas.objects.field import Field
from offhook.areas.pbxsettings.section import Section
from offhook.contract.rules import choice, integer

PART = "events"

EVENTS = Section(
    key="events",
    parts=frozenset({PART}),
    fields=(
        Field(
            name="keephours",
            rule=integer(1, 720),
            default=72,
            doc="hours for which events are kept, and repeated to receivers that have to get them",
        ),
        Field(
            name="maxmegabytes",
            rule=integer(1, 100_000),
            default=500,
            doc="MB that kept events take at most; the oldest go first",
        ),
        Field(
            name="replay",
            rule=choice(("none", "records", "all")),
            default="records",
            doc="what a receiver gets on its next login of what it missed while its token had ended: "
            "nothing, records and satisfaction, or every event",
        ),
    ),
)
