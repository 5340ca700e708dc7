"""When a queue's call has ended for its agent, read from the engine's events."""

from __future__ import annotations

from offhook.areas.queues.wrapup import Talk, begun, ends, learned

CALL = "1795000000.10"
LEG = {"Channel": "PJSIP/1001-00000002", "Uniqueid": "1795000000.11", "Linkedid": CALL}
OTHER = {"Channel": "PJSIP/1001-00000003", "Uniqueid": "1795000000.12", "Linkedid": CALL}


def connect(channel: str, uniqueid: str) -> dict[str, str]:
    return {
        "Event": "AgentConnect",
        "Queue": "6700",
        "MemberName": "1001",
        "Linkedid": CALL,
        "DestChannel": channel,
        "DestUniqueid": uniqueid,
    }


def test_an_agent_with_one_phone_is_known_by_his_leg() -> None:
    talk = begun(connect(LEG["Channel"], LEG["Uniqueid"]))
    assert talk == Talk("1001", CALL, LEG["Uniqueid"])
    assert ends(talk, LEG)
    assert not ends(talk, {**OTHER, "ChannelStateDesc": "Up"})


def test_behind_a_local_channel_the_leg_is_learned() -> None:
    talk = begun(connect("Local/1001@offhook-agent-00000000;1", "1795000000.9"))
    assert talk == Talk("1001", CALL, "")
    assert not ends(talk, {**OTHER, "ChannelStateDesc": "Ringing"}), "his other phone has only rung"
    assert learned(talk, {**LEG, "Linkedid": "1795000000.1"}) == talk
    talk = learned(talk, LEG)
    assert talk.uniqueid == LEG["Uniqueid"]
    assert learned(talk, OTHER) == talk
    assert not ends(talk, {**OTHER, "ChannelStateDesc": "Up"})
    assert ends(talk, LEG)


def test_a_leg_that_was_never_seen_in_a_bridge_ends_by_its_state() -> None:
    assert ends(Talk("1001", CALL, ""), {**LEG, "ChannelStateDesc": "Up"})
    assert begun({**connect("", ""), "MemberName": ""}) is None
