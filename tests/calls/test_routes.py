"""Which route a call takes, in and out, and with which numbers it leaves (spec 04-routes)."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.support.carrier import Carrier
from tests.support.pbx import TestPbx, running_pbx
from tests.support.phone import Call, Phone, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Office:
    """A PBX with a carrier; 1000 calls out."""

    def __init__(self, pbx: TestPbx, carrier: Carrier, phone: Phone) -> None:
        self.pbx, self.carrier, self.phone = pbx, carrier, phone

    async def route(self, name: str = "out", **fields: str) -> str:
        """Make an outbound route; returns its id."""
        body = {"name": name, "prefix": "X.", "trunks": "siptrunk", "extensions": "1000", **fields}
        return str((await self.pbx.client.ok("outroute/add", body))["id"])

    async def inroute(self, name: str, **fields: str) -> str:
        """Make an inbound route to 1000; returns its id."""
        body = {"name": name, "trunks": "siptrunk", "desttype": "extension", "dest": "1000", **fields}
        return str((await self.pbx.client.ok("inroute/add", body))["id"])

    async def sends(self, dialled: str) -> str:
        """The number that reaches the carrier when 1000 dials."""
        before = len(self.carrier.requests)
        self.carrier.refusing = 404
        await (await self.phone.call(dialled)).refused()
        assert len(self.carrier.requests) == before + 1, f"{dialled} did not reach the carrier"
        return self.carrier.requests[-1].uri.removeprefix("sip:").partition("@")[0]

    async def fails(self, dialled: str, phone: Phone | None = None) -> tuple[int, str]:
        """Status and reason of a call out that reaches no carrier."""
        before = len(self.carrier.requests)
        await self.pbx.quiet()
        self.pbx.receiver.clear()
        status = await (await (phone or self.phone).call(dialled)).refused()
        await eventually(lambda: self.pbx.receiver.named("NewCdr"), "the record")
        assert len(self.carrier.requests) == before
        (failed,) = self.pbx.receiver.named("CallFailed")
        return status, failed["reason"]

    async def reaches(self, did: str, caller: str = "123") -> str:
        """Where a call from the carrier leads: `rings`, or the status of the refusal."""
        self.phone.forget_calls()
        call = await self.carrier.call_in(did, caller)
        await eventually(lambda: self.phone.calls or call.ended, "it rings or is refused")
        if not self.phone.calls:
            return str(await call.refused())
        await (await self.phone.incoming()).refuse(486)
        await call.refused()
        return "rings"


async def _office(pbx: TestPbx) -> Office:
    await pbx.extension("1000", busyforward="off")
    phone, carrier = await pbx.phone("1000"), await pbx.carrier()
    await pbx.trunk(carrier)
    return Office(pbx, carrier, phone)


NO_RIGHT = (403, "NO Outbound Restriction")
NO_ROUTE = (404, "404 NOT found")

# -- out ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "sent", "failing"),
    [
        ({"prefix": "X."}, {"12": "12", "0049301": "0049301"}, ["1"]),
        ({"prefix": "X!"}, {"2": "2", "23": "23"}, []),
        ({"prefix": "9X.", "strip": "1"}, {"9123": "123"}, ["8123", "91"]),
        ({"prefix": "9X.", "strip": "1", "prepend": "0049"}, {"9123": "0049123"}, []),
        ({"prefix": "0ZXXX", "strip": "1"}, {"01234": "1234"}, ["00234", "0123", "012345"]),
        ({"prefix": "N[13-5]X"}, {"217": "217", "950": "950"}, ["127", "227", "1317"]),
        ({"prefix": "112"}, {"112": "112"}, ["1123", "11"]),
        ({"prefix": "W.", "prepend": "5"}, {"12": "512"}, []),
        ({"prefix": "+X.", "strip": "1", "prepend": "00"}, {"+4930123": "004930123"}, ["4930123"]),
        ({"prefix": "+49X."}, {"+4930123": "+4930123"}, ["+4330123"]),
        ({"prefix": "123", "strip": "3", "prepend": "77"}, {"123": "77"}, []),
    ],
)
async def test_patterns_strip_and_prepend(
    pbx: TestPbx, fields: dict[str, str], sent: dict[str, str], failing: list[str]
) -> None:
    office = await _office(pbx)
    await office.route(**fields)
    for dialled, number in sent.items():
        assert await office.sends(dialled) == number
    for dialled in failing:
        assert await office.fails(dialled) == NO_ROUTE


async def test_nothing_left_to_dial(pbx: TestPbx) -> None:
    office = await _office(pbx)
    await office.route(prefix="123", strip="7")
    assert await office.fails("123") == (484, "484 Address incomplete")


async def test_the_lowest_priority_is_taken_and_no_other_rule(pbx: TestPbx) -> None:
    office = await _office(pbx)
    exact = await office.route("exact", prefix="112", prepend="2")
    wide = await office.route("wide", prefix="X.", prepend="1")
    assert await office.sends("112") == "2112"  # of equal ones that which was made first
    await pbx.admin("PATCH", f"/outroutes/{wide}", {"priority": 50})
    assert await office.sends("112") == "1112"  # not the more exact one
    await pbx.admin("PATCH", f"/outroutes/{exact}", {"priority": 1})
    assert await office.sends("112") == "2112"
    assert await office.sends("113") == "1113"
    await pbx.admin("PATCH", f"/outroutes/{exact}", {"enabled": False})
    assert await office.sends("112") == "1112"


async def test_the_next_route_serves_who_may_not_use_the_first(pbx: TestPbx) -> None:
    office = await _office(pbx)
    for number in ("1001", "1002"):
        await pbx.extension(number)
    await pbx.client.ok("extensiongroup/add", {"name": "sales", "members": "1001"})
    await office.route("first", prepend="1")
    await office.route("second", prepend="2", extensions="", extensionsgroup="sales")
    assert await office.sends("55") == "155"
    office.phone = await pbx.phone("1001")
    assert await office.sends("55") == "255"
    third = await pbx.phone("1002")
    assert await office.fails("55", third) == NO_RIGHT
    groups = (await pbx.client.ok("extensiongroup/query", {"id": "all"}))["extgroupinfos"]
    change = {"id": groups[0]["id"], "name": "sales", "members": "1001,1002"}
    await pbx.client.ok("extensiongroup/update", change)
    office.phone = third
    assert await office.sends("55") == "255"


async def test_a_restricted_extension_may_use_none(pbx: TestPbx) -> None:
    office = await _office(pbx)
    await office.route()
    await pbx.client.ok("extension/update", {"number": "1000", "callrestriction": "on"})
    assert await office.fails("55") == NO_RIGHT
    await pbx.client.ok("extension/update", {"number": "1000", "callrestriction": "off"})
    assert await office.sends("55") == "55"


async def test_a_password(pbx: TestPbx) -> None:
    office = await _office(pbx)
    identity = await office.route()
    await pbx.admin("PATCH", f"/outroutes/{identity}", {"password": "4711"})
    call = await office.phone.call("55")
    await call.answered()
    await call.rtp.press("1#4711#")
    called = await office.carrier.incoming()
    await called.answer()
    await call.hears(900)
    await call.hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    cdr = pbx.receiver.named("NewCdr")[0]
    assert (cdr["pincode"], cdr["callto"], cdr["type"]) == ("", "55", "Outbound")
    assert not pbx.receiver.named("DTMF")
    wrong = await office.phone.call("55")
    await wrong.answered()
    await wrong.rtp.press("1#2#3#")
    await wrong.over()
    await eventually(lambda: pbx.receiver.named("CallFailed"), "the failure")
    assert pbx.receiver.named("CallFailed")[0]["reason"] == NO_RIGHT[1]
    assert len(office.carrier.requests) == 1


async def test_rights_are_one_list_seen_from_both_sides(pbx: TestPbx) -> None:
    office = await _office(pbx)
    identity = await office.route("out")
    other = await office.route("abroad", prefix="00.")

    async def of(number: str) -> tuple[str, str]:
        (found,) = (await pbx.client.ok("extension/query", {"number": number}))["extinfos"]
        return found["selectoutroute"], found["unselectoutroute"]

    async def members(route: str) -> str:
        (found,) = (await pbx.client.ok("outroute/query", {"id": route}))["outroutes"]
        return str(found["extensions"])

    await pbx.extension("1001", selectoutroute="out,abroad")
    assert await of("1001") == ("out,abroad", "")
    assert (await members(identity), await members(other)) == ("1000,1001", "1000,1001")
    await pbx.client.ok("extension/update", {"number": "1001", "selectoutroute": "abroad"})
    assert (await of("1001"), await members(identity)) == (("abroad", "out"), "1000")
    await pbx.client.ok("outroute/update", {"id": identity, "extensions": "1001"})
    assert (await of("1001"), await of("1000")) == (("out,abroad", ""), ("abroad", "out"))
    assert await office.fails("55") == NO_RIGHT
    await pbx.client.ok("outroute/update", {"id": identity, "name": "renamed"})
    assert await of("1001") == ("renamed,abroad", "")
    unknown = {"number": "1001", "selectoutroute": "renamed,nowhere"}
    assert await pbx.client.errno("extension/update", unknown) == "10033"
    assert await of("1001") == ("renamed,abroad", "")
    await pbx.client.ok("extension/update", {"number": "1001", "selectoutroute": ""})
    assert await of("1001") == ("", "renamed,abroad")
    await pbx.client.ok("outroute/delete", {"id": other})
    assert await of("1000") == ("", "renamed")
    await pbx.client.ok("outroute/update", {"id": identity, "extensions": "1000,1001"})
    await pbx.client.ok("extension/delete", {"number": "1001"})
    assert await members(identity) == "1000"


def _minutes(zone: str) -> tuple[str, str, str]:
    """The minute before, this one, and the next one, as HH:MM."""
    now = datetime.datetime.now(ZoneInfo(zone))
    minutes = [now + datetime.timedelta(minutes=step) for step in (-1, 0, 1)]
    return minutes[0].strftime("%H:%M"), minutes[1].strftime("%H:%M"), minutes[2].strftime("%H:%M")


async def _boundaries(pbx: TestPbx, zone: str) -> None:
    """A span holds from its first minute to the end of its last one, in the zone of the PBX."""
    office = await _office(pbx)
    before = now = after = ""
    while now != _minutes(zone)[1]:  # anew when the minute has changed meanwhile
        before, now, after = _minutes(zone)
        today = datetime.datetime.now(ZoneInfo(zone)).strftime("%a").lower()
        cases = {
            f"* {now}-{after}": True,
            f"* {before}-{now}": True,
            f"{today} {now}-{now}": True,
            f"* {after}-{after}": False,
            f"* {before}-{before}": False,
            f"not {today}; *": False,
            f"not * {before}-{before}; *": True,
        }
        conditions = ", ".join(f"{{name: c{at}, times: '{times}'}}" for at, times in enumerate(cases))
        routes = "".join(
            f"- {{name: r{at}, prefix: 5{at}X, trunks: siptrunk, extensions: 1000, timecondition: c{at}}}\n"
            for at in range(len(cases))
        )
        inroutes = "".join(
            f"- {{name: i{at}, did: 77{at}, trunks: siptrunk, desttype: extension, dest: 1000,"
            f" timecondition: c{at}}}\n"
            for at in range(len(cases))
        )
        await pbx.apply(f"timeconditions: [{conditions}]\noutroutes:\n{routes}inroutes:\n{inroutes}")
        found = {}
        for at, times in enumerate(cases):
            office.carrier.refusing = 404
            count = len(office.carrier.requests)
            await (await office.phone.call(f"5{at}0")).refused()
            office.carrier.refusing = 0
            inbound = await office.reaches(f"77{at}") == "rings"
            assert inbound == (len(office.carrier.requests) > count), times
            found[times] = inbound
    assert found == cases


async def test_time_conditions_at_their_boundaries(pbx: TestPbx) -> None:
    await _boundaries(pbx, "UTC")


async def test_time_conditions_are_in_the_zone_of_the_pbx() -> None:
    async with running_pbx(timezone="Asia/Kathmandu") as far:  # 5:45 hours from UTC
        await _boundaries(far, "Asia/Kathmandu")


# -- in -------------------------------------------------------------------------------------------------


async def _wins(pbx: TestPbx, routes: dict[str, dict[str, str]], calls: dict[tuple[str, str], str]) -> None:
    """Of these routes each call takes that which is named; the route's extension rings."""
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    phones = {}
    for at, (name, fields) in enumerate(routes.items()):
        number = str(1000 + at)
        await pbx.extension(number, busyforward="off")
        phones[name] = await pbx.phone(number)
        body = {"name": name, "trunks": "siptrunk", "desttype": "extension", "dest": number}
        await pbx.client.ok("inroute/add", {**body, **fields})
    for (did, caller), expected in calls.items():
        for phone in phones.values():
            phone.forget_calls()
        call = await carrier.call_in(did, caller)
        await _gone_somewhere(call, list(phones.values()))
        rung = [name for name, phone in phones.items() if phone.calls]
        if rung:
            await (await phones[rung[0]].incoming()).refuse(486)
        status = await call.refused()
        assert (rung or [str(status)]) == [expected], f"{did} from {caller}"


