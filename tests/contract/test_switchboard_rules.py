"""Trunks, routes, IVRs, queues, conferences, paging groups: good values are kept, bad ones change nothing.

Each bad value is sent to a PBX that has one object of each kind; after every refusal the whole store is
compared with what it was before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from offhook.areas.objects.service import one
from offhook.store.metadata import metadata
from tests.support.api import TestApi, running_api

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRONG = "v0S*ZrB6Y3g~1-oe"
DOCUMENT = f"""
extensions:
- {{number: 1000, username: Ann, registername: 1000, registerpassword: {STRONG}}}
- {{number: 1001, username: Bob, registername: 1001, registerpassword: {STRONG}}}
extensiongroups: [{{name: sales, members: 1000}}]
trunks:
- {{trunkname: peer1, trunktype: peer, host: 192.0.2.1, domain: 192.0.2.1}}
- {{trunkname: reg1, trunktype: register, host: sip.example.com, domain: sip.example.com, username: acct,
    authname: acct, password: Pajsjx9183}}
- {{trunkname: acc1, trunktype: account, username: gw, authname: gw, password: Pajsjx9183}}
outroutes: [{{name: out1, prefix: 9X., trunks: peer1, extensions: 1000}}]
ivrs: [{{number: 6500, ivrname: Welcome}}]
ringgroups: [{{number: 6200, name: Group, members: 1000}}]
queues: [{{number: 6700, queuename: Support, agents: 1000}}]
conferences: [{{number: 6400, name: Room}}]
paginggroups: [{{number: 6300, name: Page, member: 1000}}, {{number: 6301, name: Multi, type: multicast,
    multicastip: 239.1.2.3}}]
