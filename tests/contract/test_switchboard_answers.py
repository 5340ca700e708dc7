"""Answers of the switchboard's endpoints: keys and their order, lists, limits, what follows from a change."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from tests.contract.cases import routes, settings, trunks
from tests.support.contract import CONTRACT
from tests.support.switchboard import Switchboard, running_switchboard
from tests.support.waiting import eventually

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


def _texts(value: Any) -> bool:
    """Whether every scalar is a text."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _texts(inner) for key, inner in value.items())
    return all(map(_texts, value)) if isinstance(value, list) else isinstance(value, str)


SAMPLES: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("trunk/list", {}, ()),
    ("trunk/query_siptrunk", {"id": "1"}, ()),
    ("inroute/query", {"id": "1"}, ()),
    ("outroute/query", {"id": "1"}, ()),
    ("ivr/query", {"number": "6500"}, ()),
    ("queue/query", {"number": "6700"}, ("breakoutaction", "breakoutdest")),
    ("conference/query", {"number": "6400"}, ()),
    ("paginggroup/list", {}, ()),
    ("paginggroup/query", {"number": "6300"}, ()),
    ("trunk/add_siptrunk", trunks.PEER, ()),
    ("inroute/add", routes.INROUTE, ()),
    ("outroute/add", routes.OUTROUTE, ()),
    ("trunk/update_siptrunk", {"id": "1", "trunktype": "peer"}, ()),
    ("inroute/update", {"id": "1"}, ()),
    ("outroute/update", {"id": "1"}, ()),
    ("ivr/update", {"number": "6500"}, ()),
    ("queue/update", {"number": "6700"}, ()),
    ("conference/update", {"number": "6400"}, ()),
    ("paginggroup/add", settings.PAGE, ()),
    ("paginggroup/update", {"number": "6300"}, ()),
    ("trunk/delete_siptrunk", {"id": "1"}, ()),
    ("inroute/delete", {"id": "1"}, ()),
    ("paginggroup/delete", {"number": "6300"}, ()),
    ("queue/pause_agent", {"queuenumber": "6700", "extnumber": "1000"}, ()),
    ("hotel/checkout", {"number": "1000"}, ()),
]


@pytest.mark.parametrize(("path", "body", "beyond"), SAMPLES, ids=[path for path, _, _ in SAMPLES])
async def test_answers_have_the_samples_keys_in_order_and_texts_only(
    api: Switchboard, path: str, body: dict[str, Any], beyond: tuple[str, ...]
) -> None:
    answer = await api.ok(path, **body)
    assert _texts(answer)
    sample = CONTRACT[path]["sample"]
    assert answer.keys() == sample.keys()
    for key, shape in sample.items():
        if isinstance(shape, list):
            shown = [name for name in answer[key][0] if name not in beyond]
            assert shown == list(shape[0])
            assert set(beyond) <= set(answer[key][0])


async def test_a_trunk_shows_what_belongs_to_its_kind_and_never_its_password(api: Switchboard) -> None:
    shown = {trunk["id"]: trunk for trunk in (await api.ok("trunk/query_siptrunk", id="all"))["trunks"]}
    first, lists = ["id", "trunkname", "trunktype"], ["extensionsdod", "extensionsgroupdod"]
    where, who = ["host", "port", "domain"], ["username", "authname"]
    assert list(shown["1"]) == [*first, *where, *lists]
    assert list(shown["2"]) == [*first, *where, *who, "fromuser", "password", *lists]
    assert list(shown["3"]) == [*first, *who, "password", *lists]
    for identity in ("2", "3"):
        assert len(shown[identity]["password"]) == 64
        assert int(shown[identity]["password"], 16)
    assert "Pajsjx9183" not in str(shown)


async def test_what_does_not_belong_to_the_kind_of_a_trunk_is_let_pass(api: Switchboard) -> None:
    added = await api.ok(
        "trunk/add_siptrunk", **trunks.PEER, username="u", authname="a", password="p", fromuser="f"
    )
    row = await api.core.objects["trunks"].one(added["id"])
    assert row is not None
    assert (row["username"], row["authname"], row["password"], row["fromuser"]) == ("", "", "", "")
    await api.ok("trunk/update_siptrunk", id="3", trunktype="account", host="192.0.2.77")
    assert "192.0.2.77" not in str(await api.core.objects["trunks"].one("3"))


