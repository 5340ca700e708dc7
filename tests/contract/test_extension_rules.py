"""extension/*, extensiongroup/*: every parameter with good and bad values, as the contract demands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from offhook.areas.extensions.api import endpoints
from offhook.areas.extensions.groups import GroupService
from offhook.areas.extensions.model import ExtensionChanged, ExtensionSettings, ha1
from offhook.areas.extensions.service import ExtensionService
from offhook.areas.numbers.service import Numbers
from offhook.areas.routes.rights import set_routes
from offhook.callstate.model import ExtensionWord, Member, MemberStatus, PartyKind
from offhook.contract.endpoint import Caller, Registry
from offhook.contract.errors import ContractError
from offhook.contract.params import read_request
from offhook.contract.results import to_wire
from offhook.events.api import ConfigChange
from offhook.store.migrate import open_store
from offhook.store.unit import UnitOfWork

STRONG = "v0S*ZrB6Y3g~1-oe"
GOOD = {"number": "5000", "username": "Ann", "registername": "5000", "registerpassword": STRONG}


class Pbx:
    """The area behind its endpoints."""

    def __init__(self, path: Path) -> None:
        self.store = open_store(path, [])
        self.settings = ExtensionSettings()
        self.events: list[ConfigChange] = []
        self.changed: list[ExtensionChanged] = []
        self.calls: dict[str, list[tuple[str, tuple[Member, ...]]]] = {}
        self.numbers = Numbers()
        self.service = ExtensionService(
            self.store,
            numbers=self.numbers,
            settings=lambda: self.settings,
            publish=self._publish,
            on_changed=self._on_changed,
            set_routes=set_routes,
            in_use=lambda _connection, _numbers: None,
        )
        groups = GroupService(self.store, settings=lambda: self.settings)
        self.registry = Registry(endpoints(self.service, groups, self, self, self.routes))

    async def routes(self) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
        return (), {}

    def _publish(self, unit: UnitOfWork, events: Sequence[ConfigChange]) -> None:
        unit.after_commit(lambda: self.events.extend(events))

    async def _on_changed(self, changed: Sequence[ExtensionChanged]) -> None:
        self.changed.extend(changed)

    def calls_of(self, number: str) -> Sequence[tuple[str, tuple[Member, ...]]]:
        return self.calls.get(number, [])

    def state_of(self, number: str) -> ExtensionWord:
        return ExtensionWord.IDLE

    async def ask(self, path: str, **values: str) -> Any:
        endpoint = self.registry.get(path)
        assert endpoint is not None
        request = read_request(endpoint.request, values)
        return to_wire(await endpoint.handler(Caller("127.0.0.1", 1, False), request))

    async def refused(self, path: str, **values: str) -> int:
        before = await self.everything()
        with pytest.raises(ContractError) as caught:
            await self.ask(path, **values)
        assert await self.everything() == before
        for value in values.values():
            assert len(value) < 8 or value not in caught.value.detail
        return int(caught.value.errno)

    async def everything(self) -> Any:
        return (
            await self.ask("extension/query", number="all"),
            await self.ask("extensiongroup/query", id="all"),
            list(self.events),
        )


@pytest.fixture
def pbx(tmp_path: Path) -> Iterator[Pbx]:
    made = Pbx(tmp_path / "s.db")
    yield made
    made.store.close()


async def add(pbx: Pbx, number: str, **more: str) -> None:
    values = GOOD | {"number": number, "registername": number, "username": f"U{number}"} | more
    assert await pbx.ask("extension/add", **values) == {}


async def query(pbx: Pbx, number: str) -> dict[str, str]:
    answer = await pbx.ask("extension/query", number=number)
    found: dict[str, str] = answer["extinfos"][0]
    return found


async def test_an_added_extension_is_shown_with_the_defaults_in_the_samples_order(pbx: Pbx) -> None:
    await pbx.ask("extension/add", **GOOD)
    shown = await query(pbx, "5000")
    assert len(shown.pop("registerpassword")) == 64
    assert len(shown.pop("loginpassword")) == 96
    assert list(shown.items()) == [
        ("number", "5000"),
        ("username", "Ann"),
        ("status", "Idle"),
        ("type", "SIP"),
        ("callerid", "5000"),
        ("registername", "5000"),
        ("maxregistrations", "1"),
        ("email", ""),
        ("moblie", ""),
        ("language", "System Default"),
        ("hasvoicemail", "on"),
        ("enablevmtoemail", "off"),
        ("vmsecret", "5000"),
        ("alwaysforward", "off"),
        ("noanswerforward", "on"),
        ("ntransferto", "Voicemail"),
        ("ntransferprefix", ""),
        ("busyforward", "on"),
        ("btransferto", "Voicemail"),
        ("btransferprefix", ""),
        ("ringsimultaneous", "off"),
        ("mobileprefix", ""),
        ("enablemobile", "off"),
        ("allowbeingmonitored", "off"),
        ("monitormode", "Disabled"),
        ("ringtimeout", "30"),
        ("maxduration", "Follow System"),
        ("dnd", "off"),
        ("callrestriction", "off"),
        ("agentid", "none"),
        ("unselectoutroute", ""),
        ("selectoutroute", ""),
    ]
    assert pbx.events == [ConfigChange("extension", "5000", "add")]
    assert pbx.changed == [ExtensionChanged("5000", "add", "", "5000")]
    stored = await pbx.service.find("5000")
    assert stored is not None
    assert stored.ha1 == ha1("5000", STRONG)


BAD_VALUES = [
    ("username", "a%b", 10017),
    ("username", "a\r\nb", 10017),
    ("username", "x" * 64, 10017),
    ("registername", "a-b", 10017),
    ("registername", "x" * 32, 10017),
    ("registerpassword", "v0S*ZrB6Y3g~1-o", 10017),
    ("registerpassword", "v0S*ZrB6Y3g~1 oe", 10017),
    ("registerpassword", "VVS*ZRB6Y3G~1-OE", 10017),
    ("registerpassword", "v0S*ZrB61234~1-oe", 10017),
    ("registerpassword", "v0S*ZrB6Y3g~1-oe5000", 10017),
    ("loginpassword", "aB3defghi", 10017),
    ("callerid", "+49", 10017),
    ("callerid", "1" * 32, 10017),
    ("maxregistrations", "0", 10017),
    ("maxregistrations", "6", 10017),
    ("maxregistrations", "1.0", 10017),
    ("email", "no address", 10017),
    ("email", "a;b@example.com", 10017),
    ("mobile", "+49123", 10017),
    ("mobile", "1" * 32, 10017),
    ("hasvoicemail", "yes", 10017),
    ("vmsecret", "12a", 10017),
    ("vmsecret", "1" * 64, 10017),
    ("enablevmtoemail", "maybe", 10017),
    ("alwaysforward", "1", 10017),
    ("noanswerforward", "1", 10017),
    ("busyforward", "1", 10017),
    *((f"{letter}transfer{part}", value, 10017) for letter in "anb" for part, value in (
        ("to", "Moon"), ("ext", "12345678"), ("prefix", "12345678"), ("num", "1" * 16), ("num", "+49"))),
    ("allowbeingmonitored", "1", 10017),
    ("monitormode", "Spy", 10017),
    ("ringtimeout", "0", 10017),
    ("ringtimeout", "soon", 10017),
    ("maxduration", "long", 10017),
    ("maxduration", "0", 10017),
    ("dnd", "1", 10017),
    ("callrestriction", "1", 10017),
    ("agentid", "a b", 10017),
    ("selectoutroute", "routeout", 10033),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "errno"), BAD_VALUES)
async def test_bad_values_are_refused_and_change_nothing(pbx: Pbx, name: str, value: str, errno: int) -> None:
    assert await pbx.refused("extension/add", **(GOOD | {name: value})) == errno
    await pbx.ask("extension/add", **GOOD)
    assert await pbx.refused("extension/update", **({"number": "5000"} | {name: value})) == errno


GOOD_VALUES = [
    ("username", "Ann Lee (2)", "username"),
    ("callerid", "Sales1", "callerid"),
    ("maxregistrations", "5", "maxregistrations"),
    ("email", "ann@example.com", "email"),
    ("mobile", "0049123", "moblie"),
    ("moblie", "0049124", "moblie"),
    ("hasvoicemail", "off", "hasvoicemail"),
    ("vmsecret", "0042", "vmsecret"),
    ("enablevmtoemail", "custom", "enablevmtoemail"),
    ("alwaysforward", "on", "alwaysforward"),
    ("noanswerforward", "off", "noanswerforward"),
    ("busyforward", "off", "busyforward"),
    ("allowbeingmonitored", "on", "allowbeingmonitored"),
    ("monitormode", "Barge-in", "monitormode"),
    ("ringtimeout", "12", "ringtimeout"),
    ("maxduration", "6000", "maxduration"),
    ("maxduration", "Unlimited", "maxduration"),
    ("dnd", "on", "dnd"),
    ("callrestriction", "on", "callrestriction"),
    ("agentid", "77", "agentid"),
    ("agentid", "none", "agentid"),
]


@pytest.mark.parametrize(("name", "value", "shown"), GOOD_VALUES)
async def test_good_values_are_kept_by_add_and_update(pbx: Pbx, name: str, value: str, shown: str) -> None:
    await pbx.ask("extension/add", **(GOOD | {name: value}))
    assert (await query(pbx, "5000"))[shown] == value
    await add(pbx, "5001")
    before = await query(pbx, "5001")
    assert await pbx.ask("extension/update", number="5001", **{name: value}) == {}
    after = await query(pbx, "5001")
    assert after[shown] == value
    touched = {shown, *(key for key in before.keys() ^ after.keys())}
    assert {k: v for k, v in after.items() if k not in touched} == {
        k: v for k, v in before.items() if k not in touched
    }


@pytest.mark.parametrize("name", ["number", "username", "registername", "registerpassword"])
async def test_a_required_value_must_be_there(pbx: Pbx, name: str) -> None:
    expected = 10028 if name == "number" else 10004
    assert await pbx.refused("extension/add", **{k: v for k, v in GOOD.items() if k != name}) == expected
    assert await pbx.refused("extension/add", **(GOOD | {name: " "})) == expected


@pytest.mark.parametrize("number", ["12345678", "50a", "5-0"])
async def test_a_number_is_at_most_seven_digits(pbx: Pbx, number: str) -> None:
    assert await pbx.refused("extension/add", **(GOOD | {"number": number})) == 10017


async def test_a_number_belongs_to_one_thing_only(pbx: Pbx) -> None:
    await add(pbx, "5000")
    assert await pbx.refused("extension/add", **(GOOD | {"registername": "other"})) == 10017
    pbx.numbers.register("queue", lambda _connection, numbers: {"6700"}.intersection(numbers))
    pbx.numbers.reserve(lambda: ["41"])
    assert await pbx.refused("extension/add", **(GOOD | {"number": "6700", "registername": "x"})) == 10017
    assert await pbx.refused("extension/add", **(GOOD | {"number": "41", "registername": "x"})) == 10017


async def test_a_registername_is_nobody_elses_name_or_number(pbx: Pbx) -> None:
    await add(pbx, "5000", registername="ann")
    await add(pbx, "5001")
    for name in ("ann", "5000"):
        assert (
            await pbx.refused("extension/add", **(GOOD | {"number": "5002", "registername": name})) == 10017
        )
    await add(pbx, "5003", registername="7777")
    assert await pbx.refused("extension/add", **(GOOD | {"number": "7777", "registername": "bob"})) == 10017


async def test_a_new_registername_needs_the_password(pbx: Pbx) -> None:
    await add(pbx, "5000")
    assert await pbx.refused("extension/update", number="5000", registername="ann") == 10017
    await pbx.ask("extension/update", number="5000", registername="ann", registerpassword=STRONG)
    stored = await pbx.service.find("5000")
    assert stored is not None
    assert stored.ha1 == ha1("ann", STRONG)
    assert pbx.changed[-1] == ExtensionChanged("5000", "update", "5000", "ann")


async def test_passwords_change_what_is_shown_for_them(pbx: Pbx) -> None:
    await add(pbx, "5000")
    before = await query(pbx, "5000")
    await pbx.ask("extension/update", number="5000", registerpassword=STRONG)
    assert (await query(pbx, "5000"))["registerpassword"] == before["registerpassword"]
    await pbx.ask(
        "extension/update", number="5000", registerpassword=STRONG + "X", loginpassword="aB3-efghij"
    )
    after = await query(pbx, "5000")
    assert after["registerpassword"] != before["registerpassword"]
    assert after["loginpassword"] != before["loginpassword"]


async def test_one_setting_relaxes_the_password_rules(pbx: Pbx) -> None:
    weak = GOOD | {"registerpassword": "pass5000", "loginpassword": "12345678"}
    assert await pbx.refused("extension/add", **weak) == 10017
    pbx.settings = ExtensionSettings(strong_passwords=False)
    assert await pbx.refused("extension/add", **(weak | {"registerpassword": "short12"})) == 10017
    await pbx.ask("extension/add", **weak)


async def test_limits(pbx: Pbx) -> None:
    pbx.settings = ExtensionSettings(max_extensions=1, max_groups=1)
    await add(pbx, "5000")
    assert await pbx.refused("extension/add", **(GOOD | {"number": "5001", "registername": "5001"})) == 10017
    await pbx.ask("extensiongroup/add", name="a", members="5000")
    assert await pbx.refused("extensiongroup/add", name="b", members="5000") == 10148


SWITCHES = [("a", "alwaysforward"), ("n", "noanswerforward"), ("b", "busyforward")]


@pytest.mark.parametrize(("letter", "switch"), SWITCHES)
async def test_destinations_of_a_forward(pbx: Pbx, letter: str, switch: str) -> None:
    await add(pbx, "5001")
    await add(pbx, "5000", **{switch: "off"})
    to, ext, prefix, num = (f"{letter}transfer{part}" for part in ("to", "ext", "prefix", "num"))

    async def update(**values: str) -> dict[str, str]:
        await pbx.ask("extension/update", number="5000", **values)
        shown = await query(pbx, "5000")
        return {key: value for key, value in shown.items() if key.startswith(f"{letter}transfer")}

    base = {"number": "5000", switch: "on"}
    assert await pbx.refused("extension/update", **base, **{to: "Extension"}) == 10004
    assert await pbx.refused("extension/update", **base, **{to: "Extension", ext: "5009"}) == 10006
    assert await pbx.refused("extension/update", **base, **{to: "Extension", ext: "5000"}) == 10017
    assert await pbx.refused("extension/update", **base, **{to: "Mobile Number"}) == 10004
    assert await pbx.refused("extension/update", **base, **{to: "Custom Number"}) == 10004
    assert await update(**{switch: "on"}) == {to: "Voicemail", prefix: ""}
    assert await update(**{to: "Extension", ext: "5001"}) == {to: "Extension", ext: "5001", prefix: ""}
    assert await update(**{switch: "off"}) == {}
    assert await update(**{switch: "on"}) == {to: "Extension", ext: "5001", prefix: ""}
    assert await update(**{to: "Custom Number", num: "0049", prefix: "9"}) == {
        to: "Custom Number", prefix: "9", num: "0049"}  # fmt: skip
    assert await update(mobile="0151", **{to: "Mobile Number"}) == {to: "Mobile Number", prefix: "9"}
    assert await pbx.refused("extension/update", number="5000", mobile="") == 10004


async def test_deleting_takes_the_extension_out_of_groups_and_forwards(pbx: Pbx) -> None:
    await add(pbx, "5000")
    await add(pbx, "5001", alwaysforward="on", atransferto="Extension", atransferext="5000")
    answer = await pbx.ask("extensiongroup/add", name="g", members="5001, 5000, 5099,")
    assert answer == {"id": "1", "errnum": "5099"}
    pbx.events.clear()
    await pbx.ask("extension/delete", number="5000,5098")
    assert (await query(pbx, "5001"))["atransferto"] == "Voicemail"
    groups = await pbx.ask("extensiongroup/query", id="all")
    assert groups == {"extgroupinfos": [{"id": "1", "name": "g", "members": "5001"}]}
    assert pbx.events == [
        ConfigChange("extension", "5000", "del"), ConfigChange("extension", "5001", "update")]  # fmt: skip
    assert await pbx.refused("extension/delete", number="5000") == 10006
    await pbx.ask("extension/delete", number="all")
    assert await pbx.ask("extension/list") == {"extlist": []}
    await pbx.ask("extension/delete", number="all")


async def test_list_and_selections(pbx: Pbx) -> None:
    await add(pbx, "50")
    await add(pbx, "5", agentid="9", registerpassword="v0S*ZrB6Y3g~1-oe")
    assert await pbx.ask("extension/list") == {
        "extlist": [
            {"number": "5", "status": "Idle", "type": "SIP", "username": "U5", "agentid": "9"},
            {"number": "50", "status": "Idle", "type": "SIP", "username": "U50"},
        ]
    }
    answer = await pbx.ask("extension/query", number=" 50 , 99,")
    assert [info["number"] for info in answer["extinfos"]] == ["50"]
    for path in ("extension/query", "extension/query_call", "extension/delete"):
        assert await pbx.refused(path, number="99") == 10006
        assert await pbx.refused(path, number="") == 10004
    assert await pbx.refused("extension/update", number="99", username="x") == 10006
    assert await pbx.refused("extension/update", username="x") == 10004


async def test_query_call_lists_those_who_have_calls(pbx: Pbx) -> None:
    await add(pbx, "5000")
    await add(pbx, "5001")
    member = Member(kind=PartyKind.EXT, channelid="PJSIP/5000-0", number="5000", status=MemberStatus.RING)
    pbx.calls["5000"] = [("1.2", (member,))]
    entry = {"number": "5000", "numbercalls": [{"callid": "1.2", "members": [member.wire()]}]}
    assert await pbx.ask("extension/query_call", number="all") == {"calllist": [entry]}
    assert await pbx.ask("extension/query_call", number="5001") == {"calllist": []}


async def test_groups(pbx: Pbx) -> None:
    await add(pbx, "5000")
    await add(pbx, "5001")
    path = "extensiongroup"
    assert await pbx.ask(f"{path}/query", id="all") == {"extgroupinfos": []}
    assert await pbx.refused(f"{path}/add", name="", members="5000") == 10004
    assert await pbx.refused(f"{path}/add", name="g", members="") == 10004
    assert await pbx.refused(f"{path}/add", name="a-b", members="5000") == 10144
    assert await pbx.refused(f"{path}/add", name="g", members="99") == 10149
    assert await pbx.ask(f"{path}/add", name="g", members="5001,5000") == {"id": "1"}
    assert await pbx.refused(f"{path}/add", name="g", members="5000") == 10145
    await pbx.ask(f"{path}/add", name="h", members="5000")
    assert await pbx.refused(f"{path}/update", id="2", name="g") == 10145
    for wrong in ("9", "x", "1,2", "99999999999999999999"):
        assert await pbx.refused(f"{path}/update", id=wrong, name="z") == 10143
    for wrong in ("9", "x", "²", "99999999999999999999"):
        assert await pbx.refused(f"{path}/query", id=wrong) == 10143
        assert await pbx.refused(f"{path}/delete", id=wrong) == 10143
    assert await pbx.refused(f"{path}/update", id="1", members="99") == 10149
    assert await pbx.ask(f"{path}/update", id="1", name="g", members="5000,98,99") == {"errnum": "98,99"}
    assert (await pbx.ask(f"{path}/query", id="1,7"))["extgroupinfos"] == [
        {"id": "1", "name": "g", "members": "5000"}]  # fmt: skip
    await pbx.ask(f"{path}/delete", id="1,2,3")
    assert await pbx.ask(f"{path}/add", name="n", members="5000") == {"id": "3"}
