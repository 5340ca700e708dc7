"""What is written into settings is data, in every file, event and record.

Line breaks, dialplan, SQL and SIP have their own signs; none of them may ever mean anything here.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
import pytest_asyncio
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offhook.areas.pbxsettings.sections import SECTIONS
from offhook.asterisk.static import AMI_USER
from offhook.contract.rules import Selection
from offhook.kinds import KINDS
from tests.contract.cases import DOCUMENT, Case, routes, trunks
from tests.contract.cases import settings as settings_cases
from tests.contract.cases.objects import OBJECTS
from tests.support.admin import Admin
from tests.support.generated import contexts, judge_dialplan, judge_trunks
from tests.support.pbx import TestPbx
from tests.support.phone import eventually
from tests.support.switchboard import put_back, rows_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _ami(pbx: TestPbx, action: str) -> list[dict[str, str]]:
    """One AMI action on a connection of its own; every answer and event."""
    port, secret = pbx.pbx.engine.ami
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    login = f"Action: Login\r\nUsername: {AMI_USER}\r\nSecret: {secret}\r\nEvents: off\r\n\r\n"
    writer.write(f"{login}Action: {action}\r\n\r\nAction: Logoff\r\n\r\n".encode())
    text = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return [
        dict(line.partition(": ")[::2] for line in block.split("\r\n")) for block in text.split("\r\n\r\n")
    ]


async def _items(pbx: TestPbx) -> dict[str, list[Any]]:
    """Every object that there is."""
    every = Selection(every=True)
    return {kind.key: list(await pbx.core.objects[kind.key].query(every)) for kind in KINDS}


async def _judge_files(pbx: TestPbx) -> None:
    items = await _items(pbx)
    etc = pbx.pbx.engine.settings.etc
    judge_dialplan((etc / "extensions_generated.conf").read_text(), items)
    judge_trunks((etc / "pjsip_trunks_generated.conf").read_text(), items["trunks"])


async def _judge_engine(pbx: TestPbx) -> None:
    """The engine has the endpoints and contexts of what there is, and still takes a call."""
    items = await _items(pbx)
    found = {event["ObjectName"] for event in await _ami(pbx, "PJSIPShowEndpoints") if "ObjectName" in event}
    numbers = set(await pbx.core.extensions.numbers(Selection(every=True)))
    assert found == numbers | {f"trunk-{row['trunkname']}-endpoint" for row in items["trunks"]}
    there = {event["Context"] for event in await _ami(pbx, "ShowDialPlan") if "Context" in event}
    generated = {name for name in there if re.match(r"ivr_|Local_|offhook-(time|inroutes?|outroute)-", name)}
    # a context without any extension is not listed
    empty = {"Local_Default_CallingRules", *(f"offhook-inroutes-{row['id']}" for row in items["trunks"])}
    wanted = {
        name for name in contexts(items) if re.match(r"ivr_|Local_|offhook-(time|inroutes?|outroute)-", name)
    }
    assert generated <= wanted
    assert wanted - generated <= empty


async def _takes_a_call(pbx: TestPbx) -> None:
    one = await pbx.phone("1000", frequency=440)
    two = await pbx.phone("1001", frequency=770, username="bob")
    call = await one.call("1001")
    await (await two.incoming()).answer()
    await call.hears(770)
    await call.hangup()


FRAGMENTS = (
    *(
        "${EPOCH}",
        "${",
        "}",
        "$[1+1]",
        "$[",
        ",",
        "&",
        "|",
        ";",
        ";--",
        "--;",
        "\r\n",
        "\n",
        "\r",
        "\0",
        "\t",
    ),
    *(
        '"',
        "'",
        "\\",
        "\\;",
        "../",
        "/",
        "%",
        "%s",
        "%0d%0a",
        "`id`",
        "<script>",
        "<",
        ">",
        "=",
        "=>",
        "#include x",
    ),
    *(
        "\n[evil]\n",
        "]",
        "[",
        "](!)",
        "(",
        ")",
        "{",
        "@",
        ":",
        "!",
        "_X.",
        "*",
        "^",
        "~",
        "' OR 1=1 --",
        "\x7f",
    ),
    *(
        "ü",
        "日本",
        "\u2028",
        "\u0085",
        "\u202e",
        "\U0001f4de",
        "\ud800",
        "ALL",
        "all",
        "1000",
        "peer1",
        "x" * 400,
    ),
)
_FRAGMENT = st.sampled_from(FRAGMENTS)
HOSTILE = _FRAGMENT.map("a{}b".format) | st.lists(_FRAGMENT | st.text(max_size=3), max_size=4).map("".join)
CASES: list[Case] = [
    case
    for case in (*trunks.CASES, *routes.CASES, *settings_cases.CASES)
    if not case.path.endswith(("query", "/delete"))
]
_SETTINGS = "settings/"
TARGETS: dict[str, tuple[Case | str, str]] = {
    **{
        f"{case.path} {case.label} {name}": (case, name)
        for case in CASES
        for name in case.params
        if case.path != "hotel/checkout"
    },
    **{f"/{kind.key} {field.name}": (kind.key, field.name) for kind in KINDS for field in kind.fields},
    **{
        f"{_SETTINGS}{one.key} {field.name}": (_SETTINGS + one.key, field.name)
        for one in SECTIONS
        for field in one.fields
    },
}
"""Every parameter that is stored: an endpoint's of the contract, or a setting of the operators' API."""


@pytest_asyncio.fixture(loop_scope="session")
async def switchboard(pbx: TestPbx) -> TestPbx:
    """The PBX with one object of each kind, whose ids count from 1."""
    await pbx.core.store.write(
        "test: ids", lambda unit: unit.connection.exec_driver_sql("DELETE FROM sqlite_sequence").rowcount
    )
    await pbx.prompt("welcome", 440, 0.1)
    await pbx.apply(DOCUMENT)
    return pbx


async def _send(pbx: TestPbx, target: Case | str, name: str, value: str) -> tuple[bool, Any]:
    """Send one hostile value; whether it was taken, and what is then shown of it (None: nothing)."""
    if isinstance(target, Case):
        answer = await pbx.client.post(target.path, {**target.base, **target.params[name].more, name: value})
        assert answer["status"] == "Success" or answer["errno"] not in {"20010", "20000"}, answer
        if answer["status"] != "Success" or target.shown is None or name in {"id", "number"}:
            return answer["status"] == "Success", None
        path, key, items = target.shown
        found = await pbx.client.ok(path, {key: answer.get("id", target.base.get(key))})
        return True, found[items][0].get(name)
    admin = Admin(pbx.settings.http_port, pbx.core.first_passwords.console)
    if target.startswith(_SETTINGS):
        got = await admin.ask("PATCH", f"/{target}", {name: value})
        assert got.status in {200, 400, 409}, got
        return got.status == 200, got.body.get(name)
    kind = pbx.core.objects[target].kind
    made = {**OBJECTS[target][0], name: value}
    got = await admin.ask("POST", f"/{target}", made)
    if got.status != 201:
        assert got.status in {400, 409}, got
        return False, None
    return True, (await admin.ok("GET", f"/{target}/{got.body[kind.primary]}")).get(name)


def _is_data(shown: Any, sent: str) -> bool:
    """Whether what is shown is what was sent: text without outer blanks, or lists with their separators."""
    if shown is None or isinstance(shown, bool | int) or not sent.replace(",", "").strip():
        return True
    if isinstance(shown, list):
        shown = ",".join(shown)
    plain = ",".join(part.strip() for part in sent.split(",") if part.strip())
    return (
        str(shown).strip(", ") in {sent.strip(), plain, sent.strip(", ")}
        or str(shown).casefold() == sent.casefold()
    )


async def test_no_setting_becomes_configuration_or_dialplan(switchboard: TestPbx) -> None:
    pbx = switchboard
    await _judge_files(pbx)
    first = await rows_of(pbx.core.store, settings_only=True)
    taken: list[str] = []

    async def one(target: Case | str, name: str, value: str) -> None:
        try:
            done, shown = await _send(pbx, target, name, value)
            if not done:
                assert await rows_of(pbx.core.store, settings_only=True) == first, (
                    "a refusal changed something"
                )
                return
            taken.append(name)
            assert name == "password" or _is_data(shown, value), (shown, value)
            await _judge_files(pbx)
        finally:
            if await rows_of(pbx.core.store, settings_only=True) != first:
                await put_back(pbx.core.store, first)
                for section in SECTIONS:
                    await pbx.core.pbx_settings.finished(section)
                await pbx.core.objects["trunks"].finished()

    loop = asyncio.get_running_loop()

    @settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(sorted(TARGETS)), HOSTILE)
    def all_of_it(target: str, value: str) -> None:
        asyncio.run_coroutine_threadsafe(one(*TARGETS[target], value), loop).result(30)

    await asyncio.to_thread(all_of_it)
    assert len(taken) > 20, "hardly anything was taken, so hardly anything was tested"
    await _judge_engine(pbx)
    await _takes_a_call(pbx)


NAMES = (
    "Büro 1: *?+~ –",
    "a-endpoint",
    "trunk-x-endpoint",
    "x-0000001a",
    "Peer",
    "peer",
    "日本" * 8,
    "1000",
    "_X",
    "h",
    "--",
    "a\u2028\u202eb",
)
"""Names that a trunk may have, though each of them means something somewhere."""


async def test_objects_with_odd_names_are_all_there_and_calls_go_on(switchboard: TestPbx) -> None:
    pbx = switchboard
    odd = ["_".join(name.replace(":", " ").split()) for name in NAMES]
    document = {
        "trunks": [
            {"trunkname": name, "trunktype": "peer", "host": f"127.0.9.{at + 1}", "domain": "a.example"}
            for at, name in enumerate(NAMES)
        ],
        "timeconditions": [{"name": name, "times": "* 00:00-23:59"} for name in odd],
        "pinlists": [{"name": name, "pins": "4711"} for name in odd],
        "outroutes": [
            {"name": one, "prefix": "9X.", "trunks": name, "extensions": "1000", "timecondition": one}
            for one, name in zip(odd, NAMES, strict=True)
        ],
        "disa": [{"name": name, "password": "4711", "outroutes": name} for name in odd],
        "callbacks": [{"name": name, "outroute": name, "destination": f"disa {name}"} for name in odd],
        "inroutes": [
            {"name": f"{kind}{at}", "did": f"{at}", "trunks": ",".join(NAMES), "desttype": kind, "dest": name,
             "timecondition": name, "closed": f"callback {name}"}
            for kind in ("disa", "callback", "outroute")
            for at, name in enumerate(odd)
        ],
    }  # fmt: skip
    await pbx.apply(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))
    await _judge_files(pbx)
    await _judge_engine(pbx)
    await _takes_a_call(pbx)


async def _record(pbx: TestPbx) -> dict[str, str]:
    """The record of the one call since the receiver was cleared."""
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    (record,) = pbx.receiver.named("NewCdr")
    await pbx.quiet(still=0.05)
    return dict(record)


async def test_trunks_with_odd_names_are_called_call_and_are_told_by_their_names(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    carriers = [await pbx.carrier(address=f"127.0.9.{at + 1}") for at in range(len(NAMES))]
    for at, (name, carrier) in enumerate(zip(NAMES, carriers, strict=True)):
        await pbx.trunk(carrier, name)
        route = {"name": f"r{at}", "trunks": name}
        await pbx.client.ok("inroute/add", {**route, "desttype": "extension", "dest": "1000"})
        await pbx.client.ok("outroute/add", {**route, "prefix": f"9{at:02}", "extensions": "1000"})
    assert [trunk["trunkname"] for trunk in (await pbx.client.ok("trunk/list"))["trunklist"]] == list(NAMES)
    for at, (name, carrier) in enumerate(zip(NAMES, carriers, strict=True)):
        pbx.receiver.clear()
        call = await carrier.call_in("5503301")
        await (await one.incoming()).answer()
        await call.answered()
        await call.hangup()
        record = await _record(pbx)
        assert (record["srctrunkname"], record["dsttrcunkname"], record["type"]) == (name, "", "Inbound")
        told = list(pbx.receiver.named("CallStatus"))
        pbx.receiver.clear()
        out = await one.call(f"9{at:02}")
        await (await carrier.incoming()).answer()
        await out.answered()
        await out.hangup()
        record = await _record(pbx)
        assert (record["srctrunkname"], record["dsttrcunkname"], record["type"]) == ("", name, "Outbound")
        told += pbx.receiver.named("CallStatus")
        members = [next(iter(member.values())) for event in told for member in event["members"]]
        assert {member.get("trunkname") for member in members} == {name, None}


ACCOUNTS = ("a(b)[c", "$EPOCH", "x^*+?.=#", "ünï", "%24%7b", "acct")


async def test_providers_know_us_by_odd_names(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    secret = "p(w)[d]{e}$x,#%"
    for at, username in enumerate(ACCOUNTS):
        carrier = await pbx.carrier(address=f"127.0.9.{at + 1}")
        names = {"username": username, "authname": username, "password": secret}
        await pbx.trunk(carrier, f"t{at}", trunktype="register", **names)
        route = {"name": f"r{at}", "trunks": f"t{at}"}
        await pbx.client.ok(
            "inroute/add", {**route, "did": "5503301", "desttype": "extension", "dest": "1000"}
        )
        await pbx.client.ok("outroute/add", {**route, "prefix": f"9{at}", "extensions": "1000"})
        await _judge_files(pbx)
        call = await carrier.call_in("5503301")
        await (await one.incoming()).answer()
        await call.answered()
        await call.hangup()
        out = await one.call(f"9{at}")
        await (await carrier.incoming()).answer()
        await out.answered()
        await out.hangup()


DOD_NAMES = ("Ann: Lee?", "a(b", "[x", "1:2:3", "A!#*=^~+", "日本 ü", "x" * 31)


async def test_a_number_that_is_shown_has_its_name_whole(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    one = await pbx.phone("1000")
    carrier = await pbx.carrier()
    trunk = await pbx.trunk(carrier)
    route = {"name": "o", "prefix": "9X.", "trunks": "siptrunk", "extensions": "1000"}
    await pbx.client.ok("outroute/add", route)
    for name in DOD_NAMES:
        dod = {"id": trunk, "trunktype": "peer", "extensionsdod": f"5503301-{name}-1000"}
        await pbx.client.ok("trunk/update_siptrunk", dod)
        call = await one.call("9123")
        assert f'"{name}" <sip:5503301@' in (await carrier.incoming()).shown
        await call.hangup()
