"""Who may read the metrics of the PBX."""

from __future__ import annotations

from offhook.areas.downloads.addresses import listed_addresses
from offhook.areas.objects.field import Field
from offhook.areas.pbxsettings.section import Section

METRICS = Section(
    key="metrics",
    parts=frozenset({"metrics"}),
    fields=(
        Field(
            name="addresses",
            rule=listed_addresses(),
            default="",
            cleared="",
            doc="addresses and networks that read /metrics without a password; this machine always does",
        ),
    ),
)
