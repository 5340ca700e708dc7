"""How the event port is spoken to; that there is one is `report_method` of the API's settings."""

from __future__ import annotations

from offhook.areas.objects.field import Field
from offhook.areas.pbxsettings.section import Section
from offhook.contract.rules import choice

TCP_PUSH = Section(
    key="tcppush",
    parts=frozenset({"tcppush"}),
    fields=(
        Field(
            name="tls",
            rule=choice(("off", "on", "both")),
            default="both",
            doc="whether the event port takes connections by TLS: none, only these, or both",
        ),
    ),
)