PARTLY = [
    ("trunk/query_siptrunk", "id", "1,99,3", "trunks", ["1", "3"]),
    ("trunk/query_siptrunk", "id", "3,1", "trunks", ["1", "3"]),
    ("trunk/query_siptrunk", "id", "all", "trunks", ["1", "2", "3"]),
    ("inroute/query", "id", "99, 1,", "inroutes", ["1"]),
    ("outroute/query", "id", "99, 1,", "outroutes", ["1"]),
    ("paginggroup/query", "number", "6301, 6300,", "paginggroup", ["6300", "6301"]),
    ("paginggroup/query", "number", "all", "paginggroup", ["6300", "6301"]),
    ("ivr/query", "number", "ALL", "ivr", ["6500"]),
]


@pytest.mark.parametrize(("path", "key", "value", "items", "found"), PARTLY)
async def test_lists_are_answered_by_what_is_known(
    api: Switchboard, path: str, key: str, value: str, items: str, found: list[str]
) -> None:
    answer = await api.ok(path, **{key: value})
    assert [item[key] for item in answer[items]] == found


async def test_all_of_nothing_is_an_empty_list(api: Switchboard) -> None:
    await api.core.apply.apply(
        "".join(f"{kind}: []\n" for kind in ("trunks", "inroutes", "outroutes", "callbacks", "ivrs", "queues",
                                             "conferences", "paginggroups"))
    )  # fmt: skip
    for path, key, items in (
        ("trunk/query_siptrunk", "id", "trunks"),
        ("inroute/query", "id", "inroutes"),
        ("outroute/query", "id", "outroutes"),
        ("ivr/query", "number", "ivr"),
        ("queue/query", "number", "queues"),
        ("conference/query", "number", "conferences"),
        ("paginggroup/query", "number", "paginggroup"),
    ):
        assert await api.ok(path, **{key: "all"}) == {"status": "Success", items: []}
    assert await api.ok("trunk/list") == {"status": "Success", "trunklist": []}
    for path in ("paginggroup/list", "paginggrouplist/query"):
        assert await api.ok(path) == {"status": "Success", "paginggrouplist": []}
    for path, key in (
        ("trunk/delete_siptrunk", "id"),
        ("inroute/delete", "id"),
        ("paginggroup/delete", "number"),
    ):
        await api.ok(path, **{key: "all"})


@pytest.mark.parametrize("path", ["trunk/list", "paginggroup/list", "paginggrouplist/query"])
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null "])
async def test_lists_need_no_body(api: Switchboard, path: str, body: bytes) -> None:
    answer = await api.api.post(f"{path}?token={api.token}", body)
    assert answer["status"] == ("Failed" if body == b"null " else "Success")


async def test_the_known_ones_of_a_list_are_deleted(api: Switchboard) -> None:
    await api.ok("trunk/delete_siptrunk", id="99,3,2")
    assert [t["id"] for t in (await api.ok("trunk/list"))["trunklist"]] == ["1"]
    await api.ok("inroute/delete", id="1,99")
    assert (await api.ok("inroute/query", id="all"))["inroutes"] == []


async def test_of_paging_groups_all_or_none_are_deleted(api: Switchboard) -> None:
    await api.refused("paginggroup/delete", 10036, number="6300,6399,6301")
    await api.ok("paginggroup/delete", number="6301,6300")
    assert (await api.ok("paginggroup/list"))["paginggrouplist"] == []


SENT_BACK = [
    ("inroute", "inroute/query", "inroutes", "id", "1"),
    ("outroute", "outroute/query", "outroutes", "id", "1"),
    ("ivr", "ivr/query", "ivr", "number", "6500"),
    ("queue", "queue/query", "queues", "number", "6700"),
    ("conference", "conference/query", "conferences", "number", "6400"),
    ("paginggroup", "paginggroup/query", "paginggroup", "number", "6300"),
    ("paginggroup", "paginggroup/query", "paginggroup", "number", "6301"),
]


