"""What the chapters of the switchboard say of every parameter, written out by hand from the chapters.

Nothing here is computed from our own rules. `Case` is an endpoint with a body that succeeds, `Param` is what
happens to that body when one parameter is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

KEPT: Final = "(kept)"
"""The request succeeds and the stored value stays."""

HUGE = 10**400
WILD: tuple[Any, ...] = (["x", "y"], {"a": "b"}, True, HUGE)
"""Values of types that the parameter does not have; as text: `x,y`, an object's JSON, `true`, 401 digits."""

WILD_NAME: tuple[Any, ...] = (["x", "y"], {"a": "b"}, HUGE)
"""The same for names, which may well be `true`."""

WILD_LIST: tuple[Any, ...] = ({"a": "b"}, True, HUGE)
"""The same for lists of names, which may well be lists."""

CONTROL = "\x00\t\r\n\x1f\x7f"


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter.

    `good` are values that are taken, or pairs of a value and what is shown for it (None: nothing is shown).
    `bad` are refused values by their errno; the first errno also belongs to values of other types (`wild`).
    `missing` and `empty` are errnos, or what is shown then; `more` goes into the body as well; `also` are
    other parameters that may change with it.
    """

    good: Sequence[Any]
    bad: Mapping[int, Sequence[Any]]
    missing: int | str | None = KEPT
    empty: int | str | None = KEPT
    wild: Sequence[Any] = WILD
    more: Mapping[str, Any] = field(default_factory=dict)
    also: frozenset[str] = frozenset()

    def values(self) -> list[tuple[Any, int | str | None]]:
        """Every value to send with the errno, or what is shown; blanks alone are as good as nothing."""
        taken = [pair if isinstance(pair, tuple) else (pair, pair) for pair in self.good]
        refused = [(value, errno) for errno, values in self.bad.items() for value in values]
        wild = [(value, next(iter(self.bad))) for value in self.wild]
        return [*taken, *refused, *wild, ("", self.empty), (" ", self.empty), (None, self.missing)]


@dataclass(frozen=True, slots=True)
class Case:
    """An endpoint with a body; `shown` is the query that shows the object, its parameter, and its key."""

    path: str
    base: Mapping[str, Any]
    params: Mapping[str, Param]
    shown: tuple[str, str, str] | None = None
    label: str = ""


def forbidden(characters: str, around: str = "a{}b") -> list[str]:
    """A text for each character, with it inside."""
    return [around.replace("{}", character) for character in characters]


def chosen(good: Sequence[Any], missing: int, unknown: Sequence[Any] = ()) -> Param:
    """The parameter of a query or deletion: one, several, or all."""
    return Param(
        [(value, None) for value in good],
        {missing: [*unknown, "x", "'", "1;2", "%", "x" * 300, "\ud800"]},
        missing=10004,
        empty=10004,
        wild=({"a": "b"}, True, HUGE),
    )


DOCUMENT = """
extensions:
- {number: 1000, username: Ann, registername: 1000, registerpassword: "v0S*ZrB6Y3g~1-oe"}
- {number: 1001, username: Bob, registername: bob, registerpassword: "v0S*ZrB6Y3g~1-oe"}
extensiongroups: [{name: sales, members: 1000}, {name: support, members: 1001}]
trunks:
- {trunkname: peer1, trunktype: peer, host: 192.0.2.1, domain: 192.0.2.1}
- {trunkname: reg1, trunktype: register, host: sip.example.com, domain: sip.example.com, username: acct,
    authname: acct, fromuser: acct, password: Pajsjx9183}
- {trunkname: acc1, trunktype: account, username: gw, authname: gwauth, password: Pajsjx9183}
outroutes: [{name: out1, prefix: 9X., strip: 1, prepend: "00", trunks: peer1, extensions: 1000,
    extensionsgroup: sales}]
disa: [{name: remote, password: 4711}]
ivrs: [{number: 6500, ivrname: Welcome}]
ringgroups: [{number: 6200, name: Group, members: 1000}]
queues: [{number: 6700, queuename: Support, agents: 1000, password: 6700123, failoveraction: Extension,
    failoverdest: 1000, breakoutkey: 1, breakoutaction: Extension, breakoutdest: 1000}]
conferences: [{number: 6400, name: Room, participantepassword: 3201, moderators: 1000}]
paginggroups: [{number: 6300, name: Page, member: 1000, membergroup: sales}, {number: 6301, name: Multi,
    type: multicast, multicastip: 239.1.2.3}]
callbacks: [{name: back, outroute: out1, destination: extension 1000}]
inroutes: [{name: in1, did: 5503301, caller_id: 3000, trunks: peer1, desttype: extension, dest: 1000}]
"""
"""A PBX with one object of each kind at least, as `apply` makes it; ids count from 1 in this order."""
