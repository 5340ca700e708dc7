"""From where the API and the operators' API may be used, and how much of it."""

from __future__ import annotations

from offhook.areas.downloads.addresses import listed_addresses
from offhook.areas.objects.field import Field
from offhook.areas.pbxsettings.section import Section
from offhook.contract.rules import Rule, RuleBroken, integer, split_list

_HOSTS_SAY = "host names joined by commas"
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_")


def _hosts() -> Rule[str]:
    def read(value: str) -> str:
        names = [name.casefold() for name in split_list(value)]
        if len(names) > 50 or any(set(name) - _HOST_CHARACTERS or len(name) > 253 for name in names):
            raise RuleBroken(_HOSTS_SAY)
        return ",".join(names)

    return Rule(_HOSTS_SAY, read, {"type": "string"}, lists=True)


APILIMITS = Section(
    key="apilimits",
    parts=frozenset({"apilimits"}),
    fields=(
        Field(
            name="addresses",
            rule=listed_addresses(),
            default="",
            cleared="",
            doc="IP addresses and networks that may use the API; empty: all",
        ),
        Field(
            name="adminaddresses",
            rule=listed_addresses(),
            default="",
            cleared="",
            doc="IP addresses and networks that may use the operators' API and pages; empty: all",
        ),
        Field(
            name="adminhosts",
            rule=_hosts(),
            default="",
            cleared="",
            doc="names by which operators reach the PBX, beside its addresses and those of its certificate",
        ),
        Field(
            name="requests",
            rule=integer(0, 100_000),
            default=500,
            doc="requests per second of one address, four seconds' worth at once; 0: no limit",
        ),
        Field(
            name="calls",
            rule=integer(0, 1000),
            default=50,
            doc="calls begun per second by one session, four seconds' worth at once; 0: no limit",
        ),
        Field(
            name="concurrent",
            rule=integer(1, 10_000),
            default=200,
            doc="requests of one address, and of one session, that are worked on at a time",
        ),
        Field(
            name="connections",
            rule=integer(1, 2000),
            default=300,
            doc="connections of one address that are open at a time",
        ),
        Field(
            name="sessions",
            rule=integer(1, 50_000),
            default=2000,
            doc="living tokens of an account from one address; the oldest ends for a new one",
        ),
        Field(
            name="bodysize",
            rule=integer(1, 10_240),
            default=1024,
            doc="kB that the body of a request may have",
        ),
    ),
)
