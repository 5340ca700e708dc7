"""The state of trunks as the engine's events tell it, and the names under which providers are found."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from offhook.areas.trunks import hosts
from offhook.areas.trunks.hosts import HostNames, parse_hosts
from offhook.areas.trunks.sip import sip_text
from offhook.areas.trunks.states import TrunkStates
from offhook.asterisk.switch import EngineRefused


class Engine:
    """The engine, as far as it registers; `ends` says whether a provider lets go of a registration."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.states: TrunkStates | None = None
        self.ends = True

    async def register(self, registration: str) -> None:
        self.asked.append(f"register {registration}")

    async def unregister(self, registration: str) -> None:
        self.asked.append(f"unregister {registration}")
        if registration.endswith("unknown-registration"):
            raise EngineRefused("no such registration")
        if self.states is not None and self.ends:
            asyncio.get_running_loop().call_soon(self.states.on_events, [registry("Unregistered")])


def row(name: str = "a", kind: str = "register", **fields: Any) -> dict[str, Any]:
    return {"trunkname": name, "trunktype": kind, "enabled": True, **fields}


def registry(status: str, client: str = "sip:u@a.example", server: str = "sip:192.0.2.1:5060") -> Any:
    return {"Event": "Registry", "Username": client, "Domain": server, "Status": status}


def registration(name: str, status: str, server: str = "sip:192.0.2.1:5060") -> dict[str, str]:
    uris = {"ClientUri": "sip:u@a.example", "ServerUri": server}
    return {"ObjectName": f"trunk-{name}-registration", "Status": status, **uris}


def contact(status: str, name: str = "a") -> dict[str, str]:
    fields = {"EndpointName": f"trunk-{name}-endpoint", "URI": "sip:192.0.2.1:5060"}
    return {"Event": "ContactStatus", "ContactStatus": status, **fields}


def listed(status: str, name: str = "a") -> dict[str, str]:
    return {"Endpoint": f"trunk-{name}-endpoint", "Uri": "sip:192.0.2.1:5060", "Status": status}


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def states(engine: Engine) -> TrunkStates:
    engine.states = TrunkStates(engine)
    return engine.states


@pytest.mark.parametrize(
    ("registered", "reached", "state"),
    [
        ("Registered", "Reachable", "registered"),
        ("Registered", "Unreachable", "failure"),
        ("Registered", None, "registered"),
        ("Rejected", "Reachable", "failure"),
        ("Unregistered", "Reachable", "registering"),
        ("Unregistered", "Unreachable", "failure"),
    ],
)
def test_a_register_trunk(states: TrunkStates, registered: str, reached: str | None, state: str) -> None:
    states.on_snapshot([registration("a", registered)], [listed(reached)] if reached else [])
    assert states.of(row()) == state
    assert states.of(row(enabled=False)) == "disable"


def test_trunks_of_one_account_are_told_apart_by_their_server(states: TrunkStates) -> None:
    states.on_snapshot(
        [registration("a", "Unregistered"), registration("b", "Unregistered", "sip:192.0.2.2:5060")], []
    )
    states.on_events([registry("Registered", server="sip:192.0.2.2:5060"), registry("Rejected")])
    assert (states.of(row("a")), states.of(row("b"))) == ("failure", "registered")


def test_peers_and_accounts(states: TrunkStates) -> None:
    peer, account = row("p", "peer"), row("c", "account")
    assert (states.of(peer), states.of(account)) == ("unknown", "unknown")
    states.on_events([contact("Reachable", "p"), contact("NonQualified", "c")])
    assert (states.of(peer), states.of(account)) == ("registered", "registered")
    states.on_events([contact("Unreachable", "p"), contact("Unreachable", "c")])
    assert (states.of(peer), states.of(account)) == ("failure", "unknown")
    states.on_events([contact("Removed", "p"), contact("Removed", "c")])
    assert (states.of(peer), states.of(account)) == ("unknown", "unknown")


async def test_a_provider_that_is_back_is_registered_at_again(engine: Engine, states: TrunkStates) -> None:
    states.on_snapshot([registration("a", "Registered")], [listed("Reachable")])
    for status in ("Reachable", "Unreachable", "Unreachable", "Reachable", "Reachable"):
        states.on_events([contact(status), contact(status, "peer")])
    await asyncio.sleep(0)
    assert engine.asked == ["register trunk-a-registration"]


