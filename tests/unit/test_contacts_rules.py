"""companycontacts/* as the contract demands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from offhook.areas.contacts.api import endpoints
from offhook.areas.contacts.service import ContactService
from offhook.contract.endpoint import Caller, Registry
from offhook.contract.errors import ContractError
from offhook.contract.params import read_request
from offhook.contract.results import to_wire
from offhook.store.migrate import open_store

MAGGIE = {"firstname": "Maggie", "lastname": "Chou", "businessnum": "15880123456"}
NUMBERS = [
    "businessnum",
    "businessnum2",
    "businessfax",
    "mobile",
    "mobile2",
    "homenum",
    "homenum2",
    "homefax",
    "othernum",
]
WORDS = ["company", "zipcode", "street", "city", "state", "country"]


class Contacts:
    def __init__(self, path: Path) -> None:
        self.store = open_store(path, [])
        self.limit = 10
        self.registry = Registry(endpoints(ContactService(self.store, limit=lambda: self.limit)))

    async def ask(self, what: str, **values: str) -> Any:
        endpoint = self.registry.get(f"companycontacts/{what}")
        assert endpoint is not None
        request = read_request(endpoint.request, values)
        return to_wire(await endpoint.handler(Caller("127.0.0.1", 1, False), request))

    async def refused(self, what: str, **values: str) -> int:
        before = await self.ask("query", id="all")
        with pytest.raises(ContractError) as caught:
            await self.ask(what, **values)
        assert await self.ask("query", id="all") == before
        return int(caught.value.errno)


@pytest.fixture
def contacts(tmp_path: Path) -> Iterator[Contacts]:
    made = Contacts(tmp_path / "s.db")
    yield made
    made.store.close()


async def test_a_contact_is_shown_in_the_samples_order(contacts: Contacts) -> None:
    assert await contacts.ask("add", **MAGGIE) == {"id": "1"}
    answer = await contacts.ask("query", id="1")
    assert list(answer["companycontacts"][0].items())[:6] == [
        ("id", "1"), ("firstname", "Maggie"), ("lastname", "Chou"), ("email", ""), ("company", ""),
        ("businessnum", "15880123456")]  # fmt: skip
    assert list(answer["companycontacts"][0])[6:] == [*NUMBERS[1:], *WORDS[1:]]


@pytest.mark.parametrize("name", ["firstname", "lastname", "businessnum"])
async def test_names_and_a_number_are_needed(contacts: Contacts, name: str) -> None:
    assert await contacts.refused("add", **{k: v for k, v in MAGGIE.items() if k != name}) == 10004
    assert await contacts.refused("add", **(MAGGIE | {name: ""})) == 10004


@pytest.mark.parametrize("name", NUMBERS)
async def test_any_number_is_enough_and_the_last_one_stays(contacts: Contacts, name: str) -> None:
    names = {"firstname": "A", "lastname": "B"}
    for bad in ("12a", "1" * 32, "1\n2"):
        assert await contacts.refused("add", **names, **{name: bad}) == 10140
    await contacts.ask("add", **names, **{name: "+49(30)1-2.3"})
    assert await contacts.refused("update", id="1", **{name: ""}) == 10140
    other = "mobile" if name != "mobile" else "homenum"
    await contacts.ask("update", id="1", **{name: "", other: "7"})
    shown = (await contacts.ask("query", id="1"))["companycontacts"][0]
    assert (shown[name], shown[other]) == ("", "7")


@pytest.mark.parametrize("name", [*WORDS, "email", "firstname", "lastname"])
async def test_words(contacts: Contacts, name: str) -> None:
    await contacts.ask("add", **MAGGIE)
    good = "a@b.example" if name == "email" else "Straße 1"
    for bad in ("x" * 256, "a\r\nb"):
        assert await contacts.refused("update", id="1", **{name: bad}) == 10140
    await contacts.ask("update", id="1", **{name: good})
    shown = (await contacts.ask("query", id="1"))["companycontacts"][0]
    assert {k: v for k, v in shown.items() if v} == {"id": "1"} | MAGGIE | {name: good}
    if name in MAGGIE:
        assert await contacts.refused("update", id="1", **{name: ""}) == 10140
    else:
        await contacts.ask("update", id="1", **{name: ""})


async def test_selections_and_ids(contacts: Contacts) -> None:
    assert await contacts.ask("query", id="all") == {"companycontacts": []}
    for _ in range(3):
        await contacts.ask("add", **MAGGIE)
    found = await contacts.ask("query", id="3, 1,9,")
    assert [contact["id"] for contact in found["companycontacts"]] == ["1", "3"]
    for what in ("query", "delete", "update"):
        assert await contacts.refused(what, id="") == 10004
        for wrong in ("9", "x", "²", "9" * 30):
            assert await contacts.refused(what, id=wrong) == 10139
    await contacts.ask("delete", id="2,3,9")
    assert await contacts.ask("add", **MAGGIE) == {"id": "4"}
    await contacts.ask("delete", id="all")
    assert await contacts.ask("query", id="all") == {"companycontacts": []}


async def test_the_limit(contacts: Contacts) -> None:
    contacts.limit = 1
    await contacts.ask("add", **MAGGIE)
    assert await contacts.refused("add", **MAGGIE) == 10142