@pytest.mark.parametrize(("area", "query", "items", "key", "value"), SENT_BACK)
async def test_what_was_shown_can_be_sent_back(
    api: Switchboard, area: str, query: str, items: str, key: str, value: str
) -> None:
    shown = (await api.ok(query, **{key: value}))[items][0]
    await api.ok(f"{area}/update", **shown)
    assert (await api.ok(query, **{key: value}))[items][0] == shown


async def test_a_trunk_can_be_sent_back_but_for_its_password(api: Switchboard) -> None:
    dods = {"extensionsdod": "1-a-1000,2-b-1001", "extensionsgroupdod": "3-c-sales"}
    await api.ok("trunk/update_siptrunk", id="1", trunktype="peer", **dods)
    for identity in ("1", "2", "3"):
        shown = (await api.ok("trunk/query_siptrunk", id=identity))["trunks"][0]
        secret = shown.pop("password", None)
        await api.ok("trunk/update_siptrunk", **shown)
        again = (await api.ok("trunk/query_siptrunk", id=identity))["trunks"][0]
        assert again.pop("password", None) == secret
        assert again == shown


async def test_an_update_touches_one_object_only(api: Switchboard) -> None:
    """The appliances once gave every conference the same number."""
    for kind, path, query, items, body in (
        (
            "conferences",
            "conference/update",
            "conference/query",
            "conferences",
            {"number": "6400", "name": "X"},
        ),
        ("ivrs", "ivr/update", "ivr/query", "ivr", {"number": "6500", "ivrname": "X"}),
        ("queues", "queue/update", "queue/query", "queues", {"number": "6700", "queuename": "X"}),
    ):
        service = api.core.objects[kind]
        other = str(int(body["number"]) + 1)
        names = {"conferences": "name", "ivrs": "ivrname", "queues": "queuename"}
        await service.create(service.kind.read_new({"number": other, names[kind]: "Second"}))
        before = (await api.ok(query, number=other))[items]
        await api.ok(path, **body)
        assert (await api.ok(query, number=other))[items] == before
        assert [item["number"] for item in (await api.ok(query, number="all"))[items]] == [
            body["number"],
            other,
        ]


LIMITS = [
    ("trunks", 3, "trunk/add_siptrunk", trunks.PEER, 10060),
    ("inroutes", 1, "inroute/add", routes.INROUTE, 10070),
    ("outroutes", 1, "outroute/add", routes.OUTROUTE, 10081),
    ("paginggroups", 2, "paginggroup/add", settings.PAGE, 10040),
]