inroutes: [{{name: in1, did: 5503301, trunks: peer1, desttype: extension, dest: 1000}}]
"""


class Api:
    """The API with one object of each kind."""

    def __init__(self, api: TestApi, token: str) -> None:
        self._api = api
        self._token = token
        self.core = api.core

    async def post(self, path: str, **body: str) -> dict[str, Any]:
        """One request."""
        return await self._api.post(f"{path}?token={self._token}", dict(body))

    async def ok(self, path: str, **body: str) -> dict[str, Any]:
        """One request that has to succeed."""
        answer = await self.post(path, **body)
        assert answer["status"] == "Success", (path, body, answer)
        return answer

    async def state(self) -> dict[str, list[Any]]:
        """Every row of every table."""

        def work(connection: sa.Connection) -> dict[str, list[Any]]:
            left = {"api_sessions", "receiver_sessions", "receivers", "lockout"}
            return {
                table.name: sorted(map(repr, connection.execute(sa.select(table)).all()))
                for table in metadata.sorted_tables
                if table.name not in left and "session" not in table.name
            }

        return await self.core.store.read(work)

    async def refused(self, path: str, errno: int, **body: str) -> None:
        """One request that has to fail with `errno` and leave everything as it was."""
        before = await self.state()
        answer = await self.post(path, **body)
        assert (answer["status"], answer.get("errno")) == ("Failed", str(errno)), (path, body, answer)
        assert await self.state() == before


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api() -> AsyncIterator[Api]:
    async with running_api() as running:
        await running.core.apply.apply(DOCUMENT)
        yield Api(running, await running.login())


IDS = {"peer1": "1", "reg1": "2", "acc1": "3", "out1": "1", "in1": "1"}
PEER = {"trunkname": "new", "trunktype": "peer", "host": "192.0.2.9", "port": "5060", "domain": "a.example"}
REG = {**PEER, "trunktype": "register", "username": "u", "authname": "u", "password": "p"}
ACC = {"trunkname": "new", "trunktype": "account", "username": "g2", "authname": "g2", "password": "p"}
IN = {"name": "new", "trunks": "peer1", "desttype": "extension", "dest": "1000"}
OUT = {"name": "new", "prefix": "8.", "trunks": "peer1", "extensions": "1000"}
PAGE = {"number": "6302", "name": "new", "type": "paging", "member": "1000", "enabledialtoanswer": "no"}
LONG = "x" * 300

BAD: list[tuple[str, dict[str, str], str, str | None, int]] = [
    # trunk: base body, parameter, value (None: missing), errno
    *(("trunk/add_siptrunk", PEER, "trunkname", v, 10042) for v in ("a/b", "a$b", "a;b", "a\r\nb", LONG)),
    ("trunk/add_siptrunk", PEER, "trunkname", "ü" * 31, 10042),
    ("trunk/add_siptrunk", PEER, "trunkname", "peer1", 10043),
    *(("trunk/add_siptrunk", PEER, n, None, 10004) for n in ("trunkname", "trunktype", "host", "domain")),
    *(("trunk/add_siptrunk", REG, name, None, 10004) for name in ("username", "authname", "password")),
    *(("trunk/add_siptrunk", ACC, name, "", 10004) for name in ("username", "authname", "password")),
    ("trunk/add_siptrunk", PEER, "trunktype", "iax", 10044),
    *(("trunk/add_siptrunk", PEER, "host", v, 10045) for v in ("a b", "1.2.3", "999.1.1.1", "-a", LONG)),
    *(("trunk/add_siptrunk", PEER, "port", v, 10046) for v in ("65536", "-1", "x", "5060;")),
    *(("trunk/add_siptrunk", PEER, "domain", v, 10047) for v in ("a b", "a/b", "${x}")),
    *(("trunk/add_siptrunk", REG, "username", v, 10048) for v in ("a b", "a;b", "a'b", "a@b")),
    ("trunk/add_siptrunk", ACC, "username", "gw", 10049),
    ("trunk/add_siptrunk", ACC, "username", "1000", 10049),
    *(("trunk/add_siptrunk", REG, "authname", v, 10050) for v in ("a b", "a|b", "a\nb")),
    *(("trunk/add_siptrunk", REG, "fromuser", v, 10051) for v in ("a b", "a:b", "a$b")),
    *(("trunk/add_siptrunk", REG, "password", v, 10052) for v in ("a b", 'a"b', "a\\b")),
    ("trunk/add_siptrunk", PEER, "extensionsdod", "1-a-9999", 10053),
    ("trunk/add_siptrunk", PEER, "extensionsgroupdod", "1-a-nobody", 10054),
    ("trunk/add_siptrunk", PEER, "extensionsdod", "1x-a-1000", 10055),
    ("trunk/add_siptrunk", PEER, "extensionsdod", f"{'1' * 32}-a-1000", 10056),
    ("trunk/add_siptrunk", PEER, "extensionsdod", "1-a$-1000", 10057),
    ("trunk/add_siptrunk", PEER, "extensionsdod", f"1-{'a' * 32}-1000", 10058),
    *(("trunk/add_siptrunk", PEER, "extensionsdod", v, 10059) for v in ("1-1000", "1-a-b-1000", "x", "--")),
    ("trunk/update_siptrunk", {"id": "1", "trunktype": "peer"}, "trunkname", "reg1", 10043),
    ("trunk/update_siptrunk", {"id": "1", "trunktype": "peer"}, "trunktype", "account", 10044),
    ("trunk/update_siptrunk", {"id": "1", "trunktype": "peer"}, "host", "a b", 10045),
    ("trunk/update_siptrunk", {"id": "1", "trunktype": "peer"}, "id", "99", 10062),
    ("trunk/update_siptrunk", {"id": "1", "trunktype": "peer"}, "id", "1,2", 10062),
    ("trunk/update_siptrunk", {"id": "1", "trunktype": "peer"}, "trunktype", None, 10004),
    *((f"trunk/{word}_siptrunk", {"id": "1"}, "id", "99", 10062) for word in ("query", "delete")),
    *((f"trunk/{word}_siptrunk", {"id": "1"}, "id", "", 10004) for word in ("query", "delete")),
    # inbound routes
    *(("inroute/add", IN, "name", v, 10063) for v in ("a b", "a/b", "a\r\nb", LONG)),
    ("inroute/add", IN, "name", "in1", 10064),
    *(("inroute/add", IN, "did", v, 10065) for v in ("a", "_X.", "12..", "[3", "[5-1]", "1\r\n2", "9-1")),
    *(("inroute/add", IN, "caller_id", v, 10066) for v in ("a", "x y", "1,2")),
    *(("inroute/add", IN, "trunks", v, 10067) for v in ("nobody", "peer1,nobody", "Peer1")),
    ("inroute/add", IN, "desttype", "moon", 10068),
    *(("inroute/add", IN, "dest", v, 10069) for v in ("9999", "a", "1000&1001", "1000,s,1", "${EXTEN}")),
    *(
        ("inroute/add", {**IN, "desttype": kind}, "dest", "9999", 10069)
        for kind in ("voicemail", "ivr", "ringgroup", "queue", "conference", "faxtoemail")
    ),
    *(
        ("inroute/add", {**IN, "desttype": kind}, "dest", "nobody", 10069)
        for kind in ("disa", "callback", "outroute")
    ),
    *(
        ("inroute/add", {**IN, "desttype": "extrange"}, "dest", v, 10069)
        for v in ("1000", "1001-1000", "1-1000")
    ),
    *(("inroute/add", IN, name, None, 10004) for name in ("name", "trunks", "desttype", "dest")),
    ("inroute/update", {"id": "1"}, "desttype", "queue", 10069),
    ("inroute/update", {"id": "1"}, "id", "99", 10072),
    ("inroute/delete", {"id": "1"}, "id", "99", 10072),
    ("inroute/query", {"id": "1"}, "id", "x", 10072),
    # outbound routes
    *(("outroute/add", OUT, "name", v, 10073) for v in ("a b", "a$b", LONG)),
    ("outroute/add", OUT, "name", "out1", 10074),
    *(("outroute/add", OUT, "prefix", v, 10075) for v in ("a", "9.1", "[", "1,2", "9\n1", "_9.")),
    *(("outroute/add", OUT, "strip", v, 10076) for v in ("x", "-1", "12345678")),
    *(("outroute/add", OUT, "prepend", v, 10077) for v in ("+49", "a", "1" * 21)),
    ("outroute/add", OUT, "trunks", "nobody", 10078),
    ("outroute/add", OUT, "extensions", "1000,9999", 10079),
    ("outroute/add", OUT, "extensionsgroup", "nobody", 10080),
    *(("outroute/add", OUT, name, None, 10004) for name in ("name", "prefix", "trunks", "extensions")),
    ("outroute/update", {"id": "1"}, "id", "99", 10083),
    ("outroute/update", {"id": "1"}, "extensions", "", 10004),
    ("outroute/delete", {"id": "1"}, "id", "99", 10083),
    # IVRs
    ("ivr/update", {"number": "6500"}, "number", "6599", 10012),
    *(("ivr/update", {"number": "6500"}, "ivrname", v, 10018) for v in ("a b", "a;b", "x" * 32)),
    *(
        ("ivr/update", {"number": "6500"}, name, v, 10018)
        for name, v in (("promptrepeat", "6"), ("promptrepeat", "0"), ("responsetimeout", "11"))
    ),
    ("ivr/update", {"number": "6500"}, "digittimeout", "x", 10018),
    *(
        ("ivr/update", {"number": "6500"}, name, "yes", 10018)
        for name in ("dialext", "dialoutboundroutes", "dialtocheckvoicemail")
    ),
    ("ivr/query", {"number": "6500"}, "number", "6500,6599", 10012),
    # queues
    ("queue/update", {"number": "6700"}, "number", "6799", 10013),
    *(
        ("queue/update", {"number": "6700"}, name, v, 10019)
        for name, v in (
            ("queuename", "a b"),
            ("password", "12a"),
            ("ringstrategy", "All"),
            ("failoveraction", "Moon"),
            ("failoverdest", "x"),
            ("agenttimeout", "0"),
            ("wrapuptime", "-1"),
            ("ringinuse", "yes"),
            ("retry", "11"),
            ("maxwaittime", "x"),
            ("joinempty", "1"),
            ("leavewhenempty", "1"),
            ("announcepos", "1"),
            ("announcefreq", "16"),
            ("announceholdtime", "1"),
            ("userannounce", "../x"),
            ("userannouncefreq", "1"),
            ("breakoutkey", "12"),
            ("breakoutaction", "Moon"),
            ("breakoutdest", "x"),
            ("satisfactionsurvey", "a/b"),
            ("idannouncement", "a b"),
        )
    ),
    ("queue/update", {"number": "6700", "failoveraction": "IVR"}, "failoverdest", "6599", 10019),
    ("queue/update", {"number": "6700"}, "agents", "1000,9999", 10006),
    *(
        ("queue/update", {"number": "6700"}, name, "nowhere", 10023)
        for name in ("userannounce", "satisfactionsurvey", "idannouncement")
    ),
    ("queue/query", {"number": "6700"}, "number", "6700,6799", 10013),
    # agents
    ("queue/add_dynamicagent", {"queuenumber": "6700", "extnumber": "1001"}, "queuenumber", "6799", 10013),
    ("queue/add_dynamicagent", {"queuenumber": "6700", "extnumber": "1001"}, "extnumber", "9999", 10006),
    ("queue/pause_agent", {"queuenumber": "6700", "extnumber": "1000"}, "extnumber", "1001", 10006),
    # conferences
    ("conference/update", {"number": "6400"}, "number", "6499", 10110),
    ("conference/update", {"number": "6400"}, "moderators", "1000,5551234", 10006),
    *(
        ("conference/update", {"number": "6400"}, name, v, 10004)
        for name, v in (
            ("name", "a&b"),
            ("name", "a\\b"),
            ("participantepassword", "12a"),
            ("moderatorpassword", "1#"),
            ("waitformoderator", "1"),
            ("allowinvite", "maybe"),
            ("musiconhold", "1"),
        )
    ),
    ("conference/query", {"number": "6400"}, "number", "6400,6499", 10110),
    # paging groups
    *(("paginggroup/add", PAGE, "number", v, 10037) for v in ("6300", "1000", "6500", "6950")),
    *(("paginggroup/add", PAGE, "number", v, 10034) for v in ("a", "12345678")),
    *(("paginggroup/add", PAGE, name, None, 10004) for name in ("number", "name", "type", "member")),
    ("paginggroup/add", PAGE, "enabledialtoanswer", None, 10004),
    ("paginggroup/add", PAGE, "type", "loud", 10039),
    ("paginggroup/add", PAGE, "member", "1000,9999", 10038),
    ("paginggroup/add", PAGE, "membergroup", "nobody", 10038),
    *(
        ("paginggroup/add", {"number": "6302", "name": "m", "type": "multicast"}, "multicastip", v, 10039)
        for v in ("192.0.2.1", "239.1.1.1:0", "239.1.1.1:65536", "x", "239.1.1.1/24", "239.1.1")
    ),
    ("paginggroup/add", {"number": "6302", "name": "m", "type": "multicast"}, "multicastip", None, 10004),
    ("paginggroup/update", {"number": "6300"}, "number", "6399", 10036),
    ("paginggroup/update", {"number": "6300"}, "member", "", 10004),
    ("paginggroup/update", {"number": "6300"}, "type", "multicast", 10004),
    ("paginggroup/delete", {"number": "6300"}, "number", "6300,6399", 10036),
    ("paginggroup/query", {"number": "6300"}, "number", "", 10004),
]  # fmt: skip


@pytest.mark.parametrize(("path", "base", "name", "value", "errno"), BAD)
async def test_bad_values_are_refused_and_change_nothing(
    api: Api, path: str, base: dict[str, str], name: str, value: str | None, errno: int
) -> None:
    body = {key: text for key, text in base.items() if key != name}
    if value is not None:
        body[name] = value
    await api.refused(path, errno, **body)


GOOD = [
    (
        "trunk",
        {"host": "sip.example.org", "port": "5080", "domain": "example.org", "trunkname": "Büro 1"},
        "peer1",
    ),
    ("trunk", {"username": "a.b", "authname": "x@y", "fromuser": "049", "host": "2001:db8::1"}, "reg1"),
    (
        "trunk",
        {"extensionsdod": "5503301-yeastar-1000,5503302-y-1001", "extensionsgroupdod": "+49-a-sales,"},
        "peer1",
    ),
    ("trunk", {"extensionsdod": "", "extensionsgroupdod": ""}, "peer1"),
]


@pytest.mark.parametrize(("kind", "changes", "name"), GOOD)
async def test_good_values_of_trunks_are_kept(
    api: Api, kind: str, changes: dict[str, str], name: str
) -> None:
    types = {"peer1": "peer", "reg1": "register", "acc1": "account"}
    await api.ok("trunk/update_siptrunk", id=IDS[name], trunktype=types[name], **changes)
    shown = (await api.ok("trunk/query_siptrunk", id=IDS[name]))["trunks"][0]
    for key, value in changes.items():
        assert shown[key] == value.rstrip(","), kind


async def test_a_trunk_shows_what_belongs_to_its_kind(api: Api) -> None:
    shown = {trunk["id"]: trunk for trunk in (await api.ok("trunk/query_siptrunk", id="all"))["trunks"]}
    lists = ["extensionsdod", "extensionsgroupdod"]
    assert list(shown["1"]) == ["id", "trunkname", "trunktype", "host", "port", "domain", *lists]
    assert list(shown["3"]) == ["id", "trunkname", "trunktype", "username", "authname", "password", *lists]
    assert len(shown["3"]["password"]) == 64
    assert "Pajsjx9183" not in str(shown)


async def test_routes_follow_a_renamed_trunk_and_lose_a_deleted_one(api: Api) -> None:
    added = await api.ok("trunk/add_siptrunk", **PEER)
    await api.ok("inroute/update", id="1", trunks="peer1,new" if await _named(api, "peer1") else "new")
    await api.ok("trunk/update_siptrunk", id=added["id"], trunktype="peer", trunkname="other")
    shown = (await api.ok("inroute/query", id="1"))["inroutes"][0]
    assert "other" in shown["trunks"].split(",")
    await api.ok("trunk/delete_siptrunk", id=f"{added['id']},999")
    shown = (await api.ok("inroute/query", id="1"))["inroutes"][0]
    assert "other" not in shown["trunks"].split(",")


async def _named(api: Api, name: str) -> bool:
    return name in {t["trunkname"] for t in (await api.ok("trunk/list"))["trunklist"]}


async def test_an_update_touches_one_conference_only(api: Api) -> None:
    await api.core.objects["conferences"].create(
        api.core.objects["conferences"].kind.read_new({"number": "6401", "name": "Second"})
    )
    await api.ok("conference/update", number="6400", participantepassword="5678", moderators="1000,1001")
    rooms = (await api.ok("conference/query", number="all"))["conferences"]
    assert [room["number"] for room in rooms] == ["6400", "6401"]
    assert rooms[0]["participantepassword"] == "5678"
    assert rooms[0]["moderators"] == "1000,1001"
    assert rooms[1]["participantepassword"] == ""
    await api.ok("conference/update", number="6400", participantepassword="", moderators="")
    rooms = (await api.ok("conference/query", number="6400"))["conferences"]
    assert (rooms[0]["participantepassword"], rooms[0]["moderators"]) == ("", "")
    await api.core.objects["conferences"].delete(one("6401"))


async def test_queue_samples(api: Api) -> None:
    shown = (await api.ok("queue/query", number="6700"))["queues"][0]
    assert shown["agents"] == "1000,"
    assert "failoverdest" not in shown
    assert "dynamicagents" not in shown
    assert "breakoutaction" not in shown
    assert (shown["musiconhold"], shown["breakoutkey"]) == ("[None]", "None")
    await api.ok("queue/update", number="6700", failoveraction="Hangup", ringstrategy="RRmemory", agents="")
    await api.ok("queue/add_dynamicagent", queuenumber="6700", extnumber="1001")
    await api.ok("queue/add_dynamicagent", queuenumber="6700", extnumber="1001")
    await api.ok("queue/update", number="6700", breakoutkey="0", breakoutaction="Dial by name")
    shown = (await api.ok("queue/query", number="6700"))["queues"][0]
    assert (shown["agents"], shown["dynamicagents"], shown["ringstrategy"]) == ("", "1001,", "Rrmemory")
    assert (shown["breakoutkey"], shown["breakoutaction"]) == ("0", "Dial by name")
    await api.ok("queue/pause_agent", queuenumber="6700", extnumber="1001")
    await api.ok("queue/unpause_agent", queuenumber="6700", extnumber="1001")
    await api.ok("queue/delete_dynamicagent", queuenumber="6700", extnumber="1001")
    await api.ok("queue/delete_dynamicagent", queuenumber="6700", extnumber="1001")
    await api.ok("queue/update", number="6700", password="4711")
    answer = await api.post("queue/add_dynamicagent", queuenumber="6700", extnumber="1001", password="1")
    assert answer["errno"] == "10032"
    await api.ok("queue/update", number="6700", password="", agents="1000", breakoutkey="None")


async def test_paging_groups_can_be_sent_back_as_they_were_shown(api: Api) -> None:
    shown = (await api.ok("paginggroup/query", number="6300"))["paginggroup"][0]
    assert shown == {
        "number": "6300",
        "name": "Page",
        "type": "paging",
        "member": "1000,",
        "membergroup": "",
        "enabledialtoanswer": "no",
    }
    await api.ok("paginggroup/update", **shown)
    multi = (await api.ok("paginggroup/query", number="6301"))["paginggroup"][0]
    assert multi == {"number": "6301", "name": "Multi", "type": "multicast", "multicastip": "239.1.2.3"}
    await api.ok("paginggroup/update", number="6301", type="intercom", membergroup="sales,")
    await api.ok("paginggroup/update", number="6301", type="multicast", multicastip="[ff02::1]:2000")
