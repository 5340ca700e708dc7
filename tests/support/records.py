"""Call records without calls, and the file of cdr/download as clients take it apart."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from offhook.areas.records.rows import insert_record
from offhook.ledger import CallRecord, Leg
from offhook.store.unit import Store
from tests.support.api import TestApi

HEADING = (
    "callid,timestart,callfrom,callto,callduraction,talkduraction,srctrunkname,dsttrunkname,"
    "status,type,pincode,recording,didnumber,sn"
)
NOON = 1_571_918_400.0  # 2019-10-24 12:00:00 UTC


def a_record(at: float, callfrom: str = "1000", callto: str = "1001", **more: Any) -> CallRecord:
    """A call between extensions that were rung; its callid tells its time."""
    legs = tuple(
        Leg(channel=f"PJSIP/{number}-{index:08x}", started=at, answered=at + 1, ended=at + 9)
        for index, number in enumerate((callfrom, callto))
        if number.isdigit() and "legs" not in more
    )
    values: dict[str, Any] = {
        "callid": f"{at:.3f}",
        "dialled": callto,
        "call_seconds": 9,
        "talk_seconds": 8,
        "status": "ANSWERED",
        "type": "Internal",
        "legs": legs,
        **more,
    }
    return CallRecord(started=at, callfrom=callfrom, callto=callto, **values)


async def keep(store: Store, *records: CallRecord) -> None:
    """Store records."""

    def work(unit: Any) -> None:
        for record in records:
            insert_record(unit.connection, record)

    await store.write("records", work)


class Cdr:
    """cdr/get_random and cdr/download of a listening API, with one token."""

    def __init__(self, api: TestApi, token: str) -> None:
        self.api = api
        self.token = token

    async def ask(self, **fields: Any) -> dict[str, Any]:
        """cdr/get_random."""
        return await self.api.post(f"cdr/get_random?token={self.token}", dict(fields))

    async def random(self, **fields: Any) -> str:
        """The random string of a cdr/get_random that has to succeed."""
        answer = await self.ask(**fields)
        assert answer["status"] == "Success", answer
        return str(answer["random"])

    async def errno(self, **fields: Any) -> str:
        """The code with which cdr/get_random is refused."""
        answer = await self.ask(**fields)
        assert answer["status"] == "Failed", answer
        return str(answer["errno"])

    def link(self, random: str, **fields: str) -> bytes:
        """The request of a link."""
        query = "&".join(f"{name}={quote(value)}" for name, value in fields.items())
        target = f"/api/v2.0.0/cdr/download?{query}&token={self.token}&random={random}"
        return f"GET {target} HTTP/1.0\r\nHost: pbx\r\n\r\n".encode()

    async def fetch(self, random: str, **fields: str) -> str:
        """The file."""
        head, body = await self.api.raw(self.link(random, **fields))
        assert b"text/csv" in head, (head, body)
        return body.decode()

    async def refusal(self, random: str, **fields: str) -> str:
        """The code with which cdr/download is refused."""
        return str((await self.api.json(self.link(random, **fields)))["errno"])

    async def rows(self, **fields: Any) -> list[list[str]]:
        """The records that a get_random with these fields gives, without the heading; none for 20021."""
        answer = await self.ask(**fields)
        assert answer["status"] == "Success", answer
        random = str(answer["random"])
        sent = {name: str(answer[name]) for name in ("number", "starttime", "endtime")}
        head, body = await self.api.raw(self.link(random, **sent))
        if b"application/json" in head:
            assert json.loads(body)["errno"] == "20021", body
            return []
        heading, *lines = body.decode().split("\n")
        assert heading == HEADING
        return [line.split(",") for line in lines]

    async def callids(self, **fields: Any) -> list[str]:
        """The callids of these."""
        return [row[0] for row in await self.rows(**fields)]