async def test_a_trunk_that_goes_unregisters_first(engine: Engine, states: TrunkStates) -> None:
    states.on_snapshot([registration("a", "Registered")], [])
    await states.retire([row()])
    assert engine.asked == []
    await states.retire([row(enabled=False), row("peer", "peer")])
    assert engine.asked == ["unregister trunk-a-registration"]
    await states.retire([])
    assert len(engine.asked) == 1, "once only"


async def test_a_provider_that_does_not_answer_holds_nothing_up(
    engine: Engine, states: TrunkStates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.areas.trunks.states._RETIRING_SECONDS", 0.05)
    engine.ends = False
    states.on_snapshot([registration("unknown", "Registered"), registration("a", "Registered")], [])
    async with asyncio.timeout(2):
        await states.retire([])


def test_a_hosts_file() -> None:
    text = (
        "# 192.0.2.9 no\n127.0.0.1 localhost\n::1 localhost six\n\n192.0.2.1\tPbx pbx.lan # here\nwhat ever\n"
    )
    expected = {"localhost": "127.0.0.1", "six": "::1", "pbx": "192.0.2.1", "pbx.lan": "192.0.2.1"}
    assert parse_hosts(text) == expected


@pytest.fixture
def names(tmp_path: Path) -> Iterator[HostNames]:
    (tmp_path / "hosts").write_text("192.0.2.1 pbx.lan\n")
    found = HostNames(tmp_path / "hosts")
    yield found
    found.close()


async def test_names_are_followed(names: HostNames, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: dict[str, tuple[str, ...]] = {"a.example": ("192.0.2.1",)}

    def look_up(name: str) -> tuple[str, ...]:
        if name not in answers:
            raise OSError("not known")
        return answers[name]

    monkeypatch.setattr(hosts, "_look_up", look_up)
    wanted = ["A.example", "b.example", "192.0.2.7", "::1", ""]
    assert await names.look_up(wanted)
    assert names.addresses == {"a.example": ("192.0.2.1",), "b.example": ()}
    assert not await names.look_up(wanted)
    answers["b.example"] = ("192.0.2.2", "192.0.2.3")
    assert await names.look_up(wanted)
    answers.clear()  # the name server is away: what was known stays
    assert not await names.look_up(wanted)
    assert names.addresses["b.example"] == ("192.0.2.2", "192.0.2.3")
    assert await names.look_up(["pbx.lan"])
    assert (names.addresses, names.local) == ({"pbx.lan": ()}, {"pbx.lan": "192.0.2.1"})


async def test_a_name_server_that_hangs_holds_nothing_up(
    names: HostNames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "SECONDS", 0.05)
    monkeypatch.setattr(hosts, "_look_up", lambda _name: __import__("time").sleep(0.5))
    async with asyncio.timeout(0.4):
        await names.look_up(["a.example"])
    assert names.addresses == {"a.example": ()}


def _peer(name: str, host: str, port: int = 5060) -> dict[str, Any]:
    fields = {"domain": host, "transport": "udp", "qualify": True, "fromuser": ""}
    return row(name, "peer", host=host, port=port, username="", authname="", password="", **fields)


def test_trunks_are_known_by_the_addresses_of_their_names() -> None:
    rows = [
        _peer("one", "A.example"),
        _peer("two", "192.0.2.1", 5070),
        _peer("three", "b.example"),
        _peer("four", "pbx.lan"),
    ]
    addresses = {"a.example": ("192.0.2.1", "2001:db8::1"), "b.example": (), "pbx.lan": ("192.0.2.9",)}
    text = sip_text(rows, addresses, {"pbx.lan": "192.0.2.9"})
    matches = [line.removeprefix("match=") for line in text.splitlines() if line.startswith("match=")]
    # behind one address by port; a name without an address is nobody's
    assert matches == ["192.0.2.1:5060,2001:db8::1", "192.0.2.1:5070", "192.0.2.9"]
    contacts = [line.removeprefix("contact=") for line in text.splitlines() if line.startswith("contact=")]
    assert contacts == [
        "sip:A.example:5060",
        "sip:192.0.2.1:5070",
        "sip:b.example:5060",
        "sip:192.0.2.9:5060",
    ]


def test_a_new_password_makes_a_registration_new() -> None:
    one = {**_peer("a", "192.0.2.1"), "trunktype": "register", "username": "u", "authname": "u"}
    texts = [
        sip_text([{**one, "password": "p", "sealed": sealed}]) for sealed in ("first", "first", "second")
    ]
    registrations = [text.partition("type=registration")[2] for text in texts]
    assert registrations[0] == registrations[1] != registrations[2]
    assert all("password=" not in text for text in registrations)
