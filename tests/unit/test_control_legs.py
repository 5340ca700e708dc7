"""What live control reads off a leg."""

from __future__ import annotations

import pytest

from offhook.areas.control.legs import extension_of
from offhook.callstate.call import Leg, LegState
from offhook.callstate.party import party_of_channel


@pytest.mark.parametrize(
    ("channelid", "extension"),
    [
        ("PJSIP/1000-00000001", "1000"),
        ("PJSIP/trunk-1000-endpoint-00000001", None),  # a trunk may be called as an extension is
        ("Local/1000@from-extension-00000001;1", None),
    ],
)
def test_only_the_leg_of_an_extension_has_its_right(channelid: str, extension: str | None) -> None:
    leg = Leg(
        uniqueid="1795000000.1",
        channelid=channelid,
        party=party_of_channel(channelid),
        state=LegState.UP,
        dialled=False,
    )
    assert extension_of(leg) == extension