async def _gone_somewhere(call: Call, phones: list[Phone]) -> None:
    await eventually(lambda: call.ended or any(phone.calls for phone in phones), "it rings or is refused")


async def test_the_most_specific_called_number_wins(pbx: TestPbx) -> None:
    await _wins(
        pbx,
        {  # the widest first: the order in which they were made does not matter
            "rest": {"did": "!"},
            "any": {"did": "5."},
            "x": {"did": "55X1"},
            "z": {"did": "55Z1"},
            "n": {"did": "55N1"},
            "set": {"did": "55[3-5]1"},
            "exact": {"did": "5541"},
            "range": {"did": "6000-6199"},
        },
        {
            ("5541", "1"): "exact",
            ("5531", "1"): "set",
            ("5561", "1"): "n",
            ("5511", "1"): "z",
            ("5501", "1"): "x",
            ("55012", "1"): "any",
            ("57", "1"): "any",
            ("4", "1"): "rest",
            ("6000", "1"): "range",
            ("6199", "1"): "range",
            ("6200", "1"): "rest",
        },
    )


async def test_the_callers_number(pbx: TestPbx) -> None:
    await _wins(
        pbx,
        {
            "all": {"did": "55"},
            "abroad": {"did": "55", "caller_id": "00."},
            "plus": {"did": "55", "caller_id": "+49."},
            "boss": {"did": "55", "caller_id": "0049301"},
            "block": {"did": "55", "caller_id": "7000-7099"},
            "other": {"did": "", "caller_id": "88"},
        },
        {
            ("55", "123"): "all",
            ("55", "004"): "abroad",
            ("55", "0049301"): "boss",
            ("55", "+4930"): "plus",
            ("55", "7050"): "block",
            ("55", "7100"): "all",
            ("55", "anonymous"): "all",
            ("56", "88"): "other",
            ("56", "89"): "404",
        },
    )


