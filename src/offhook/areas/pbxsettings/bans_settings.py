"""How addresses that attack phones are found out and for how long they are refused."""

from __future__ import annotations

from offhook.areas.bans.address import network
from offhook.areas.objects.field import Field
from offhook.areas.pbxsettings.section import Section
from offhook.contract.rules import Rule, RuleBroken, integer, on_off, split_list

PART = "bans"
_NETWORKS_MAX = 200


def networks_rule() -> Rule[str]:
    """Addresses and networks joined by commas, in one spelling."""
    says = f"at most {_NETWORKS_MAX} addresses or networks such as 192.0.2.0/24, joined by commas"

    def read(value: str) -> str:
        parts = split_list(value)
        if len(parts) > _NETWORKS_MAX:
            raise RuleBroken(says)
        try:
            return ",".join(str(network(part)) for part in parts)
        except ValueError:
            raise RuleBroken(says) from None

    return Rule(says, read, {"type": "string"}, lists=True)


BANS = Section(
    key="bans",
    parts=frozenset({PART}),
    fields=(
        Field(
            name="enabled",
            rule=on_off(),
            default=True,
            doc="refuse addresses that attack phones; switching it off lets all in again",
        ),
        Field(
            name="permitted",
            rule=networks_rule(),
            default="127.0.0.1/32,::1/128",
            cleared="",
            doc="addresses and networks that are never banned; those of trunks never are",
        ),
        Field(
            name="attempts",
            rule=integer(1, 1000),
            default=8,
            doc="requests without a right password until an address is banned; a wrong password is two",
        ),
        Field(
            name="window",
            rule=integer(10, 86400),
            default=600,
            doc="seconds after which such a request is forgotten",
        ),
        Field(
            name="garbage",
            rule=integer(10, 100_000),
            default=100,
            doc="packets in ten seconds that are no SIP until an address is banned",
        ),
        Field(
            name="bantime",
            rule=integer(1, 86400),
            default=300,
            doc="seconds of the first ban; each further one within a day is twice as long",
        ),
        Field(
            name="longest",
            rule=integer(1, 2_592_000),
            default=86400,
            doc="seconds of a ban at most; an hour at most where the address may be forged (UDP)",
        ),
    ),
)