@pytest.mark.parametrize(("kind", "present", "path", "body", "errno"), LIMITS)
async def test_limits(
    api: Switchboard, kind: str, present: int, path: str, body: dict[str, str], errno: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    service = api.core.objects[kind]
    monkeypatch.setattr(service, "kind", dataclasses.replace(service.kind, limit=present))
    await api.refused(path, errno, **body)
    monkeypatch.setattr(service, "kind", dataclasses.replace(service.kind, limit=present + 1))
    await api.ok(path, **body)


async def test_a_paging_group_has_at_most_200_members(api: Switchboard) -> None:
    rows = "".join(f"- {{number: {n}, username: U, registername: {n}, registerpassword: Kd7~qWm2_Xz9-aRt}}\n"
                   for n in range(2000, 2201))  # fmt: skip
    keep = "- {number: 1000, username: Ann}\n- {number: 1001, username: Bob}\n"
    await api.core.apply.apply("extensions:\n" + keep + rows)
    numbers = [str(number) for number in range(2000, 2201)]
    answer = await api.post("paginggroup/add", {**settings.PAGE, "member": ",".join(numbers)})
    assert answer["errno"] == "10041"
    await api.ok("paginggroup/add", **{**settings.PAGE, "member": ",".join(numbers[:200])})
    answer = await api.post("paginggroup/update", {"number": "6300", "member": numbers})
    assert answer["errno"] == "10041"


async def test_routes_follow_a_renamed_trunk_and_lose_a_deleted_one(api: Switchboard) -> None:
    await api.ok("inroute/update", id="1", trunks="peer1,reg1")
    await api.ok("trunk/update_siptrunk", id="1", trunktype="peer", trunkname="other")
    for area in ("inroute", "outroute"):
        shown = (await api.ok(f"{area}/query", id="1"))[f"{area}s"][0]
        assert shown["trunks"] == ("other,reg1" if area == "inroute" else "other")
    await api.ok("trunk/delete_siptrunk", id="1")
    assert (await api.ok("inroute/query", id="1"))["inroutes"][0]["trunks"] == "reg1"
    assert (await api.ok("outroute/query", id="1"))["outroutes"][0]["trunks"] == ""


async def test_an_id_never_comes_to_mean_another_object(api: Switchboard) -> None:
    for path, body, delete in (
        ("trunk/add_siptrunk", trunks.PEER, "trunk/delete_siptrunk"),
        ("inroute/add", routes.INROUTE, "inroute/delete"),
        ("outroute/add", routes.OUTROUTE, "outroute/delete"),
    ):
        first = (await api.ok(path, **body))["id"]
        await api.ok(delete, id=first)
        assert (await api.ok(path, **body))["id"] != first


async def test_a_new_kind_of_destination_needs_its_name_even_if_it_is_the_same(api: Switchboard) -> None:
    await api.refused("inroute/update", 10069, id="1", desttype="voicemail")
    await api.ok("inroute/update", id="1", desttype="voicemail", dest="1000")
    await api.ok("inroute/update", id="1", desttype="hangup")
    assert (await api.ok("inroute/query", id="1"))["inroutes"][0]["dest"] == ""
    answer = await api.post("inroute/update", {"id": "1", "desttype": "extension"})
    assert answer["errno"] == "10069"


async def test_ranges_of_called_numbers_and_of_extensions_are_of_one_length(api: Switchboard) -> None:
    await api.ok("inroute/update", id="1", did="5503310-5503311", desttype="extrange", dest="1000-1001")
    answer = await api.post("inroute/update", {"id": "1", "did": "5503310-5503319"})
    assert answer["errno"] == "10069"


async def test_queue_failover_may_come_without_a_destination(api: Switchboard) -> None:
    await api.ok("queue/update", number="6700", failoveraction="IVR")
    shown = (await api.ok("queue/query", number="6700"))["queues"][0]
    assert (shown["failoveraction"], shown.get("failoverdest")) == ("IVR", None)
    await api.ok("queue/update", number="6700", failoverdest="6500")
    await api.ok("queue/update", number="6700", failoveraction="Queue", failoverdest="6700")
    await api.ok("queue/update", number="6700", failoveraction="Hang up", failoverdest="6700")
    shown = (await api.ok("queue/query", number="6700"))["queues"][0]
    assert "failoverdest" not in shown


async def test_agents_of_a_queue(api: Switchboard) -> None:
    agent = {"queuenumber": "6700", "extnumber": "1001"}
    await api.refused("queue/pause_agent", 10006, **agent)
    await api.refused("queue/unpause_agent", 10006, **agent)
    await api.refused("queue/add_dynamicagent", 10032, **agent)
    for _ in range(2):
        await api.ok("queue/add_dynamicagent", **agent, password="6700123")
    shown = (await api.ok("queue/query", number="6700"))["queues"][0]
    assert (shown["agents"], shown["dynamicagents"]) == ("1000,", "1001,")
    assert list(shown).index("dynamicagents") == list(shown).index("agents") + 1
    for number in ("1000", "1001"):
        for path in ("pause_agent", "pause_agent", "unpause_agent", "unpause_agent"):
            await api.ok(f"queue/{path}", **{**agent, "extnumber": number})
    for number in ("1001", "1001", "1000"):
        await api.ok("queue/delete_dynamicagent", **{**agent, "extnumber": number})
    shown = (await api.ok("queue/query", number="6700"))["queues"][0]
    assert (shown["agents"], shown.get("dynamicagents")) == ("1000,", None), "a static agent stays"
    await api.ok("queue/update", number="6700", password="")
    await api.ok("queue/add_dynamicagent", **agent)


async def test_a_paging_group_changes_its_type_with_what_belongs_to_it(api: Switchboard) -> None:
    await api.refused("paginggroup/update", 10004, number="6301", type="intercom")
    await api.ok("paginggroup/update", number="6301", type="intercom", membergroup="sales,")
    shown = (await api.ok("paginggroup/query", number="6301"))["paginggroup"][0]
    assert shown.pop("enabledialtoanswer") == "no"
    assert shown == {
        "number": "6301",
        "name": "Multi",
        "type": "intercom",
        "member": "",
        "membergroup": "sales,",
    }
    await api.ok("paginggroup/update", number="6300", type="multicast", multicastip="[ff02::1]:2000")
    shown = (await api.ok("paginggroup/query", number="6300"))["paginggroup"][0]
    assert shown == {"number": "6300", "name": "Page", "type": "multicast", "multicastip": "[ff02::1]:2000"}


SENT_TO = {
    "239.1.2.3": "239.1.2.3:2000",
    "239.1.2.3:5004": "239.1.2.3:5004",
    "ff02::1": "[ff02::1]:2000",
    "[ff02::1]": "[ff02::1]:2000",
    "[ff02::1]:5004": "[ff02::1]:5004",
    "FF05::2": "[FF05::2]:2000",
}


@pytest.mark.parametrize(("address", "engine"), SENT_TO.items())
async def test_the_engine_sends_to_an_address_with_a_port(
    api: Switchboard, address: str, engine: str
) -> None:
    await api.ok("paginggroup/update", number="6301", multicastip=address)
    query = sa.text("SELECT target FROM v_paginggroups WHERE number = '6301'")
    assert await api.core.store.read(lambda connection: connection.execute(query).scalar_one()) == engine


async def test_selectoutroute_and_the_routes_own_list_are_one(api: Switchboard) -> None:
    await api.ok("extension/update", number="1001", selectoutroute="out1")
    assert (await api.ok("outroute/query", id="1"))["outroutes"][0]["extensions"] == "1000,1001"
    await api.ok("outroute/update", id="1", extensions="1001")
    for number, select, unselect in (("1000", "", "out1"), ("1001", "out1", "")):
        shown = (await api.ok("extension/query", number=number))["extinfos"][0]
        assert (shown["selectoutroute"], shown["unselectoutroute"]) == (select, unselect)


async def test_checkout_resets_name_and_rights(api: Switchboard) -> None:
    api.api.forgotten.clear()
    api.api.emptied.clear()
    await api.refused("hotel/checkout", 10006, number="1000,9999")
    assert (api.api.emptied, api.api.forgotten) == ([], [])
    await api.ok("hotel/checkout", extid="1000")
    assert (await api.ok("extension/query", number="1000"))["extinfos"][0]["username"] == "1000"
    assert (await api.ok("outroute/query", id="1"))["outroutes"][0]["extensions"] == ""
    assert api.api.forgotten == ["1000"]
    assert api.api.emptied == [("1000", api.api.clock.now())]


async def test_a_box_that_cannot_be_emptied_now_is_emptied_later(api: Switchboard) -> None:
    api.api.emptied.clear()
    ordered = api.api.clock.now()
    api.api.engine_away = True
    await api.ok("hotel/checkout", number="1000,1001")
    assert (await api.ok("extension/query", number="1001"))["extinfos"][0]["username"] == "1001"
    assert api.api.emptied == []
    api.api.clock.advance(100)
    api.api.engine_away = False
    await eventually(lambda: len(api.api.emptied) == 2, "the boxes are emptied")
    # only of what was there when the guest left
    assert api.api.emptied == [("1000", ordered), ("1001", ordered)]


async def test_a_message_that_was_being_left_at_the_check_out_goes_too(api: Switchboard) -> None:
    api.api.emptied.clear()
    ordered = api.api.clock.now()
    await api.ok("hotel/checkout", number="1000")
    api.api.clock.advance(101)
    for _ in range(2):
        await api.api.hotel.empty_boxes()
        assert api.api.emptied == [("1000", ordered)] * 2


async def test_many_ids_at_once_are_no_failure(api: Switchboard) -> None:
    ids = ",".join(map(str, range(1, 50000)))
    assert len((await api.ok("trunk/query_siptrunk", id=ids))["trunks"]) == 3
    await api.refused("ivr/query", 10012, number=ids)
    await api.refused("outroute/add", 10079, **{**routes.OUTROUTE, "extensions": ids})
