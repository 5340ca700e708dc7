"""What happens to ids when two calls become one: the older call's id survives."""

from __future__ import annotations

from collections.abc import Mapping


def age(callid: str) -> tuple[int, int, str]:
    """Order of Asterisk's ids `<epoch>.<n>` in time; ids of another form count as youngest."""
    epoch, _, number = callid.partition(".")
    if epoch.isdecimal() and number.isdecimal():
        return int(epoch), int(number), ""
    return 2**63, 0, callid


def older(one: str, other: str) -> str:
    """The callid that survives when these two calls are joined (as Asterisk chooses the linkedid)."""
    return min(one, other, key=age)


def resolve(joined: Mapping[str, str], callid: str) -> str:
    """The callid under which a call lives on, after all joins so far."""
    return joined.get(callid, callid)


def merge(joined: Mapping[str, str], one: str, other: str) -> dict[str, str]:
    """Join two calls; maps every callid that ended by a join to the one that survives.

    Joining a call with itself changes nothing. The result is flat: `resolve` needs one look-up.
    """
    first, second = resolve(joined, one), resolve(joined, other)
    survivor = older(first, second)
    absorbed = second if survivor == first else first
    if absorbed == survivor:
        return dict(joined)
    moved = {callid: survivor if target == absorbed else target for callid, target in joined.items()}
    return {**moved, absorbed: survivor}
