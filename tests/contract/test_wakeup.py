"""wakeupcall/*: every rule with good and bad values, forms that clients send, and ten thousand at once."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
import sqlalchemy as sa

from offhook.areas.extensions.tables import extensions
from offhook.areas.wakeup.tables import wakeups
from offhook.contract.rules import Selection
from offhook.store.unit import UnitOfWork
from tests.support.api import TestApi, running_api
from tests.support.pbx import STRONG, tone_file

pytestmark = pytest.mark.asyncio(loop_scope="module")

WISH = {"time": "06:30", "type": "onetime", "repeats": "3", "repeatinterval": "5"}
SHOWN = {**WISH, "prompt": "macroform-cold_day"}
EXTENSION = {"username": "Room", "registerpassword": STRONG}
NUMBERS = ("2001", "2002", "2003")


class Desk:
    """An application that is logged in."""

    def __init__(self, api: TestApi, token: str) -> None:
        self.api = api
        self._token = token

    async def post(self, path: str, **fields: Any) -> dict[str, Any]:
        return await self.api.post(f"{path}?token={self._token}", fields)

    async def ok(self, path: str, **fields: Any) -> dict[str, Any]:
        answer = await self.post(path, **fields)
        assert answer["status"] == "Success", answer
        return answer

    async def errno(self, path: str, **fields: Any) -> int:
        answer = await self.post(path, **fields)
        assert answer["status"] == "Failed", answer
        return int(answer["errno"])

    async def create(self, number: Any = "2001", **changes: Any) -> None:
        wish = {name: value for name, value in {**WISH, **changes}.items() if value is not None}
        await self.ok("wakeupcall/create", number=number, wakeup=[wish])

    async def refused(self, number: Any = "2001", **changes: Any) -> int:
        wish = {name: value for name, value in {**WISH, **changes}.items() if value is not None}
        return await self.errno("wakeupcall/create", number=number, wakeup=[wish])

    async def all(self, number: str = "all") -> dict[str, list[dict[str, str]]]:
        """Every wake-up call by its extension."""
        answer = await self.ok("wakeupcall/query", number=number)
        return {one["number"]: one["wakeup"] for one in answer.get("wakeups", ())}

    async def one(self, number: str = "2001") -> dict[str, str]:
        ((found,),) = (await self.all(number)).values()
        return found


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def the_desk() -> AsyncIterator[Desk]:
    async with running_api() as api:
        desk = Desk(api, await api.login())
        for number in NUMBERS:
            await desk.ok("extension/add", **EXTENSION, number=number, registername=number)
        await api.core.prompts.store("morning", tone_file(1200), "morning.wav")
        yield desk


@pytest_asyncio.fixture(loop_scope="module")
async def desk(the_desk: Desk) -> AsyncIterator[Desk]:
    """The desk, without any wake-up call."""
    await the_desk.ok("wakeupcall/delete", number="all")
    yield the_desk


async def test_the_examples_of_the_reference(desk: Desk) -> None:
    assert await desk.ok("wakeupcall/query", number="2001") == {"status": "Success"}
    made = await desk.ok("wakeupcall/create", number="2001", wakeup=[WISH])
    assert made == {"status": "Success"}
    answer = await desk.ok("wakeupcall/query", number="2001")
    (info,) = answer["wakeups"]
    (one,) = info["wakeup"]
    assert list(info) == ["number", "wakeup"]
    assert list(one) == ["wakeupid", "time", "type", "repeats", "repeatinterval", "prompt"]
    assert one == {"wakeupid": one["wakeupid"], **SHOWN}
    changed = {"time": "12:00", "type": "onetime"}
    await desk.ok("wakeupcall/update", number="2001", wakeupid=one["wakeupid"], wakeup=changed)
    assert await desk.one() == {**one, "time": "12:00"}
    assert await desk.ok("wakeupcall/delete", number="2001") == {"status": "Success"}
    assert await desk.all() == {}
    assert await desk.ok("wakeupcall/delete", number="2001") == {"status": "Success"}, "of none"


FORMS = [
    WISH,
    [WISH],
    [WISH, {**WISH, "time": "07:00"}],
    [{**WISH, "repeats": 3, "repeatinterval": 5}],
    json.dumps(WISH),
    json.dumps([WISH]),
    {**WISH, "more": {"deep": [1, {"x": None}]}, "weekdays": None},
]


@pytest.mark.parametrize("form", FORMS)
async def test_the_forms_in_which_it_is_sent(desk: Desk, form: Any) -> None:
    await desk.ok("wakeupcall/create", extid=2001, wakeup=form)
    one = await desk.one()
    assert {**one, "wakeupid": ""} == {**SHOWN, "wakeupid": ""}
    await desk.ok("wakeupcall/update", number=2001, wakeupid=int(one["wakeupid"]), wakeup=form)


async def test_it_may_stand_in_the_query(desk: Desk) -> None:
    wakeup = quote(json.dumps([{**WISH, "repeats": 3}]))
    answer = await desk.api.post(f"wakeupcall/create?token={desk._token}&number=2001&wakeup={wakeup}")
    assert answer["status"] == "Success"
    assert (await desk.one())["repeats"] == "3"


@pytest.mark.parametrize(
    ("name", "sent", "shown"),
    [
        ("time", "00:00", "00:00"),
        ("time", "23:59", "23:59"),
        ("time", "8:45", "08:45"),
        ("type", "EveryDay", "everyday"),
        ("repeats", 1, "1"),
        ("repeatinterval", "1440", "1440"),
        ("prompt", "morning", "morning"),
        ("prompt", "", "macroform-cold_day"),
        ("prompt", "macroform-cold_day", "macroform-cold_day"),
    ],
)
async def test_good_values(desk: Desk, name: str, sent: Any, shown: str) -> None:
    await desk.create(**{name: sent})
    assert (await desk.one())[name] == shown


@pytest.mark.parametrize(
    ("sent", "shown"), [("0", "0"), (6, "6"), ("3,1", "1,3"), ([5, "0"], "0,5"), ("1,1,", "1"), ([2], "2")]
)
async def test_weekdays_of_the_type_custom(desk: Desk, sent: Any, shown: str) -> None:
    await desk.create(type="custom", weekdays=sent)
    one = await desk.one()
    assert list(one) == ["wakeupid", "time", "type", "weekdays", "repeats", "repeatinterval", "prompt"]
    assert one["weekdays"] == shown


async def test_weekdays_of_another_type_are_left_aside(desk: Desk) -> None:
    await desk.create(type="everyday", weekdays="2")
    assert "weekdays" not in await desk.one()


async def test_without_the_pair_it_rings_once(desk: Desk) -> None:
    await desk.create(repeats=None, repeatinterval=None)
    one = await desk.one()
    assert (one["repeats"], one["repeatinterval"]) == ("", "")


BAD = [
    *(
        ("time", bad, 10020)
        for bad in ("24:00", "06:60", "0630", "6", "06:30:00", "٠٦:٣٠", "06:30\x00", "x" * 300)
    ),
    *(("type", bad, 10020) for bad in ("daily", "onetime,everyday", "1")),
    *(("weekdays", bad, 10020) for bad in ("7", "-1", "x", "0;1", "1.5", "٣", [[8]])),
    *(("repeats", bad, 10020) for bad in ("0", "4", "-1", "x", "1.5", 2.5, "٣")),
    *(("repeatinterval", bad, 10020) for bad in ("0", "1441", "-5", "x", "1.5")),
    *(
        ("prompt", bad, 10023)
        for bad in ("none", "../morning", "record/morning", "morning.wav", "a+b", "x" * 64)
    ),
    *(("prompt", bad, 10023) for bad in ("morning\x00", "morning\r\nAction: Logoff", "${EXTEN}")),
    ("prompt", "\ud800", 10020),  # no object that could be stored
    *((name, "", 10004) for name in ("time", "type", "repeats", "repeatinterval", "weekdays")),
    *((name, None, 10004) for name in ("time", "type", "repeats", "repeatinterval", "weekdays")),
    ("weekdays", " , ", 10004),
]


@pytest.mark.parametrize(("name", "bad", "errno"), BAD)
async def test_bad_values(desk: Desk, name: str, bad: Any, errno: int) -> None:
    custom = {"type": "custom", "weekdays": "1"}
    assert await desk.refused(**{**custom, name: bad}) == errno
    assert await desk.all() == {}
    await desk.create(**custom)
    before = await desk.one()
    wish = {"time": "07:00", **custom, "repeats": "1", "repeatinterval": "2", name: bad}
    kept = name in {"repeats", "repeatinterval"} and errno == 10004
    sent = {"number": "2001", "wakeupid": before["wakeupid"], "wakeup": wish}
    if kept:
        await desk.ok("wakeupcall/update", **sent)
        assert (await desk.one())[name] == before[name]
    else:
        assert await desk.errno("wakeupcall/update", **sent) == errno
        assert await desk.one() == before


@pytest.mark.parametrize(
    ("wakeup", "errno"),
    [
        (None, 10004),
        ("", 10004),
        ([], 10004),
        ({}, 10004),
        ([{}], 10004),
        ("06:30", 10020),
        (5, 10020),
        ([5], 10020),
        (True, 10020),
        ('{"time":', 10020),
        ("{" * 3000, 10020),
        ('{"time":' * 3000, 10020),
        ("[" * 3000, 10020),
    ],
)
async def test_what_is_no_wake_up_call(desk: Desk, wakeup: Any, errno: int) -> None:
    assert await desk.errno("wakeupcall/create", number="2001", wakeup=wakeup) == errno
    assert await desk.errno("wakeupcall/update", number="2001", wakeupid="1", wakeup=wakeup) == errno


@pytest.mark.parametrize("bad", ["9999", "2001,9999", "9999,2001", "2001;2002", "0", "x", "2001\x00", "٢٠٠١"])
async def test_extensions_that_do_not_exist(desk: Desk, bad: str) -> None:
    await desk.create()
    one = await desk.one()
    assert await desk.refused(bad, time="08:00") == 10006
    assert await desk.errno("wakeupcall/query", number=bad) == 10006
    assert await desk.errno("wakeupcall/delete", number=bad) == 10006
    wish = {"number": bad, "wakeupid": one["wakeupid"], "wakeup": WISH}
    assert await desk.errno("wakeupcall/update", **wish) == 10006
    assert await desk.all() == {"2001": [one]}


@pytest.mark.parametrize("path", ["query", "create", "update", "delete"])
@pytest.mark.parametrize("nothing", [None, "", ",", []])
async def test_without_an_extension(desk: Desk, path: str, nothing: Any) -> None:
    fields = {"number": nothing, "wakeup": WISH, "wakeupid": "1"}
    # for update a comma is a number that nobody has
    expected = 10006 if (path, nothing) == ("update", ",") else 10004
    assert await desk.errno(f"wakeupcall/{path}", **fields) == expected


async def test_all_is_not_offered_for_create_and_update(desk: Desk) -> None:
    assert await desk.refused("all") == 10006
    await desk.create()
    wish = {"wakeupid": (await desk.one())["wakeupid"], "wakeup": WISH}
    assert await desk.errno("wakeupcall/update", number="all", **wish) == 10006


async def test_several_extensions_get_it_all_or_none(desk: Desk) -> None:
    await desk.create("2002")
    assert await desk.refused("2001, 2002,2003") == 10022
    assert list(await desk.all()) == ["2002"]
    await desk.create("2003,2001,", time="07:00")
    assert [(n, [one["time"] for one in found]) for n, found in (await desk.all()).items()] == [
        ("2001", ["07:00"]),
        ("2002", ["06:30"]),
        ("2003", ["07:00"]),
    ]
    assert list(await desk.all("2003,2002")) == ["2002", "2003"]


async def test_the_same_once_more_is_refused_and_another_is_not(desk: Desk) -> None:
    await desk.create(type="custom", weekdays="1,3")
    assert await desk.refused(type="custom", weekdays="3,1", repeats="1", prompt="morning") == 10022
    for other in ({"time": "06:31"}, {"type": "everyday"}, {"type": "onetime"}, {"weekdays": "1"}):
        await desk.create(**{"type": "custom", "weekdays": "1,3", **other})
    found = (await desk.all())["2001"]
    assert len(found) == 5
    other = next(one for one in found if one["type"] == "everyday")
    same = {"time": "06:30", "type": "onetime"}
    assert (
        await desk.errno("wakeupcall/update", number="2001", wakeupid=other["wakeupid"], wakeup=same) == 10020
    )
    assert (await desk.all())["2001"] == found


async def test_an_extension_has_a_hundred_at_most(desk: Desk) -> None:
    for minute in range(100):
        await desk.create("2002", time=f"{minute // 60:02d}:{minute % 60:02d}")
    assert await desk.refused("2001,2002") == 10020
    assert list(await desk.all()) == ["2002"]


@pytest.mark.parametrize("bad", ["0", "-1", "x", "999999", "9" * 30, "1.0", "all", "1\x00", "' OR 1=1"])
async def test_update_of_what_does_not_exist(desk: Desk, bad: str) -> None:
    await desk.create()
    assert await desk.errno("wakeupcall/update", number="2001", wakeupid=bad, wakeup=WISH) == 10021


async def test_what_update_does_not_name_stays(desk: Desk) -> None:
    await desk.create(prompt="morning", repeats="2", repeatinterval="7")
    one = await desk.one()
    wish = {"time": "9:15", "type": "custom", "weekdays": "2"}
    sent = {"number": "2001", "wakeupid": one["wakeupid"]}
    await desk.ok("wakeupcall/update", **sent, wakeup=wish)
    new = await desk.one()
    assert new == {**one, **wish, "time": "09:15"}
    # weekdays are not kept when they are not named again
    assert await desk.errno("wakeupcall/update", **sent, wakeup={"time": "9:15", "type": "custom"}) == 10004
    await desk.ok("wakeupcall/update", **sent, wakeup={"time": "9:15", "type": "custom", "weekdays": "0"})
    assert (
        await desk.errno("wakeupcall/update", number="2002", wakeupid=one["wakeupid"], wakeup=wish) == 10021
    )


async def test_half_of_the_pair_is_not_enough_where_there_is_none(desk: Desk) -> None:
    await desk.create(repeats=None, repeatinterval=None)
    one = await desk.one()
    for half in ({"repeats": "1"}, {"repeatinterval": "5"}):
        sent = {"wakeupid": one["wakeupid"], "wakeup": {"time": "07:00", "type": "onetime", **half}}
        assert await desk.errno("wakeupcall/update", number="2001", **sent) == 10004
    assert await desk.one() == one


async def test_delete_by_id(desk: Desk) -> None:
    await desk.create("2001,2002")
    await desk.create("2001", time="07:00")
    found = await desk.all()
    first, second = (one["wakeupid"] for one in found["2001"])
    other = found["2002"][0]["wakeupid"]
    for bad in (other, f"{first},{other}", f"{first},999999", "0", "x", "9" * 40, f"{first}.0", "٣"):
        assert await desk.errno("wakeupcall/delete", number="2001", wakeupid=bad) == 10021
    assert await desk.all() == found
    await desk.ok("wakeupcall/delete", number="2001", wakeupid=first)
    await desk.ok("wakeupcall/delete", number="2001,2002", wakeupid=[second, int(other)])
    assert await desk.all() == {}
    await desk.create("2001,2002")
    await desk.ok("wakeupcall/delete", number=2001, wakeupid="ALL")
    assert list(await desk.all()) == ["2002"]
    await desk.ok("wakeupcall/delete", number="all", wakeupid="")
    assert await desk.all() == {}


async def test_an_id_is_never_given_again(desk: Desk) -> None:
    await desk.create()
    last = int((await desk.one())["wakeupid"])
    await desk.ok("wakeupcall/delete", number="all")
    await desk.create()
    assert int((await desk.one())["wakeupid"]) > last


async def test_a_deleted_extension_takes_its_wake_up_calls_with_it(desk: Desk) -> None:
    await desk.ok("extension/add", **EXTENSION, number="2009", registername="2009")
    await desk.create("2001,2009")
    await desk.ok("extension/delete", number="2009")
    assert list(await desk.all()) == ["2001"]
    await desk.ok("extension/add", **EXTENSION, number="2009", registername="2009")
    assert list(await desk.all()) == ["2001"]
    await desk.ok("extension/delete", number="2009")


async def test_a_departing_guest_loses_them_in_the_caller_s_transaction(desk: Desk) -> None:
    service = desk.api.core.wakeups
    await desk.create("2001,2002,2003")

    def fails(unit: UnitOfWork) -> None:
        assert service.delete_all_in(unit, ["2001", "2002", "2009"]) == 2
        raise LookupError

    with pytest.raises(LookupError):
        await desk.api.core.store.write("test", fails)
    assert list(await desk.all()) == ["2001", "2002", "2003"]
    count = await desk.api.core.store.write(
        "test", lambda unit: service.delete_all_in(unit, ["2001", "2002"])
    )
    assert count == 2
    assert list(await desk.all()) == ["2003"]


async def test_ten_thousand_in_one_request() -> None:
    async with running_api() as api:
        desk = Desk(api, await api.login())
        for number in ("10000",):
            await desk.ok("extension/add", **EXTENSION, number=number, registername=number)
        names = [str(10000 + n) for n in range(10_000)]

        def multiply(unit: UnitOfWork) -> None:
            row = dict(unit.connection.execute(sa.select(extensions)).mappings().one())
            rows = [{**row, "number": name, "registername": name} for name in names[1:]]
            unit.connection.execute(sa.insert(extensions), rows)

        await api.core.store.write("test", multiply)
        begin = time.perf_counter()
        await desk.create(",".join(names))
        assert len(await desk.all()) == 10_000
        assert await desk.refused(",".join(names)) == 10022
        await desk.ok("wakeupcall/delete", number="all")
        taken = time.perf_counter() - begin
        assert taken < 10, f"{taken:.1f} s"
        count = sa.select(sa.func.count()).select_from(wakeups)
        assert await api.core.store.read(lambda c: c.execute(count).scalar_one()) == 0
        found = await api.core.wakeups.query(Selection(every=True))
        assert found == {}
