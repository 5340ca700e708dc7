"""Random strings of downloads: for one thing, one address, one delivered file, thirty seconds."""

from __future__ import annotations

import pytest

from offhook.areas.downloads import service
from offhook.areas.downloads.addresses import is_listed, listed_addresses, one_address
from offhook.areas.downloads.service import OneTimeLinks
from offhook.clock import ManualClock
from offhook.contract.endpoint import Caller
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import RuleBroken

ASKED = Caller("192.0.2.1", 1, secure=False, session="s", login_address="192.0.2.9")


class House:
    """Links with a clock; `listed` is what the operator lists."""

    def __init__(self, listed: str = "") -> None:
        self.clock = ManualClock()
        self.links = OneTimeLinks(self.clock, lambda: listed)

    def refusal(self, random: str, subject: str | None = "a.wav", caller: Caller = ASKED) -> int:
        """The code with which a download is refused, 0 when it is not; then the random string stays."""
        try:
            claim = self.links.redeem("recording", random, subject, caller, bad=Errno.RECORDING_RANDOM)
        except ContractError as refused:
            return int(refused.errno)
        claim.settle(False)
        return 0


def _from(address: str) -> Caller:
    return Caller(address, 2, secure=False)


def test_a_clock_that_is_set_neither_ends_one_nor_keeps_it_alive() -> None:
    for by in (30 * 86400, -31 * 86400):
        house = House()
        random = house.links.issue("recording", "a.wav", None, ASKED)
        house.clock.set_by(by)
        assert not house.refusal(random)
        house.clock.advance(service.VALID_SECONDS + 1)
        assert house.refusal(random) == Errno.RECORDING_RANDOM


def test_a_delivered_file_uses_it_up_and_nothing_else() -> None:
    house = House()
    random = house.links.issue("recording", "a.wav", None, ASKED)
    assert len(random) == 32
    assert int(random, 16) >= 0
    assert house.refusal(random) == 0
    assert house.refusal(random.upper()) == 0
    claim = house.links.redeem("recording", random, "a.wav", ASKED, bad=Errno.RECORDING_RANDOM)
    assert house.refusal(random) == 20012  # two at once
    claim.settle(True)
    assert house.refusal(random) == 20012


def test_a_failure_between_claim_and_answer_gives_it_back() -> None:
    house = House()
    random = house.links.issue("recording", "a.wav", None, ASKED)
    with (
        pytest.raises(KeyError),
        house.links.redeem("recording", random, None, ASKED, bad=Errno.RECORDING_RANDOM) as claim,
    ):
        raise KeyError(claim.subject)
    assert house.refusal(random) == 0


def test_it_lasts_thirty_seconds() -> None:
    house = House()
    random = house.links.issue("recording", "a.wav", None, ASKED)
    house.clock.advance(30.0)
    assert house.refusal(random) == 0
    house.clock.advance(0.01)
    assert house.refusal(random) == 20012


def test_it_is_for_one_thing() -> None:
    house = House()
    random = house.links.issue("recording", "a.wav", None, ASKED)
    assert house.refusal(random, "b.wav") == 20012
    assert house.refusal(random, "\ud800") == 20012
    other = house.links.issue("voicemail", "a.wav", None, ASKED)
    assert house.refusal(other) == 20012
    assert house.refusal("") == 20012
    assert house.refusal("0" * 32) == 20012
    assert house.refusal("ä\0") == 20012


def test_who_asked_who_logged_in_and_who_is_named_may_download() -> None:
    house = House()
    random = house.links.issue("recording", "a.wav", None, ASKED)
    assert house.refusal(random, caller=_from("192.0.2.9")) == 0
    assert house.refusal(random, caller=_from("192.0.2.7")) == 20022
    # who holds a token of his own is not who asked
    assert house.refusal(random, caller=Caller("192.0.2.7", 2, False, "t", "192.0.2.9")) == 20022
    named = house.links.issue("recording", "a.wav", "2001:db8::7", ASKED)
    assert house.refusal(named, caller=_from("2001:DB8:0::7")) == 0
    assert house.refusal(named) == 0
    assert house.refusal(named, caller=_from("192.0.2.7")) == 20022


@pytest.mark.parametrize(
    ("listed", "address", "may"),
    [
        ("any", "198.51.100.1", True),
        ("198.51.100.0/24", "198.51.100.1", True),
        ("198.51.100.0/24", "198.51.101.1", False),
        ("192.0.2.5,2001:db8::/32", "2001:db8:1::1", True),
        ("192.0.2.5", "::ffff:192.0.2.5", True),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("", "198.51.100.1", False),
        ("any", "", True),
        ("198.51.100.0/24", "", False),
    ],
)
def test_the_operators_list(listed: str, address: str, *, may: bool) -> None:
    assert is_listed(address, listed) is may


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (" ANY ", "any"),
        ("192.0.2.1, 2001:DB8::1,", "192.0.2.1,2001:db8::1"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.1/32", "192.0.2.1/32"),
    ],
)
def test_how_the_list_is_written(sent: str, stored: str) -> None:
    assert listed_addresses().take(sent) == stored


@pytest.mark.parametrize(
    "sent", ["any,192.0.2.1", "192.0.2.1/24", "pbx", "192.0.2", ",".join(["::1"] * 3) + "x"]
)
def test_what_is_no_list(sent: str) -> None:
    with pytest.raises(RuleBroken):
        listed_addresses().take(sent)


@pytest.mark.parametrize(
    ("sent", "read"),
    [(" 192.0.2.1 ", "192.0.2.1"), ("2001:DB8::1", "2001:db8::1"), ("::ffff:192.0.2.1", "192.0.2.1")],
)
def test_one_address_is_taken(sent: str, read: str) -> None:
    assert one_address().take(sent) == read


@pytest.mark.parametrize(
    "sent",
    [
        "192.0.2.1,192.0.2.2",
        "192.0.2.0/24",
        "any",
        "pbx.example",
        "192.0.2.256",
        "010.0.0.1",
        "fe80::1%eth0",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "1",
        "１９２.0.2.1",
        "192.0.2.1\n10.0.0.1",
        "' or 1=1",
    ],
)
def test_what_is_not_one_address(sent: str) -> None:
    with pytest.raises(RuleBroken):
        one_address().take(sent)


def test_so_many_and_then_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "LINKS_MAX", 3)
    house = House()
    randoms = [house.links.issue("recording", "a.wav", None, ASKED) for _ in range(4)]
    assert [house.refusal(random) for random in randoms] == [20012, 0, 0, 0]
    house.clock.advance(31)
    house.links.issue("recording", "a.wav", None, ASKED)
    assert len(house.links._links) == 1


def test_nothing_that_is_kept_or_told_is_the_random_itself() -> None:
    house = House()
    random = house.links.issue("recording", "a.wav", None, ASKED)
    assert random not in repr(vars(house.links))
    with pytest.raises(ContractError) as refused:
        house.links.redeem("recording", random, "b.wav", ASKED, bad=Errno.RECORDING_RANDOM)
    assert random not in str(refused.value)
