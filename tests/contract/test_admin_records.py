"""Operators search call records: filters, pages, legs, hostile values."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from offhook.areas.records import search
from offhook.ledger import Leg
from tests.support.admin import Admin
from tests.support.api import TestApi, running_api
from tests.support.records import NOON, a_record, keep

LEGS = (
    Leg(channel="PJSIP/1001w-00000007", started=NOON + 2, answered=NOON + 3, ended=NOON + 9),
    Leg(channel="PJSIP/trunk-siptrunk-endpoint-00000008", started=NOON + 2, answered=0, ended=NOON + 9),
)
RECORDS = (
    a_record(NOON),
    a_record(NOON + 1, "1002", "6200", status="NO ANSWER"),
    a_record(
        NOON + 2,
        "+49151%",
        "6700(1001)",
        type="Inbound",
        source_trunk="siptrunk",
        didnumber="5503301",
        dialled="5503301",
        legs=LEGS,
    ),
    a_record(NOON + 3, "1000", "0711", type="Outbound", destination_trunk="other", dialled="90711", legs=()),
    a_record(NOON + 86400, "1001", "1000", status="VOICEMAIL", recording="a_b.wav"),
)


@pytest_asyncio.fixture
async def api() -> AsyncIterator[TestApi]:
    """An API with five records."""
    async with running_api() as api:
        await keep(api.core.store, *RECORDS)
        yield api


def _admin(api: TestApi) -> Admin:
    return Admin(api.port, api.core.first_passwords.console)


async def _found(admin: Admin, **filters: Any) -> str:
    query = "&".join(f"{name}={quote(str(value))}" for name, value in filters.items())
    answer = await admin.ok("GET", f"/records?{query}")
    order = [record.callid for record in RECORDS]
    return "".join(str(order.index(item["callid"])) for item in answer["items"])


async def test_filters(api: TestApi) -> None:
    admin = _admin(api)
    assert await _found(admin) == "43210"
    for filters, expected in (
        ({"number": "1000"}, "430"),
        ({"number": "6200"}, "1"),
        ({"number": "+49151%"}, "2"),
        ({"number": "5503301"}, "2"),
        ({"number": "90711"}, "3"),
        ({"number": "100"}, ""),
        ({"type": "inbound"}, "2"),
        ({"status": "no answer"}, "1"),
        ({"trunk": "siptrunk"}, "2"),
        ({"trunk": "other"}, "3"),
        ({"text": "0711"}, "3"),
        ({"text": "%"}, "2"),
        ({"text": "_"}, "4"),
        ({"text": "A_B"}, "4"),
        ({"from": "2019-10-25"}, "4"),
        ({"to": "2019-10-24"}, "3210"),
        ({"from": "2019-10-24 12:00:01", "to": "2019-10-24 12:00:02"}, "21"),
        ({"from": "2019-10-24 12:00:01", "number": "1000", "type": "Outbound"}, "3"),
        ({"number": "", "limit": ""}, "43210"),
    ):
        assert await _found(admin, **filters) == expected, filters


async def test_pages(api: TestApi) -> None:
    admin = _admin(api)
    for filters in ("", "&number=1000"):
        everything = [
            one["callid"] for one in (await admin.ok("GET", f"/records?limit=1000{filters}"))["items"]
        ]
        paged, cursor = [], ""
        while True:
            answer = await admin.ok("GET", f"/records?limit=2{filters}&cursor={quote(cursor)}")
            paged += [one["callid"] for one in answer["items"]]
            cursor = answer["next"]
            if not cursor:
                break
        assert paged == everything


async def test_a_search_that_would_look_at_too_much_says_where_it_stopped(
    api: TestApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "LOOKED_AT", 2)
    admin = _admin(api)
    for filters in ("text=0711", "trunk=other", "type=Outbound", "status=ANSWERED&from=2019-10-24&text=0711"):
        told: list[tuple[list[str], str]] = []
        cursor = ""
        while not told or cursor:
            answer = await admin.ok("GET", f"/records?{filters}&cursor={quote(cursor)}")
            told.append(([one["callto"] for one in answer["items"]], answer["stopped"]))
            cursor = answer["next"]
        assert told == [(["0711"], "2019-10-24 12:00:03"), ([], "2019-10-24 12:00:01"), ([], "")], filters
    for filters in ("", "number=1000", "from=2019-10-24", "number=1000&to=2019-10-25"):
        answer = await admin.ok("GET", f"/records?{filters}")
        assert (answer["next"], answer["stopped"]) == ("", ""), "an index finds these"


async def test_one_record_with_its_legs(api: TestApi) -> None:
    got = await _admin(api).ok("GET", f"/records/{RECORDS[2].callid}")
    assert got["timestart"] == "2019-10-24 12:00:02"
    assert (got["callfrom"], got["callto"], got["agentringtime"]) == ("+49151%", "6700(1001)", 0)
    assert got["legs"] == [
        {
            "channel": "PJSIP/1001w-00000007",
            "extension": "1001",
            "trunk": "",
            "started": "2019-10-24 12:00:02",
            "answered": "2019-10-24 12:00:03",
            "ended": "2019-10-24 12:00:09",
        },
        {
            "channel": "PJSIP/trunk-siptrunk-endpoint-00000008",
            "extension": "",
            "trunk": "siptrunk",
            "started": "2019-10-24 12:00:02",
            "answered": "",
            "ended": "2019-10-24 12:00:09",
        },
    ]


async def test_what_is_wrong_is_refused(api: TestApi) -> None:
    admin = _admin(api)
    for query in (
        *("colour=red", "from=yesterday", "to=2019-13-01", "from=2019-10-24T00:00:00", "type=x", "status=x"),
        *(
            "limit=0",
            "limit=1001",
            "limit=x",
            "limit=1e3",
            "cursor=x",
            "cursor=1",
            "cursor=nan:1",
            "cursor=1.0:",
        ),
        *(
            "cursor=-1.0:a",
            "cursor=1.0:%00",
            "number=%00",
            "text=a%0ab",
            f"text={'x' * 65}",
            "trunk=%ED%A0%80%01",
        ),
    ):
        await admin.refused(400, "GET", f"/records?{query}")
    for hostile in ("' OR 1=1 --", "../../etc/passwd", "*", '"', "\\", "é"):
        for name in ("number", "text", "trunk"):
            assert await _found(admin, **{name: hostile}) == "", (name, hostile)
    for callid in ("x", "%00", "%0a", "..%2Fqueues", "' OR 1=1", "%ED%A0%80", "１"):
        await admin.refused(404, "GET", f"/records/{callid}")
    await admin.refused(404, "GET", f"/records/{RECORDS[0].callid}/legs")
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        await admin.refused(405, method, "/records")
        await admin.refused(405, method, f"/records/{RECORDS[0].callid}")
    await Admin(api.port, None).refused(401, "GET", "/records")


async def test_the_document_says_what_is_shown(api: TestApi) -> None:
    admin = _admin(api)
    paths = (await admin.ok("GET", "/openapi.json"))["paths"]
    assert {one["name"] for one in paths["/records"]["get"]["parameters"]} == {
        *("from", "to", "number", "type", "status", "trunk", "text", "cursor", "limit")
    }
    answer = paths["/records"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    shown = await admin.ok("GET", "/records")
    assert set(answer["properties"]) == set(shown)
    kinds = {"string": str, "integer": int, "number": float}
    for item in shown["items"]:
        properties = answer["properties"]["items"]["items"]["properties"]
        assert set(properties) == set(item)
        assert all(isinstance(value, kinds[properties[name]["type"]]) for name, value in item.items())
    answer = paths["/records/{callid}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    one = await admin.ok("GET", f"/records/{RECORDS[2].callid}")
    assert set(answer["properties"]) == set(one)
    assert set(answer["properties"]["legs"]["items"]["properties"]) == set(one["legs"][0])
    assert "records" in (await admin.ok("GET", "/"))["kinds"]


async def test_the_settings_of_retention(api: TestApi) -> None:
    admin = _admin(api)
    assert await admin.ok("GET", "/settings/records") == {"keepdays": 0, "keepmost": 2_000_000}
    await admin.ok("PATCH", "/settings/records", {"keepdays": "90", "keepmost": 0})
    assert await admin.ok("GET", "/settings/records") == {"keepdays": 90, "keepmost": 0}
    for wrong in (-1, "x", 36501, "1.5", "on"):
        await admin.refused(400, "PATCH", "/settings/records", {"keepdays": wrong})
    done = await api.core.apply.apply("records: {keepdays: 30, keepmost: 1000}")
    assert done.changes
    assert not (await api.core.apply.apply("records: {keepdays: 30, keepmost: 1000}")).changes
    assert await admin.ok("GET", "/settings/records") == {"keepdays": 30, "keepmost": 1000}
