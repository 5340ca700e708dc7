"""One dial plan: a number belongs to one thing, whoever asks for it and by whatever way.

The ways in are the contract's endpoints, the operators' API and `apply`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from offhook.areas.apply.document import ApplyError
from offhook.contract.rules import Selection
from tests.contract.cases import settings
from tests.support.admin import Admin
from tests.support.pbx import STRONG
from tests.support.switchboard import Switchboard, running_switchboard

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def the_api() -> AsyncIterator[Switchboard]:
    async with running_switchboard() as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def api(the_api: Switchboard) -> AsyncIterator[Switchboard]:
    """The switchboard, as it was at first."""
    await the_api.begin_again()
    yield the_api


@pytest.fixture
def admin(api: Switchboard) -> Admin:
    """Its administrator."""
    return Admin(api.api.port, api.core.first_passwords.console)


HELD = {
    "1000": "extension",
    "6500": "IVR",
    "6200": "ring group",
    "6700": "queue",
    "6400": "conference",
    "6300": "paging group",
    "6900": "parking slot",
    "6999": "parking slot",
}
OWN = {
    "extensions": "1000",
    "ivrs": "6500",
    "ringgroups": "6200",
    "queues": "6700",
    "conferences": "6400",
    "paginggroups": "6300",
}
NEW: dict[str, dict[str, Any]] = {
    "extensions": {"username": "New", "registername": "new", "registerpassword": STRONG},
    "ivrs": {"ivrname": "New"},
    "ringgroups": {"name": "New", "members": "1000"},
    "queues": {"queuename": "New"},
    "conferences": {"name": "New"},
    "paginggroups": {"name": "New", "member": "1000"},
}


def _listed(document: dict[str, list[dict[str, Any]]]) -> str:
    lines = []
    for key, items in document.items():
        lines.append(f"{key}:")
        lines += [
            "- {" + ", ".join(f'{name}: "{value}"' for name, value in item.items()) + "}" for item in items
        ]
    return "\n".join(lines)


async def _add_by_apply(api: Switchboard, key: str, item: dict[str, Any]) -> None:
    """Apply a list of what there is and one more."""
    present: list[dict[str, Any]]
    if key == "extensions":
        present = [{"number": "1000"}, {"number": "1001"}]
    else:
        rows = await api.core.objects[key].query(Selection(every=True))
        present = [{"number": row["number"]} for row in rows]
    await api.core.apply.apply(_listed({key: [*present, item]}))


@pytest.mark.parametrize("key", NEW)
@pytest.mark.parametrize("number", HELD)
async def test_a_number_that_is_taken_is_refused_by_every_way(
    api: Switchboard, admin: Admin, key: str, number: str
) -> None:
    said = f"taken by another {HELD[number]}"
    new = {"number": number, **NEW[key]}
    if key == "extensions":
        assert said in await api.refused("extension/add", 10017, **new)
    elif key == "paginggroups":
        assert said in await api.refused("paginggroup/add", 10037, **{**settings.PAGE, "number": number})
    if key != "extensions":
        assert said in await admin.refused(409, "POST", f"/{key}", new)
    if number != OWN.get(key):
        with pytest.raises(ApplyError, match=said):
            await _add_by_apply(api, key, new)
    assert not await api.has_changed()


@pytest.mark.parametrize("key", NEW)
async def test_what_is_new_holds_its_number_too(api: Switchboard, admin: Admin, key: str) -> None:
    await _add_by_apply(api, key, {"number": "7777", **NEW[key]})
    await api.remember()
    for other in NEW:
        if other != key and other != "extensions":
            await admin.refused(409, "POST", f"/{other}", {"number": "7777", **NEW[other]})
    if key != "extensions":
        await api.refused("extension/add", 10017, number="7777", **NEW["extensions"])
    words = await admin.refused(409, "PATCH", "/settings/parking", {"slots": "7770-7780"})
    assert "7777 is taken by another" in words
    with pytest.raises(ApplyError, match="7777 is taken by another"):
        await api.core.apply.apply("parking: {slots: 7770-7780}")
    assert not await api.has_changed()


async def test_slots_that_are_given_up_are_free(api: Switchboard, admin: Admin) -> None:
    await admin.ok("PATCH", "/settings/parking", {"slots": "7000-7009"})
    await admin.ok("POST", "/queues", {"number": "6950", "queuename": "x"})
    assert "parking slot" in await admin.refused(409, "POST", "/queues", {"number": "7005", "queuename": "x"})
    await admin.refused(409, "PATCH", "/settings/parking", {"slots": "6900-6999"})


async def test_no_number_is_a_feature_code_and_no_code_a_number(api: Switchboard, admin: Admin) -> None:
    for number in ("*41", "#1", "*", "4*"):
        await api.refused("extension/add", 10017, number=number, **NEW["extensions"])
        await api.refused("paginggroup/add", 10039, **{**settings.PAGE, "number": number})
        for key in set(NEW) - {"extensions"}:
            await admin.refused(400, "POST", f"/{key}", {"number": number, **NEW[key]})
    for code in ("1000", "41", "6500", "4*"):
        await admin.refused(400, "PATCH", "/settings/featurecodes", {"pickup": code})
    assert not await api.has_changed()


async def test_a_number_cannot_be_changed(api: Switchboard, admin: Admin) -> None:
    for path in ("/ivrs/6500", "/queues/6700", "/ringgroups/6200", "/conferences/6400", "/paginggroups/6300"):
        assert "cannot be changed" in await admin.refused(409, "PATCH", path, {"number": "7777"})
        await admin.ok("PATCH", path, {"number": path.rpartition("/")[2]})
    assert not await api.has_changed()


RANGES = {"ivrs": 6500, "queues": 6700, "ringgroups": 6200, "conferences": 6400, "paginggroups": 6300}


@pytest.mark.parametrize(("key", "first"), RANGES.items())
async def test_a_number_left_out_is_the_next_free_one_of_its_range(
    api: Switchboard, admin: Admin, key: str, first: int
) -> None:
    # other things in the range are gone round
    await api.ok("extension/add", number=str(first + 2), **NEW["extensions"])
    given = [(await admin.ok("POST", f"/{key}", NEW[key]))["number"] for _ in range(3)]
    free = [str(first + at) for at in range(8) if at != 2]
    taken = {"ivrs": 1, "queues": 1, "ringgroups": 1, "conferences": 1, "paginggroups": 2}[key]
    assert given == free[taken : taken + 3]
    await admin.ok("DELETE", f"/{key}/{given[0]}")
    for number in ("", None, " "):
        assert (await admin.ok("POST", f"/{key}", {"number": number, **NEW[key]}))["number"] == given[0]
        await admin.ok("DELETE", f"/{key}/{given[0]}")


async def test_a_full_range_says_so_and_other_numbers_go_on(api: Switchboard, admin: Admin) -> None:
    queues = "".join(f'- {{number: {number}, queuename: "Q{number}"}}\n' for number in range(6700, 6800))
    await api.core.apply.apply("queues:\n" + queues)
    await api.remember()
    assert "no number for another queue is free" in await admin.refused(
        409, "POST", "/queues", {"queuename": "x"}
    )
    assert not await api.has_changed()
    await admin.ok("POST", "/queues", {"queuename": "x", "number": "6800"})


async def test_an_extension_in_use_stays_and_a_listed_one_leaves_the_lists(
    api: Switchboard, admin: Admin
) -> None:
    # in1 and the queue of this switchboard send calls to 1000; groups, agents and rights only list it
    for number in ("1000", "1000,1001", "all"):
        assert "1000 is in use by" in await api.refused("extension/delete", 10017, number=number)
    await api.ok("inroute/update", id="1", desttype="extrange", dest="1000-1001")
    await api.ok(
        "callbacks" and "queue/update", number="6700", failoveraction="Hang up", breakoutaction="Hang up"
    )
    await admin.ok("PATCH", "/callbacks/1", {"destination": "hangup"})
    await api.remember()
    assert "in use by inbound route in1" in await api.refused("extension/delete", 10017, number="1001")
    await api.ok("inroute/update", id="1", desttype="hangup")
    await api.ok("extension/delete", number="1000")
    assert (await api.ok("queue/query", number="6700"))["queues"][0]["agents"] == ""
    assert (await api.ok("outroute/query", id="1"))["outroutes"][0]["extensions"] == ""
    assert (await api.ok("conference/query", number="6400"))["conferences"][0]["moderators"] == ""
    assert (await api.ok("paginggroup/query", number="6300"))["paginggroup"][0]["member"] == ""


async def test_names_by_which_phones_and_trunks_register_are_one_space(
    api: Switchboard, admin: Admin
) -> None:
    for name in ("gw", "gwauth"):
        new = {**NEW["extensions"], "number": "7000", "registername": name}
        assert "a trunk registers" in await api.refused("extension/add", 10017, **new)
        changed = {"number": "1000", "registername": name, "registerpassword": STRONG}
        await api.refused("extension/update", 10017, **changed)
        with pytest.raises(ApplyError, match="a trunk registers"):
            await _add_by_apply(api, "extensions", new)
    await api.ok("trunk/update_siptrunk", id="3", trunktype="account", username="7000")
    await api.remember()
    await api.refused("extension/add", 10017, **{**NEW["extensions"], "number": "7000"})
    account = {"trunkname": "x", "trunktype": "account", "username": "bob", "authname": "x", "password": "p"}
    assert "registers by this name" in await admin.refused(409, "POST", "/trunks", account)
    assert not await api.has_changed()
