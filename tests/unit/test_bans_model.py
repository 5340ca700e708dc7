"""When a source is banned, and when it must not be."""

from __future__ import annotations

import ipaddress

import pytest

from offhook.areas.bans.address import lies_in, network, source_of
from offhook.areas.bans.engine import from_event, from_log
from offhook.areas.bans.model import (
    GARBAGE_WINDOW,
    HOME_SECONDS,
    SOURCES_MAX,
    TRUST_SECONDS,
    TRUSTED_WINDOW,
    Judge,
    Kind,
    Limits,
    Sighting,
    Verdict,
    ban_seconds,
)

EVIL, OFFICE = "192.0.2.9", "198.51.100.1"


def attempts(
    judge: Judge, count: int, source: str = EVIL, *, at: float = 0.0, **more: object
) -> list[Verdict]:
    found = []
    for index in range(count):
        kind = more.get("kind", Kind.WRONG)
        assert isinstance(kind, Kind)
        seen = Sighting(
            kind, source, bool(more.get("proven")), str(more.get("account", "1000")), f"dialog{index}"
        )
        if verdict := judge.hear(seen, at):
            found.append(verdict)
    return found


@pytest.mark.parametrize("kind", [Kind.WRONG, Kind.UNKNOWN, Kind.CHALLENGE])
@pytest.mark.parametrize("proven", [True, False])
def test_attempts_ban_whether_a_name_is_known_or_not(kind: Kind, proven: bool) -> None:
    judge = Judge()
    assert attempts(judge, 7, kind=kind, proven=proven) == []
    (verdict,) = attempts(judge, 1, kind=kind, proven=proven)
    assert (verdict.source, verdict.proven, verdict.spared) == (EVIL, proven, False)
    assert attempts(judge, 100, kind=kind) == [], "what was on its way does not count again"
    assert attempts(judge, 8, at=1.0, kind=kind)


def test_attempts_are_forgotten() -> None:
    judge = Judge()
    attempts(judge, 7, at=0.0)
    assert attempts(judge, 7, at=601.0) == []
    assert attempts(judge, 1, at=602.0)


def test_sources_do_not_count_for_each_other() -> None:
    judge = Judge()
    assert not any(attempts(judge, 7, f"192.0.2.{last}") for last in range(1, 50))


def test_a_permitted_source_is_never_judged() -> None:
    judge = Judge(Limits(permitted=(network("192.0.2.0/24"),)))
    assert attempts(judge, 1000, proven=True) == []


def office(judge: Judge, at: float = 0.0) -> None:
    judge.hear(Sighting(Kind.SUCCESS, OFFICE, account="1000"), at)


def test_forged_attempts_do_not_ban_an_office_with_phones() -> None:
    judge = Judge()
    office(judge)
    found = attempts(judge, 1000, OFFICE, at=1.0)
    assert [verdict.spared for verdict in found] == [True], "it is told, once"
    garbage = [judge.hear(Sighting(Kind.GARBAGE, OFFICE), 2.0) for _ in range(5000)]
    assert all(one is None or one.spared for one in garbage)


def test_nor_one_whose_phones_are_away_for_a_night() -> None:
    judge = Judge()
    judge.remember(OFFICE, 0.0)
    assert all(one.spared for one in attempts(judge, 1000, OFFICE, at=HOME_SECONDS - 1))
    assert not all(one.spared for one in attempts(judge, 8, OFFICE, at=HOME_SECONDS + 100))


def test_who_cannot_be_forged_is_banned_from_an_office_too() -> None:
    judge = Judge()
    office(judge)
    assert attempts(judge, 15, OFFICE, at=1.0, proven=True) == []
    (verdict,) = attempts(judge, 1, OFFICE, at=1.0, proven=True)
    assert verdict.proven
    assert not verdict.spared


def test_forged_attempts_do_not_wash_away_proven_ones() -> None:
    judge = Judge()
    office(judge)
    found: list[Verdict] = []
    for _ in range(20):
        found += attempts(judge, 1, OFFICE, at=1.0, proven=True)
        found += attempts(judge, 3, OFFICE, at=1.0)
    assert any(not verdict.spared for verdict in found)


def test_a_phone_with_an_old_password_does_not_ban_its_office() -> None:
    judge = Judge()
    office(judge)
    every = TRUSTED_WINDOW / 6  # a phone that tries six times a minute, by TLS
    for turn in range(350):
        assert not attempts(judge, 2, OFFICE, at=every * turn, account="1001", proven=True)


def test_a_right_password_forgives_the_wrong_ones_of_its_own_account_only() -> None:
    judge = Judge()
    attempts(judge, 7, account="1001")
    judge.hear(Sighting(Kind.SUCCESS, EVIL, account="1001"), 1.0)
    assert not attempts(judge, 7, account="1001", at=1.0, proven=True)
    judge, found = Judge(), []
    for _ in range(20):  # one good account must not cover guesses at another
        judge.hear(Sighting(Kind.SUCCESS, EVIL, True, "1000", "dialog0"), 1.0)
        found += attempts(judge, 1, account="1001", at=1.0, proven=True)
    assert found


@pytest.mark.parametrize("kind", [Kind.UNKNOWN, Kind.CHALLENGE])
def test_a_phone_that_has_yet_to_show_its_password_is_no_attacker(kind: Kind) -> None:
    judge = Judge()
    for turn in range(100):  # of a name that nobody has if its registername is not its number
        assert judge.hear(Sighting(kind, EVIL, False, "anna", f"d{turn}"), turn) is None
        assert judge.hear(Sighting(Kind.SUCCESS, EVIL, False, "1000", f"d{turn}"), turn) is None


