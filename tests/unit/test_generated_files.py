"""What is written for the engine: no accepted value leaves its line, and patterns mean what they say."""

from __future__ import annotations

import re
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.areas.objects.kind import Kind
from offhook.areas.routes.generated import routes_text
from offhook.areas.routes.kinds import INROUTES, OUTROUTES
from offhook.areas.routes.patterns import check, expand
from offhook.areas.schedules.times import spans
from offhook.areas.trunks.kind import KIND as TRUNKS
from offhook.areas.trunks.sip import sip_text
from offhook.contract.errors import ContractError
from offhook.contract.rules import RuleBroken

PEER = {"trunkname": "new", "trunktype": "peer", "host": "192.0.2.9", "port": "5060", "domain": "a.example"}
REG = {**PEER, "trunktype": "register", "username": "u", "authname": "u", "password": "p"}
IN = {"name": "new", "trunks": "new", "desttype": "extension", "dest": "1000"}
OUT = {"name": "new", "prefix": "8.", "trunks": "new", "extensions": "1000"}


@given(st.integers(0, 99_999), st.integers(0, 3000))
def test_a_range_becomes_patterns_that_match_its_numbers_only(first: int, more: int) -> None:
    last = min(first + more, 99_999)
    patterns = expand(f"{first:05}-{last:05}")
    matching = [re.compile(pattern.replace("X", "[0-9]")) for pattern in patterns]
    for number in {first, last, (first + last) // 2}:
        assert any(one.fullmatch(f"{number:05}") for one in matching)
    for number in {first - 1, last + 1} - {-1, 100_000}:
        assert not any(one.fullmatch(f"{number:05}") for one in matching)
    assert len(patterns) <= 90


@pytest.mark.parametrize("text", ["X.", "9X!", "00[1-9]ZN", "[13-5]", "+49.", "*0#", "12345", "!", "."])
def test_patterns(text: str) -> None:
    assert check(text) is None


@pytest.mark.parametrize("text", ["", "a", "1.2", "[", "[]", "[5-1]", "[1-]", "1 2", "_X", "1\n", "X" * 65])
def test_what_is_no_pattern(text: str) -> None:
    assert check(text) is not None


def test_spans_of_time() -> None:
    assert spans("mon-fri 09:00-17:30; not * 00:00-23:59 24-26 dec; sat,sun") == [
        (False, "00:00-23:59,*,24-26,dec"),
        (True, "09:00-17:30,mon-fri,*,*"),
        (True, "*,sat,*,*"),
        (True, "*,sun,*,*"),
    ]
    for wrong in ("", "monday", "mon 25:00-26:00", "mon 09:00", "mon,", "mon 09:00-10:00 32 jan", "*,*"):
        with pytest.raises(RuleBroken):
            spans(wrong)


METACHARACTERS = "${}$[],&|\r\n\"'`;\\/()<>*#%=~^ .\0\u2028é"


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_metacharacter_reaches_a_generated_file(data: st.DataObject) -> None:
    """Whatever is accepted by the rules comes out of the generators as one value on one line."""
    text = st.text(alphabet=METACHARACTERS + string.ascii_letters + string.digits, min_size=1, max_size=12)

    def row(kind: Kind, base: dict[str, str], names: list[str]) -> dict[str, Any] | None:
        values = dict(base)
        for name in names:
            if data.draw(st.booleans()):
                values[name] = data.draw(text)
        try:
            return dict(kind.read_new(values)) | {"id": 1}
        except ContractError:
            return None

    trunk = row(TRUNKS, REG, ["trunkname", "host", "domain", "username", "authname", "fromuser", "password"])
    if trunk is not None:
        body = sip_text([{**trunk, "sealed": "x"}])
        allowed = {"endpoint", "aor", "auth", "identify", "registration"}
        kinds = [line.removeprefix("type=") for line in body.splitlines() if line.startswith("type=")]
        assert set(kinds) <= allowed
        assert len(kinds) in {0, 4, 5}  # a host name that nobody knows has no identify object
        assert body.count("\n[") + body.startswith("[") <= 5
    inroute = row(INROUTES, {**IN, "trunks": "new"}, ["name", "did", "caller_id", "dest"])
    outroute = row(OUTROUTES, OUT, ["name", "prefix", "strip", "prepend"])
    trunks = [{"id": 1, "trunkname": "new", "enabled": True, "username": ""}]
    body = routes_text(trunks, [inroute] if inroute else [], [outroute] if outroute else [], [])
    for line in body.splitlines():
        assert line.startswith(("[offhook-", "exten => ", " same => n")), line
