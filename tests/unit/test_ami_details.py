"""What is put beside the engine's list of channels."""

from __future__ import annotations

from offhook.asterisk.ami.wire import Message
from offhook.asterisk.details import VARIABLES, detailed, holders


def status(uniqueid: str, *variables: str) -> Message:
    """An event of Status."""
    lines = ["Event: Status", f"Uniqueid: {uniqueid}", *(f"Variable: {one}" for one in variables)]
    return Message("\r\n".join(lines).encode())


def test_what_is_not_set_is_left_out_and_who_is_missing_has_hung_up() -> None:
    assert VARIABLES == "CHANNEL(onhold),TRANSFERERNAME,OFFHOOK_PATH"
    listed = [{"Uniqueid": "1.1", "Channel": "PJSIP/1-1"}, {"Uniqueid": "1.2"}, {"Uniqueid": "1.3"}]
    asked = [
        status("1.1", "CHANNEL(onhold)=0", "TRANSFERERNAME=(null)", "OFFHOOK_PATH="),
        status("1.2", "CHANNEL(onhold)=1", "TRANSFERERNAME=PJSIP/a=b-1", "OFFHOOK_PATH=ivr|6500", "X=1"),
        status("1.9"),
    ]
    assert detailed(listed, asked) == (
        {"Uniqueid": "1.1", "Channel": "PJSIP/1-1"},
        {"Uniqueid": "1.2", "OnHold": "1", "ConsultedBy": "PJSIP/a=b-1", "Path": "ivr|6500"},
        {"Uniqueid": "1.3", "Ended": "1"},
    )


def test_only_phones_beside_one_on_hold_may_hold_him() -> None:
    channels = [
        {"Channel": "PJSIP/1-1", "BridgeId": "a", "OnHold": "1"},
        {"Channel": "PJSIP/2-1", "BridgeId": "a"},
        {"Channel": "Local/2@x;1", "BridgeId": "a"},
        {"Channel": "PJSIP/3-1", "BridgeId": "b"},
        {"Channel": "PJSIP/4-1", "BridgeId": "", "OnHold": "1"},
        {"Channel": "PJSIP/5-1", "BridgeId": ""},
    ]
    assert holders(channels) == ["PJSIP/2-1"]
