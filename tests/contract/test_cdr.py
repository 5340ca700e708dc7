"""cdr/get_random and cdr/download: parameters, times, numbers, the file (spec 10-records, 19-tolerances)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from offhook.areas.records import export
from offhook.contract.endpoint import Caller
from offhook.ledger import Leg
from tests.support.api import running_api
from tests.support.pbx import STRONG
from tests.support.records import HEADING, NOON, Cdr, a_record, keep

DAY = {"starttime": "2019-10-24 00:00:00", "endtime": "2019-10-24 23:59:59"}
ALL = {"number": "all", **DAY}


@pytest_asyncio.fixture
async def cdr() -> AsyncIterator[Cdr]:
    """An API with extensions 1000 to 1002."""
    async with running_api() as api:
        token = await api.login()
        for number in ("1000", "1001", "1002"):
            body = {"number": number, "username": number, "registername": number, "registerpassword": STRONG}
            answer = await api.post(f"extension/add?token={token}", body)
            assert answer["status"] == "Success"
        yield Cdr(api, token)


async def test_the_file(cdr: Cdr) -> None:
    sn = cdr.api.core.system.identity.sn
    await keep(
        cdr.api.core.store,
        a_record(NOON, pincode="4711", recording="20191024120000-1.1-1000-1001-Internal.wav"),
        a_record(
            NOON + 61.9,
            "+4915112345678",
            "6200(1001)",
            type="Inbound",
            source_trunk="siptrunk",
            didnumber="5503301",
            status="NO ANSWER",
            talk_seconds=0,
            agent_ring_seconds=7,
            legs=(),
        ),
    )
    answer = await cdr.ask(**ALL, allowedip=" ")
    random = answer.pop("random")
    assert answer == {"status": "Success", **ALL}
    assert list(answer) == ["status", "number", "starttime", "endtime"]
    assert re.fullmatch("[0-9a-f]{32}", random)
    head, body = await cdr.api.raw(cdr.link(random, **ALL))
    assert b"Content-Type: text/csv; charset=utf-8" in head
    assert b'Content-Disposition: attachment; filename="cdr.csv"' in head
    assert body.decode().split("\n") == [
        HEADING,
        "1571918400.000,2019-10-24 12:00:00,1000,1001,9,8,,,ANSWERED,Internal,4711,"
        f"20191024120000-1.1-1000-1001-Internal.wav,,{sn}",
        "1571918461.900,2019-10-24 12:01:01,+4915112345678,6200(1001),9,0,siptrunk,,NO ANSWER,Inbound,,,"
        f"5503301,{sn}",
    ]
    assert await cdr.refusal(random, **ALL) == "20020"  # used


async def test_whose_records(cdr: Cdr) -> None:
    store = cdr.api.core.store
    queue = (Leg(channel="PJSIP/1001w-00000007", started=1, answered=0, ended=2),)
    await keep(
        store,
        a_record(NOON + 1, "1000", "1001"),
        a_record(NOON + 2, "1001", "1002"),
        a_record(NOON + 3, "1002", "1000"),
        # as from outside; and to an outside number that looks like an extension
        a_record(NOON + 4, "1000", "1002", type="Inbound", legs=()),
        a_record(NOON + 5, "1002", "1001", type="Outbound", legs=()),
        a_record(NOON + 6, "12345678", "6700(1000)", type="Inbound", legs=queue),
        a_record(NOON + 7, "1001", "6200", legs=()),
    )

    async def found(number: str) -> str:
        return "".join(callid[9] for callid in await cdr.callids(**{**ALL, "number": number}))

    assert await found("1000") == "136"
    assert await found("1001") == "1267"
    assert await found("1002") == "2345"
    assert await found("1000,1001") == "12367"
    assert await found(" 1002 , 1000,") == "123456"
    assert await found("ALL") == "1234567"


async def test_both_ends_are_included_to_the_whole_second(cdr: Cdr) -> None:
    await keep(cdr.api.core.store, *(a_record(NOON + at) for at in (-0.001, 0, 0.5, 1.999, 2)))

    async def count(start: str, end: str) -> int:
        return len(await cdr.rows(number="all", starttime=f"2019-10-24 {start}", endtime=f"2019-10-24 {end}"))

    assert await count("12:00:00", "12:00:00") == 2
    assert await count("12:00:00", "12:00:01") == 3
    assert await count("11:59:59", "12:00:02") == 5
    assert await count("12:00:03", "12:00:04") == 0
    assert await count("12:00:02", "12:00:01") == 0  # the end before the start


async def test_without_number_or_times_it_goes_by_the_random_string(cdr: Cdr) -> None:
    await keep(cdr.api.core.store, a_record(NOON), a_record(NOON + 86400, "1001", "1002"), a_record(5.0))
    answer = await cdr.ask()
    assert (answer["number"], answer["starttime"], answer["endtime"]) == ("", "", "")
    for sent in (
        {},
        {"number": "", "starttime": "", "endtime": ""},
        {"number": "9", "starttime": "undefined"},
    ):
        body = await cdr.fetch(await cdr.random(), **sent)
        assert len(body.split("\n")) == 4
    assert len(await cdr.rows(number="1000")) == 2
    assert len(await cdr.rows(starttime="2019-10-24 12:00:01")) == 1
    assert len(await cdr.rows(endtime="2019-10-24 12:00:00")) == 2
    # a link that says less than what was asked for
    assert len((await cdr.fetch(await cdr.random(number="1000", **DAY))).split("\n")) == 2
    assert await cdr.refusal(await cdr.random(number="1002", **DAY)) == "20021"


async def test_startime_and_other_spellings(cdr: Cdr) -> None:
    await keep(cdr.api.core.store, a_record(NOON), a_record(NOON - 1))
    answer = await cdr.ask(number=1000, startime="2019-10-24 12:00:00", endtime=DAY["endtime"])
    assert answer["starttime"] == "2019-10-24 12:00:00"
    random = answer["random"]
    target = (
        f"/api/v2.0.0/cdr/download?random={random}&number=1000&starttime=2019-10-24%2012%3A00%3A00"
        f"&endtime=2019-10-24+23:59:59&token={cdr.token}"
    )
    _, body = await cdr.api.raw(f"POST {target} HTTP/1.0\r\n\r\n".encode())
    assert len(body.decode().split("\n")) == 2
    token, number = cdr.token, "all"
    target = f"/api/v2.0.0/cdr/get_random?token={token}&number={number}&starttime=2019-10-24 00:00:00"
    answer = await cdr.api.json(f"GET {target} HTTP/1.1\r\n\r\n".encode())
    assert (answer["status"], answer["number"], answer["endtime"]) == ("Success", "all", "")


BAD_TIMES = (
    *("2019-10-24", "2019-10-24T00:00:00", "2019-10-24 00:00", "2019-10-24 24:00:00", "2019-02-29 00:00:00"),
    *("2019-13-01 00:00:00", "0000-01-01 00:00:00", "24.10.2019 00:00:00", "2019-10-24 00:00:60", "0", "now"),
    *("2019-10-24 00:00:00Z", "2019-10-24 00:00:00 +01:00", "٢019-10-24 00:00:00", "2019-10-24 00:00:00\0"),
    *(
        "2019-10-24  00:00:00",
        "' OR 1=1",
        "x" * 3000,
        "20191024000000",
        "2019-10-24 00:00:00\nX: y",
        "\ud800",
    ),
)


@pytest.mark.parametrize("name", ["starttime", "endtime"])
async def test_times_that_are_none(cdr: Cdr, name: str) -> None:
    for bad in BAD_TIMES:
        assert await cdr.errno(**{**ALL, name: bad}) == "20019", bad
    for good in (
        "0001-01-01 00:00:00",
        "9999-12-31 23:59:59",
        " 2019-10-24 00:00:00 ",
        "2020-02-29 23:59:59",
    ):
        assert (await cdr.ask(**{**ALL, name: good}))[name] == good
        await cdr.rows(**{**ALL, name: good})


async def test_numbers_that_are_none(cdr: Cdr) -> None:
    bad: list[Any] = [
        "9999",
        "1000,9999",
        "x",
        "1000;1001",
        "all,1000",
        "-1",
        "1000\0",
        "1" * 300,
        "１０００",
    ]
    bad += ["' OR 1=1 --", "1000)", "../1000", "\ud800", ",".join(map(str, range(5000)))]
    for number in bad:
        assert await cdr.errno(**{**ALL, "number": number}) == "10006", number
    for number in ("", " ", ",", None):
        assert await cdr.random(**{**ALL, "number": number})


async def test_the_address(cdr: Cdr) -> None:
    for bad in ("10.0.0.1,10.0.0.2", "pbx", "10.0.0.0/8", "all", "1", "' OR 1=1"):
        assert await cdr.errno(**ALL, allowedip=bad) == "20015"
    await keep(cdr.api.core.store, a_record(NOON))
    for good in ("", " ", "192.0.2.1", " 2001:db8::1 "):
        assert await cdr.fetch(await cdr.random(**ALL, allowedip=good), **ALL)
    link = cdr.api.links.issue("cdr", "[null, true, null, null]", None, Caller("192.0.2.1", 1, False))
    assert await cdr.refusal(link) == "20022"


async def test_a_random_string_is_for_what_it_was_asked_for(cdr: Cdr) -> None:
    await keep(cdr.api.core.store, a_record(NOON))
    asked = {"number": "1000,1001", **DAY}
    random = await cdr.random(**asked)
    for other in (
        {"number": "1000"},
        {"number": "all"},
        {"number": "x"},
        {"starttime": "2019-10-23 00:00:00"},
        {"endtime": "2019-10-25 00:00:00"},
    ):
        assert await cdr.refusal(random, **{**asked, **other}) == "20020", other
    for name in ("starttime", "endtime"):
        assert await cdr.refusal(random, **{**asked, name: "yesterday"}) == "20019"
    for foreign in ("0" * 32, "x", random[:-1], random + "0", "' OR 1=1", "%00", cdr.token):
        assert await cdr.refusal(foreign, **asked) == "20020", foreign
    assert await cdr.refusal("", **asked) == "10004"
    recording = cdr.api.links.issue("recording", "a.wav", None, Caller("127.0.0.1", 1, False))
    assert await cdr.refusal(recording) == "20020"
    assert await cdr.fetch(random, **{**asked, "number": "1001,1000,"})  # nothing of that has used it up
    late = await cdr.random(**asked)
    cdr.api.clock.advance(30.1)
    assert await cdr.refusal(late, **asked) == "20020"


async def test_the_token(cdr: Cdr) -> None:
    random, cdr.token = await cdr.random(**ALL), "0" * 32
    assert await cdr.refusal(random, **ALL) == "20004"
    cdr.token = ""
    assert await cdr.refusal(random, **ALL) == "20005"


async def test_no_record_is_20021_and_costs_no_random_string(cdr: Cdr) -> None:
    random = await cdr.random(**ALL)
    assert await cdr.refusal(random, **ALL) == "20021"
    await keep(cdr.api.core.store, a_record(NOON))
    assert len((await cdr.fetch(random, **ALL)).split("\n")) == 2


async def test_fields_break_neither_the_file_nor_a_spreadsheet(cdr: Cdr) -> None:
    hostile = [
        '=cmd|"/c calc"!A1',
        "a,b\r\nc",
        "@SUM(1)",
        "-1+1",
        "+491",
        "+49 1",
        "Ann \u2028Bob",
        "\x85",
        " =1",
    ]
    records = [a_record(NOON + at, name, name, type="Inbound") for at, name in enumerate(hostile)]
    await keep(cdr.api.core.store, *records)
    rows = await cdr.rows(**ALL)
    assert [row[2] for row in rows] == [
        *("'=cmd|'/c calc'!A1", "a;b  c", "'@SUM(1)", "'-1+1", "+491", "'+49 1", "Ann  Bob", " ", "' =1"),
    ]
    assert {len(row) for row in rows} == {14}


async def test_many_pages_come_in_order_without_a_gap(cdr: Cdr, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE", 7)
    # many begin in the same moment
    await keep(
        cdr.api.core.store,
        *(
            a_record(NOON + at // 10, "1000" if at % 3 else "1002", callid=f"{NOON + at // 10:.0f}.{at:03d}")
            for at in range(100)
        ),
    )
    everything = await cdr.callids(**ALL)
    assert everything == sorted(everything)
    assert len(set(everything)) == 100
    assert len(await cdr.callids(**{**ALL, "number": "1000"})) == 66
    assert len(await cdr.callids(**{**ALL, "number": "1000,1002"})) == 100
    assert len(await cdr.callids(**{**ALL, "number": "1001,1002"})) == 100


async def test_records_come_and_go_while_a_file_is_made(cdr: Cdr, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    store = cdr.api.core.store
    await keep(store, *(a_record(NOON + at) for at in range(6)))
    files = [cdr.fetch(await cdr.random(**ALL), **ALL) for _ in range(4)]
    *made, _ = await asyncio.gather(*files, keep(store, *(a_record(NOON + at + 0.5) for at in range(6))))
    for file in made:
        rows = str(file).split("\n")[1:]
        assert {f"{NOON + at:.3f}" for at in range(6)} <= {row.split(",")[0] for row in rows}
