"""How long call records are kept."""

from __future__ import annotations

from offhook.areas.objects.field import Field
from offhook.areas.pbxsettings.section import Section
from offhook.contract.rules import integer

PART = "records"

RECORDS = Section(
    key="records",
    parts=frozenset({PART}),
    fields=(
        Field(
            name="keepdays",
            rule=integer(0, 36500),
            default=0,
            doc="days after which a call record is deleted; 0: never by its age",
        ),
        Field(
            name="keepmost",
            rule=integer(0, 100_000_000),
            default=2_000_000,
            doc="how many call records are kept, the newest ones; 0: all",
        ),
    ),
)
