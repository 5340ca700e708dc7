"""What was used of the limits of calls out, read of the engine's database."""

from __future__ import annotations

import pytest

from offhook.areas.spending.kind import CALLLIMITS
from offhook.areas.spending.model import is_outside_leg, usages
from offhook.contract.errors import ContractError

DAY = "20261126"


def test_what_runs_counts_and_what_is_of_yesterday_does_not() -> None:
    spent = {
        "1001": f"{DAY}-3-60-10-600",
        "1002": "20261125-9-900-10-600",
        "trunk1": f"{DAY}-1-0-0-0",
        "x": "nonsense",
        "y": f"{DAY}-1-2-3",
        "z": f"{DAY}-1-2-3-${{EPOCH}}",
    }
    running = {"1001/1.1": "970|PJSIP/a", "1001/1.2": "990|PJSIP/b", "1002/1.3": "1|PJSIP/c", "w/1": "x|y"}
    one, trunk = usages(spent, running, 1000, DAY)
    assert (one.who, one.calls, one.seconds, one.running) == ("1001", 3, 100, 2)
    assert (trunk.who, trunk.running) == ("trunk1", 0)


@pytest.mark.parametrize(
    ("spent", "near", "full"),
    [
        ("7-479-10-600", (), ()),
        ("8-479-10-600", ("calls",), ()),
        ("8-480-10-600", ("calls", "minutes"), ()),
        ("10-600-10-600", ("calls", "minutes"), ("calls", "minutes")),
        ("999-9999-0-0", (), ()),
    ],
)
def test_when_the_operator_is_told(spent: str, near: tuple[str, ...], full: tuple[str, ...]) -> None:
    (usage,) = usages({"1001": f"{DAY}-{spent}"}, {}, 0, DAY)
    assert usage.reached(80) == near
    assert usage.reached(100) == full


@pytest.mark.parametrize(
    ("channel", "code", "outside"),
    [
        ("PJSIP/trunk-a-endpoint-1", "out|1001|9123", True),
        ("PJSIP/trunk-a-endpoint-1", "called|1001|9123~PJSIP/x|1", True),
        ("PJSIP/trunk-a-endpoint-1", "calls", False),
        ("PJSIP/trunk-a-endpoint-1", "", False),
        ("PJSIP/1001-1", "called|1001|1002", False),
    ],
)
def test_which_channels_the_stop_ends(channel: str, code: str, outside: bool) -> None:
    assert is_outside_leg({"Channel": channel, "AccountCode": code}) is outside


@pytest.mark.parametrize(
    "prefixes", ["049", "+49", "49,", "49,x", "4 9", "1" * 16, "49)|(", "49\n", "${EPOCH}"]
)
def test_prefixes_are_digits_that_no_zero_begins(prefixes: str) -> None:
    try:
        taken = CALLLIMITS.read_changes({"allow": prefixes})
    except ContractError:
        return
    assert taken == {"allow": "49"}  # what is left of a list with an empty part
