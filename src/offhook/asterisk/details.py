"""What the engine's list of channels leaves out, put beside each channel as further headers. Pure.

| header | meaning |
| --- | --- |
| `OnHold` | 1: somebody holds it, by his phone or while he types a number behind a transfer key |
| `Holds` | 1: it is its phone that holds the others of its bridge |
| `ConsultedBy` | on both halves of the Local channel of a consultation by keys: the channel of who asks |
| `Path` | what it ran through last, `<kind>\\|<number>` |
| `Ended` | 1: it has hung up; the engine lists it for as long as the transfer goes on that it has begun |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from offhook.asterisk.ami.wire import Message

_HEADERS = {"CHANNEL(onhold)": "OnHold", "TRANSFERERNAME": "ConsultedBy", "OFFHOOK_PATH": "Path"}
VARIABLES = ",".join(_HEADERS)
"""What to ask of every channel; the second is set by the engine itself."""

HELD_BY_PHONE = "CHANNEL(rtp,hold)"
"""What to ask of the channels in `holders`: whether the phone has asked for the hold."""

_UNSET = "(null)"


def detailed(channels: Iterable[Mapping[str, str]], asked: Iterable[Message]) -> tuple[dict[str, str], ...]:
    """CoreShowChannel events with what Status, asked after it, says of each."""
    known = {message.get("Uniqueid", ""): _headers(message) for message in asked}
    return tuple({**one, **known.get(one.get("Uniqueid", ""), {"Ended": "1"})} for one in channels)


def _headers(message: Message) -> dict[str, str]:
    variables = (text.partition("=") for text in message.all("Variable"))
    return {
        _HEADERS[name]: value
        for name, _, value in variables
        if name in _HEADERS and value not in ("", "0", _UNSET)
    }


def holders(channels: Sequence[Mapping[str, str]]) -> list[str]:
    """The channels of phones in a bridge with one that is on hold, and not on hold themselves."""
    bridges = {one.get("BridgeId", "") for one in channels if one.get("OnHold")} - {""}
    return [
        one.get("Channel", "")
        for one in channels
        if one.get("BridgeId") in bridges
        and not one.get("OnHold")
        and one.get("Channel", "").startswith("PJSIP/")
    ]
