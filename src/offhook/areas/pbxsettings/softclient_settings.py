"""How the soft client is reached from outside."""

from __future__ import annotations

from offhook.areas.objects.field import Field
from offhook.areas.pbxsettings.section import Section
from offhook.contract.rules import integer, pattern

SOFTCLIENT = Section(
    key="softclient",
    parts=frozenset({"softclient"}),
    fields=(
        Field(
            name="address",
            rule=pattern(
                r"https?://[A-Za-z0-9.\-\[\]:]{1,253}(?:/[A-Za-z0-9._~/-]*)?",
                says="an address such as https://pbx.example.com:8088",
            ),
            default="",
            cleared="",
            doc="what links in welcome mails begin with; empty: https, this machine and its port",
        ),
        Field(
            name="linkhours",
            rule=integer(1, 720),
            default=24,
            doc="hours for which a link works after its mail was sent",
        ),
    ),
)
