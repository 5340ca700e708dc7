"""Wake-up calls as operators see them: /wakeupcalls, the journal as JSON and CSV, settings, and `apply`."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import sqlalchemy as sa
import yaml

from offhook.areas.apply.document import ApplyError
from offhook.areas.extensions.tables import extensions
from offhook.areas.wakeup import store as rows
from offhook.areas.wakeup import tries
from offhook.areas.wakeup.model import Rules
from offhook.contract.rules import Selection
from offhook.store.unit import UnitOfWork
from tests.support.admin import Admin
from tests.support.api import TestApi, running_api
from tests.support.pbx import STRONG, tone_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

WISH = {"time": "06:30", "type": "custom", "weekdays": [1, 5], "repeats": 2, "repeatinterval": 5}
ROOMS = "extensions:\n" + "".join(
    f'- {{number: "{n}", username: Room, registername: "{n}", registerpassword: "{STRONG}"}}\n'
    for n in (2001, 2002, 2003)
)


class Hotel:
    def __init__(self, api: TestApi) -> None:
        self.api = api
        self.admin = Admin(api.port, api.core.first_passwords.console)

    async def apply(self, document: str, *, dry_run: bool = False) -> list[str]:
        return list((await self.api.core.apply.apply(document, dry_run=dry_run)).lines)

    async def refused(self, document: str) -> str:
        with pytest.raises(ApplyError) as caught:
            await self.apply(document)
        return str(caught.value)

    async def keys(self) -> list[tuple[int, str, str]]:
        found = await self.api.core.store.read(rows.select)
        return [(one.id, one.number, one.time) for one in found]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def the_hotel() -> AsyncIterator[Hotel]:
    async with running_api() as api:
        hotel = Hotel(api)
        await hotel.apply(ROOMS)
        yield hotel


@pytest_asyncio.fixture(loop_scope="module")
async def hotel(the_hotel: Hotel) -> AsyncIterator[Hotel]:
    await the_hotel.apply("wakeupcalls: []\n")
    await the_hotel.api.core.store.write("test", lambda unit: rows.journal_forget(unit.connection, 1e12))
    await the_hotel.api.core.prompts.store("morning", tone_file(1200), "morning.wav")
    yield the_hotel


async def test_made_shown_changed_and_deleted(hotel: Hotel) -> None:
    got = await hotel.admin.ask("POST", "/wakeupcalls", {"number": "2001,2002", **WISH})
    assert got.status == 201
    first, second = got.body["ids"]
    shown = (await hotel.admin.ask("GET", f"/wakeupcalls/{first}")).body
    assert shown == {
        "id": first,
        "number": "2001",
        **WISH,
        "weekdays": ["1", "5"],
        "prompt": "macroform-cold_day",
        "state": "waiting",
        "next": "2020-09-14T06:30:00Z",
        "zone": "UTC",
    }
    listed = (await hotel.admin.ask("GET", "/wakeupcalls")).body["items"]
    assert [one["id"] for one in listed] == [first, second]
    listed = (await hotel.admin.ask("GET", "/wakeupcalls?number=2002")).body["items"]
    assert [one["id"] for one in listed] == [second]
    changed = (
        await hotel.admin.ask("PATCH", f"/wakeupcalls/{first}", {"time": "7:45", "prompt": "morning"})
    ).body
    assert changed == {**shown, "time": "07:45", "prompt": "morning", "next": "2020-09-14T07:45:00Z"}
    assert (await hotel.admin.ask("DELETE", f"/wakeupcalls/{first}")).status == 204
    assert (await hotel.admin.ask("GET", f"/wakeupcalls/{first}")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/wakeupcalls", {"number": "2001", **WISH}, 409),
        ("POST", "/wakeupcalls", {"number": "", **WISH}, 400),
        ("POST", "/wakeupcalls", {**WISH}, 400),
        ("POST", "/wakeupcalls", {"number": "all", **WISH}, 400),
        ("POST", "/wakeupcalls", {"number": "2002", **WISH, "colour": "red"}, 400),
        ("POST", "/wakeupcalls", {"number": "2002,9999", **WISH}, 400),
        ("POST", "/wakeupcalls", {"number": "2002", **WISH, "time": "25:00"}, 400),
        ("POST", "/wakeupcalls", {"number": "2002", **WISH, "prompt": "none"}, 400),
        ("POST", "/wakeupcalls", {"number": "2002", **WISH, "weekdays": []}, 400),
        ("PATCH", "/wakeupcalls/1x", {"time": "07:00"}, 404),
        ("PATCH", "/wakeupcalls/99999999999999999999", {"time": "07:00"}, 404),
        ("DELETE", "/wakeupcalls/999999", None, 404),
        ("DELETE", "/wakeupcalls", None, 405),
        ("GET", "/wakeupcalls/1/2", None, 404),
        ("GET", "/wakeupcalls?number=9999", None, 400),
        ("GET", "/wakeupcalls?colour=red", None, 400),
        ("GET", "/wakeupcalls?number=,", None, 400),
        ("POST", "/wakeupcalls", {"number": ",", **WISH}, 400),
        ("POST", "/wakeupjournal", {}, 405),
        ("GET", "/wakeupjournal/1", None, 404),
        ("GET", "/wakeupjournal?limit=0", None, 400),
        ("GET", "/wakeupjournal?outcome=happy", None, 400),
        ("GET", "/wakeupjournal?from=yesterday", None, 400),
        ("GET", "/wakeupjournal?colour=red", None, 400),
        ("GET", "/wakeupjournal?format=xml", None, 400),
    ],
)
async def test_what_is_refused(
    hotel: Hotel, method: str, path: str, body: dict[str, object], status: int
) -> None:
    await hotel.admin.ask("POST", "/wakeupcalls", {"number": "2001", **WISH})
    before = await hotel.keys()
    assert (await hotel.admin.ask(method, path, body)).status == status
    assert await hotel.keys() == before


async def test_a_wrong_filter_is_named_as_it_was_sent(hotel: Hotel) -> None:
    assert (await hotel.admin.refused(400, "GET", "/wakeupjournal?to=yesterday")).startswith("to must be")


async def _missed(hotel: Hotel, count: int) -> None:
    """Let a wake-up call be missed on so many days."""
    await hotel.admin.ask("POST", "/wakeupcalls", {"number": "2001", "time": "06:30", "type": "everyday"})
    (alarm,) = await hotel.api.core.store.read(rows.select)
    for day in range(count):
        now = alarm.due + day * 86400 + 3600

        def work(unit: UnitOfWork, now: float = now) -> None:
            tries.miss(unit, alarm.id, now, "=cmd()", Rules(hotel.api.core.zone))

        await hotel.api.core.store.write("test", work)


async def test_the_journal_is_read_page_by_page_and_as_csv(hotel: Hotel) -> None:
    await _missed(hotel, 5)
    got = (await hotel.admin.ask("GET", "/wakeupjournal?limit=2&number=2001")).body
    pages = [got["items"]]
    while got["next"]:
        got = (await hotel.admin.ask("GET", f"/wakeupjournal?limit=2&before={got['next']}")).body
        pages.append(got["items"])
    assert [len(page) for page in pages] == [2, 2, 1]
    days = [one["at"] for page in pages for one in page]
    assert days == sorted(days, reverse=True)
    one = pages[0][0]
    assert one == {**one, "number": "2001", "ring": 1, "outcome": "missed", "begun": "", "answered": ""}
    asked = "from=2020-09-15%2000:00:00&to=2020-09-16%2023:59:59&outcome=missed"
    got = (await hotel.admin.ask("GET", f"/wakeupjournal?{asked}")).body
    assert [one["at"] for one in got["items"]] == ["2020-09-16T06:30:00Z", "2020-09-15T06:30:00Z"]
    answer = await hotel.admin.ask("GET", "/wakeupjournal?format=csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert len(table) == 5
    assert list(table[0]) == list(one)
    assert (one["cause"], table[0]["cause"]) == ("=cmd()", "'=cmd()")


async def test_settings_by_api_and_by_document(hotel: Hotel) -> None:
    got = (await hotel.admin.ask("PATCH", "/settings/wakeup", {"ringtime": 20, "saytime": "on"})).body
    assert (got["ringtime"], got["saytime"], got["rate"]) == (20, True, 10)
    assert (await hotel.admin.ask("PATCH", "/settings/wakeup", {"rate": 0})).status == 400
    assert await hotel.apply("wakeup: {ringtime: 45, saytime: off}\n") == [
        "~ wakeup settings",
        "    ringtime: 20 -> 45",
        "    saytime: on -> off",
    ]


async def test_a_prompt_that_a_wake_up_call_plays_stays(hotel: Hotel) -> None:
    await hotel.admin.ask("POST", "/wakeupcalls", {"number": "2001", **WISH, "prompt": "morning"})
    got = await hotel.admin.ask("DELETE", "/prompts/morning")
    assert (got.status, got.error) == (409, "prompt morning is in use by a wake-up call of 2001")
    await hotel.apply("wakeupcalls: []\n")
    assert (await hotel.admin.ask("DELETE", "/prompts/morning")).status == 204


DOCUMENT = """
wakeupcalls:
- {number: 2001, time: 6:30, type: everyday, repeats: 3, repeatinterval: 5, prompt: morning}
- {number: 2002, time: "07:00", type: custom, weekdays: [1, 2, 3]}
"""


async def test_declared_wake_up_calls(hotel: Hotel) -> None:
    told = await hotel.apply(DOCUMENT, dry_run=True)
    assert await hotel.keys() == []
    assert await hotel.apply(DOCUMENT) == told
    assert told[0] == "+ wakeupcalls 2001 06:30 everyday"
    assert await hotel.apply(DOCUMENT) == ["nothing to change"]
    kept = await hotel.keys()
    document = DOCUMENT.replace("repeats: 3", "repeats: 1").replace("[1, 2, 3]", "[1, 2]")
    told = await hotel.apply(document)
    assert [line for line in told if not line.startswith(" ")] == [
        "- wakeupcalls 2002 07:00 custom",
        "~ wakeupcalls 2001 06:30 everyday",
        "+ wakeupcalls 2002 07:00 custom",
    ]
    assert told[2] == "    repeats: 3 -> 1"
    now = await hotel.keys()
    assert now[0] == kept[0], "the same one, changed"
    exported = yaml.safe_load(await hotel.api.core.apply.export())["wakeupcalls"]
    assert exported == [
        {
            "number": "2001",
            "time": "06:30",
            "type": "everyday",
            "repeats": "1",
            "repeatinterval": "5",
            "prompt": "morning",
        },
        {
            "number": "2002",
            "time": "07:00",
            "type": "custom",
            "weekdays": "1,2",
            "prompt": "macroform-cold_day",
        },
    ]
    assert await hotel.apply(yaml.safe_dump({"wakeupcalls": exported})) == ["nothing to change"]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{time: 06:30, type: onetime}", "number is missing"),
        ("{number: 2001, type: onetime}", "time is missing"),
        ("{number: 2001, time: 06:30, type: custom}", "weekdays is missing"),
        ("{number: 2001, time: 06:30, type: onetime, repeats: 2}", "repeatinterval is missing"),
        ("{number: 2001, time: 26:30, type: onetime}", "time must be"),
        ("{number: 2001, time: 06:30, type: onetime, prompt: none}", "there is no prompt none"),
        ("{number: 9999, time: 06:30, type: onetime}", "there is no extension 9999"),
        ("{number: 2001, time: 06:30, type: onetime, colour: red}", "colour is an unknown key"),
        ("{number: 2001, time: 6:30, type: everyday}", "declared twice"),
    ],
)
async def test_documents_that_are_refused(hotel: Hotel, entry: str, says: str) -> None:
    await hotel.apply(DOCUMENT)
    before = await hotel.keys()
    assert says in await hotel.refused(f"{DOCUMENT}- {entry}\n")
    assert await hotel.keys() == before


async def test_an_extension_and_its_wake_up_call_come_and_go_in_one_document(hotel: Hotel) -> None:
    more = ROOMS + ROOMS.splitlines()[-1].replace("2003", "2009") + "\n"
    await hotel.apply(more + "wakeupcalls:\n- {number: 2009, time: 06:30, type: onetime}\n")
    assert [number for _, number, _ in await hotel.keys()] == ["2009"]
    await hotel.apply(ROOMS)
    assert await hotel.keys() == []


async def test_ten_thousand_in_one_document() -> None:
    async with running_api() as api:
        hotel = Hotel(api)
        await hotel.apply(ROOMS)

        def multiply(unit: UnitOfWork) -> None:
            row = dict(unit.connection.execute(sa.select(extensions).limit(1)).mappings().one())
            found = [{**row, "number": str(10000 + n), "registername": str(10000 + n)} for n in range(1000)]
            unit.connection.execute(sa.insert(extensions), found)

        await api.core.store.write("test", multiply)
        lines = [
            f"- {{number: {10000 + n % 1000}, time: 0{6 + n // 6000}:{n // 1000 % 6}0, type: everyday}}"
            for n in range(10_000)
        ]
        document = "wakeupcalls:\n" + "\n".join(lines) + "\n"
        begin = time.perf_counter()
        await hotel.apply(document)
        taken = time.perf_counter() - begin
        found = await api.core.wakeups.query(Selection(every=True))
        assert sum(map(len, found.values())) == 10_000
        print(f"{taken:.1f} s")
        assert taken < 30