def test_all_phones_of_a_site_at_once_are_no_attack() -> None:
    judge = Judge()
    judge.remember(OFFICE, 0.0)
    asked = [judge.hear(Sighting(Kind.CHALLENGE, OFFICE, False, f"{n}", f"d{n}"), 5.0) for n in range(2000)]
    assert all(one is None or one.spared for one in asked)


def test_garbage_bans_and_a_little_of_it_does_not() -> None:
    judge = Judge()
    found = [judge.hear(Sighting(Kind.GARBAGE, EVIL), 0.0) for _ in range(100)]
    assert found[-1] is not None
    assert not any(found[:-1])
    every = GARBAGE_WINDOW / 90
    assert not any(judge.hear(Sighting(Kind.GARBAGE, "192.0.2.7"), turn * every) for turn in range(2000))


def test_what_is_long_gone_is_forgotten() -> None:
    judge = Judge()
    office(judge)
    assert judge.phones_at(OFFICE, TRUST_SECONDS - 1) == 1
    assert judge.phones_at(OFFICE, TRUST_SECONDS + 1) == 0
    assert judge.is_home(OFFICE, TRUST_SECONDS + 1)
    judge.tidy(HOME_SECONDS + 1)
    assert not judge._homes
    assert not judge._accounts


def test_a_clock_that_is_put_back_lets_nobody_through() -> None:
    judge = Judge()
    assert attempts(judge, 8, at=10_000.0)
    assert attempts(judge, 8, at=100.0)


def test_forged_sources_are_bounded_and_do_not_wash_away_where_phones_are() -> None:
    judge = Judge()
    office(judge)
    base = int(ipaddress.ip_address("10.0.0.0"))
    for index in range(SOURCES_MAX * 2):
        judge.hear(Sighting(Kind.UNKNOWN, str(ipaddress.ip_address(base + index))), 1.0)
    assert len(judge._sources) == SOURCES_MAX
    assert judge.is_home(OFFICE, 2.0)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("0.0.0.0/0", ""),
        ("192.0.2.1,!10.0.0.0/8", ""),
        ("somebody", ""),
    ],
)
def test_nothing_but_an_address_becomes_a_source(text: str, source: str) -> None:
    assert source_of(text) == source


def test_networks() -> None:
    assert lies_in("192.0.2.1", [network("192.0.2.0/24")])
    assert lies_in("2001:db8::/64", [network("2001:db8::7")])
    assert not lies_in("192.0.2.1", [network("2001:db8::/32"), network("192.0.3.0/24")])


def event(name: str, remote: str = "IPV4/UDP/192.0.2.9/5060", **more: str) -> dict[str, str]:
    return {"Event": name, "Service": "PJSIP", "RemoteAddress": remote, "AccountID": "1000", **more}


def test_security_events_are_read() -> None:
    seen = from_event(event("ChallengeResponseFailed", SessionID="x@y"))
    assert seen == Sighting(Kind.WRONG, EVIL, False, "1000", "x@y")
    tls = from_event(event("InvalidAccountID", "IPV6/TLS/2001:db8::1/5061"))
    assert tls is not None
    assert (tls.kind, tls.source, tls.proven) == (Kind.UNKNOWN, "2001:db8::/64", True)
    assert from_event(event("ChallengeResponseFailed", AccountID="<unknown>")) is None, "told already"
    assert from_event(event("SuccessfulAuth") | {"Service": "AMI"}) is None
    assert from_event(event("InvalidAccountID", "nonsense")) is None
    assert from_event({"Event": "Newchannel"}) is None


LOG = b"""\
[2026-11-26 03:09:53.763] WARNING[10762] pjproject: \t       sip_transport.c Dropping 100 bytes packet \
from UDP 192.0.2.9:53972 : PJSIP syntax error exception when parsing 'Request Line' header on line 1 col 1
[2026-11-26 03:09:56.169] ERROR[10762] pjproject: \t        sip_endpoint.c Error processing packet from \
198.51.100.1:53972: Missing required header(s) (PJSIP_EMISSINGHDR)  CSeq [code 171050]:
SIP/2.0 200 OK
packet from 203.0.113.5:1:
-- end of packet.
[2026-11-26 03:35:34.901] WARNING[23657] pjproject: \t   SSL SSL_ERROR_SSL (Handshake): Level: 0 err: <1677> \
<error:0A000102:SSL routines::unsupported protocol> len: 0 peer: 198.51.100.7:50934
[2026-11-26 03:11:38.582] WARNING[12586] res_pjsip_acl.c: Incoming SIP message from 203.0.113.5:60151 did
"""


def test_the_engine_s_log_is_read() -> None:
    assert [(one.kind, one.source, one.proven) for one in from_log(LOG)] == [
        (Kind.GARBAGE, "192.0.2.9", False),
        (Kind.GARBAGE, "198.51.100.1", False),
        (Kind.GARBAGE, "198.51.100.7", False),
    ]


def test_bans_grow() -> None:
    assert [ban_seconds(times, 300, 86400) for times in (1, 2, 3, 20, 10_000)] == [
        300,
        600,
        1200,
        86400,
        86400,
    ]
