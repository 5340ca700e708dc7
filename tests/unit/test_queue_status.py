"""What an agent does: pauses, holds and rests over the engine's device states."""

from __future__ import annotations

import pytest

from offhook.areas.queues.status import AgentState, agent_state
from offhook.areas.queues.status_api import minutes


@pytest.mark.parametrize("device", range(8))
def test_device_states_pass_through(device: int) -> None:
    assert agent_state(device, paused=False, holds=False, wraps_up=False) == device
    assert agent_state(device, paused=True, holds=True, wraps_up=True) is AgentState.PAUSED


def test_what_the_device_does_not_tell() -> None:
    assert agent_state(2, paused=False, holds=True, wraps_up=True) is AgentState.HOLDS
    assert agent_state(8, paused=False, holds=True, wraps_up=True) is AgentState.HOLDS
    assert agent_state(8, paused=False, holds=False, wraps_up=False) is AgentState.IN_USE  # it is held
    assert agent_state(7, paused=False, holds=True, wraps_up=True) is AgentState.RINGING_IN_USE
    assert agent_state(1, paused=False, holds=False, wraps_up=True) is AgentState.WRAPS_UP
    assert agent_state(5, paused=False, holds=False, wraps_up=True) is AgentState.UNAVAILABLE
    assert agent_state(99, paused=False, holds=False, wraps_up=False) is AgentState.UNKNOWN


def test_waiting_times() -> None:
    assert [minutes(seconds) for seconds in (0, 37, 60, 725, 4500)] == [
        "0:00",
        "0:37",
        "1:00",
        "12:05",
        "75:00",
    ]