async def test_called_numbers_with_a_plus_and_with_letters(pbx: TestPbx) -> None:
    await _wins(
        pbx,
        {
            "plus": {"did": "+4930123"},
            "country": {"did": "+49."},
            "national": {"did": "030X."},
        },
        {
            ("+4930123", "1"): "plus",
            ("+4930124", "1"): "country",
            ("+4330124", "1"): "404",
            ("030124", "1"): "national",
            ("4930123", "1"): "404",
            # what is no number gets no channel at all
            ("sales", "1"): "404",
            ("030abc", "1"): "404",
        },
    )


async def test_every_number_where_no_called_number_is_given(pbx: TestPbx) -> None:
    office = await _office(pbx)
    await office.inroute("in")
    for did in ("1", "+4930123", "*55", "9" * 32):
        assert await office.reaches(did) == "rings"
    for did in ("sales", "9" * 33):
        assert await office.reaches(did) == "404"


async def test_a_route_is_of_its_trunks_only(pbx: TestPbx) -> None:
    office = await _office(pbx)
    other = await pbx.carrier(address="127.0.0.3")
    await pbx.trunk(other, "other")
    await office.inroute("in", did="55", trunks="other")
    assert await office.reaches("55") == "404"
    office.carrier = other
    assert await office.reaches("55") == "rings"


async def test_hang_up_for_one_caller_and_the_rest_rings(pbx: TestPbx) -> None:
    office = await _office(pbx)
    await office.inroute("nuisance", did="55", caller_id="666X", desttype="hangup", dest="")
    await office.inroute("in", did="55")
    assert await office.reaches("55", "6661") == "603"
    assert await office.reaches("55", "6671") == "rings"


async def test_a_disabled_route_and_one_that_is_changed(pbx: TestPbx) -> None:
    office = await _office(pbx)
    identity = await office.inroute("in", did="55")
    await pbx.admin("PATCH", f"/inroutes/{identity}", {"enabled": False})
    assert await office.reaches("55") == "404"
    await pbx.admin("PATCH", f"/inroutes/{identity}", {"enabled": True, "did": "56"})
    assert (await office.reaches("55"), await office.reaches("56")) == ("404", "rings")
    await pbx.client.ok("inroute/delete", {"id": identity})
    assert await office.reaches("56") == "404"
