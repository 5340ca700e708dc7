"""Who breaks into a talk: the engine has to be told when the talk is another one."""

from __future__ import annotations

from offhook.callstate import Picture, fold, resync
from offhook.callstate.facts import PartnerChanged
from tests.unit.callstate_support import Event

CALL = "1700000000.1"
EAR = "Local/1002@offhook-monitor-00000000;1"


def _event(name: str, number: int, **headers: str) -> Event:
    channel = f"PJSIP/100{number}-0000000{number}"
    return {
        "Event": name,
        "Channel": channel,
        "ChannelStateDesc": "Up",
        "Uniqueid": f"1700000000.{number}",
        "Linkedid": CALL,
        **headers,
    }


def _told(picture: Picture, *events: Event) -> tuple[Picture, list[str]]:
    ears = []
    for event in events:
        picture, facts = fold(picture, event)
        ears += [fact.ear for fact in facts if isinstance(fact, PartnerChanged)]
    return picture, ears


def _talk() -> Picture:
    picture, ears = _told(
        Picture(),
        _event("Newchannel", 1),
        _event("Newchannel", 2),
        _event("BridgeEnter", 1, BridgeUniqueid="one"),
        _event("BridgeEnter", 2, BridgeUniqueid="one"),
    )
    assert not ears
    return picture


def _ear(name: str = "UserEvent") -> Event:
    ear = {"Channel": EAR, "Uniqueid": "1700000000.9", "Linkedid": "1700000000.9"}
    return _event(name, 9, **ear, UserEvent="OffhookBarge", Spied="1700000000.1")


def test_whoever_breaks_in_follows_when_the_party_is_alone_and_when_it_has_a_partner_again() -> None:
    picture, ears = _told(_talk(), _ear())
    assert not ears
    picture, ears = _told(picture, _event("BridgeLeave", 2, BridgeUniqueid="one"))
    assert not ears, "the other's leg is not the one listened to"
    picture, ears = _told(picture, _event("BridgeLeave", 1, BridgeUniqueid="one"))
    assert ears == [EAR]
    picture, ears = _told(picture, _event("BridgeEnter", 1, BridgeUniqueid="two"))
    assert not ears, "nobody is there yet"
    picture, ears = _told(picture, _event("Newchannel", 3), _event("BridgeEnter", 3, BridgeUniqueid="two"))
    assert ears == [EAR]


def test_nobody_breaks_in_on_a_leg_that_has_gone() -> None:
    _, ears = _told(Picture(), _ear(), _event("BridgeLeave", 1, BridgeUniqueid="one"))
    assert not ears


def test_a_control_plane_that_starts_finds_who_breaks_in() -> None:
    spied = _event("CoreShowChannel", 1, Application="Dial", BridgeId="one")
    ear = {**_ear("CoreShowChannel"), "Context": "offhook-spy", "Exten": "barge"}
    ear |= {"Application": "ChanSpy", "ApplicationData": "1700000000.1,qESuB"}
    picture, facts = resync(Picture(), [spied, ear], ())
    assert [fact.ear for fact in facts if isinstance(fact, PartnerChanged)] == [EAR]
    assert picture.calls[CALL].legs["1700000000.1"].ear == EAR
