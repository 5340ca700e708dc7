"""The whole switchboard as a document: twice, dry, with one mistake, in circles, taken away again."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from offhook.areas.apply.document import ApplyError
from tests.support.pbx import tone_file
from tests.support.switchboard import Switchboard, running_switchboard

pytestmark = pytest.mark.asyncio(loop_scope="module")

_FOLDER = Path(__file__).parents[2] / "examples"
EXAMPLE = re.sub(
    r"(\w+\.wav)",
    lambda file: str(_FOLDER / file[1]),
    (_FOLDER / "switchboard.yaml").read_text(encoding="utf-8"),
)
"""The example; the files that lie beside it are named by their whole paths."""
NOTHING = "".join(
    f"{key}: []\n"
    for key in yaml.safe_load(EXAMPLE)
    if key not in {"featurecodes", "parking", "general", "voicemail"}
)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def the_api() -> AsyncIterator[Switchboard]:
    async with running_switchboard(document="") as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def api(the_api: Switchboard) -> AsyncIterator[Switchboard]:
    """A PBX without anything."""
    await the_api.begin_again()
    for folder in ("moh", "sounds/record"):
        for path in (the_api.core.settings.data / folder).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    yield the_api


async def _refused(api: Switchboard, document: str) -> str:
    """What is said of a document that is refused, dry or not, and changes nothing."""
    await api.remember()
    said = set()
    for dry_run in (True, False):
        with pytest.raises(ApplyError) as caught:
            await api.core.apply.apply(document, dry_run=dry_run)
        said.add(str(caught.value))
        assert not await api.has_changed()
    (text,) = said
    return text


async def test_the_example_is_applied_once_and_then_nothing_is_left_to_do(api: Switchboard) -> None:
    shown = await api.core.apply.apply(EXAMPLE, dry_run=True)
    assert not await api.has_changed()
    done = await api.core.apply.apply(EXAMPLE)
    assert done.lines == shown.lines
    for change in done.changes:
        assert change.operation == ("update" if change.section in {"general", "voicemail"} else "add"), change
    await api.remember()
    for again in (EXAMPLE, "\n".join(reversed(re.split(r"\n(?=[a-z]+:)", EXAMPLE)))):
        for dry_run in (True, False):
            assert (await api.core.apply.apply(again, dry_run=dry_run)).lines == ("nothing to change",)
    assert not await api.has_changed()


async def test_what_is_exported_can_be_applied_to_it(api: Switchboard) -> None:
    await api.core.apply.apply(EXAMPLE)
    exported = await api.core.apply.export()
    assert (await api.core.apply.apply(exported)).lines == ("nothing to change",)


SECRETS = (
    "v0S*ZrB6Y3g~1-oe",
    "Kd7~qWm2_Xz9-aRt",
    "pL4-vTq8~Zs6*wEr",
    "4711",
    "0815",
    "hunter2hunter2",
    "87654321",
)
WITH_SECRETS = """
trunks: [{trunkname: provider, trunktype: register, host: 192.0.2.1, domain: 192.0.2.1, username: u,
  authname: u, password: hunter2hunter2}]
queues: [{number: 6700, queuename: Q, password: 87654321}]
conferences: [{number: 6400, name: C, participantepassword: 87654321, moderatorpassword: "87654321"}]
outroutes: [{name: out, prefix: 9X., trunks: provider, extensions: 1000, password: 87654321}]
"""


async def test_no_secret_is_ever_shown(api: Switchboard) -> None:
    extensions, _, rest = EXAMPLE.partition("\ntrunks:")
    said = [*(await api.core.apply.apply(EXAMPLE, dry_run=True)).lines]
    said += (await api.core.apply.apply(extensions + WITH_SECRETS)).lines
    changed = WITH_SECRETS.replace("hunter2hunter2", "hunter2hunter2X").replace("87654321", "876543210")
    said += (await api.core.apply.apply(extensions.replace("v0S*", "v0S*9") + changed)).lines
    said.append(await api.core.apply.export())
    bad = changed.replace("876543210", "87654321x").replace("hunter2hunter2X", '"hunter2hunter2 X"')
    for broken in (extensions + bad, extensions.replace("~1-oe", "~1234-oe") + changed):
        said.append(await _refused(api, broken))
    text = "\n".join(said)
    assert text.count("(secret)") > 10
    for secret in SECRETS:
        assert secret not in text
    assert rest


MISTAKES = [
    ("wrapuptime: 0,", "wrapuptime: soon,", "queues[0] (6700): wrapuptime must be"),
    ("maxwaittime: 60", "maxwaittime: 0", "queues[0] (6700): maxwaittime must be"),
    ("key9: dialbyname", "key9: dialbymoon", "ivrs[0] (6500): key9 must be"),
    ("promptrepeat: 1", "promptrepeat: 9", "ivrs[1] (6501): promptrepeat must be"),
    (
        'members: "1001,1002", ringtime',
        'members: "1001,1009", ringtime',
        "ringgroups[0] (6200): 1009 does not exist",
    ),
    ("{name: direct,", "{name: direct, colour: red,", "inroutes[1].colour is an unknown key"),
    ('did: "5503320"', 'did: "55033a0"', "inroutes[2] (sales): did must be"),
    ("desttype: conference", "desttype: moon", "inroutes[4] (board): desttype must be"),
    ("239.255.0.1:2000", "192.0.2.1:2000", "paginggroups[1] (6301): multicastip must be"),
    ("slots: 6900-6999", "slots: 7000-8000", "parking: slots must be"),
    ("maxduration: 14400", "maxduration: -1", "general: maxduration must be"),
    ("maxlength: 180", "maxlength: 9", "voicemail: maxlength must be"),
    ("deletemailed: on", "deletemailed: yes", "mailboxes[0] (1002): deletemailed must be"),
    ("{extension: 1002,", "{extension: 1999,", "mailboxes[0] (1999): there is no extension 1999"),
    ("number: 6301, name", "number: 6900, name", "paginggroups[1] (6900): the number is taken by another"),
    ("number: 6501, ivrname", "number: 6500, ivrname", "ivrs[1].number 6500 is declared twice"),
    ("- {name: through,", "- {name: fax,", "inroutes[8].name fax is declared twice"),
    ("reception-1000", "reception-1009", "trunks[0] (carrier): a DOD entry names what does not exist"),
    ('pins: "4711,0815"', 'pins: "47"', "pinlists[0] (staff): pins must be"),
    ('agentlogin: "*75"', 'agentlogin: "*2"', "featurecodes: voicemail and agentlogin have the same code"),
]


@pytest.mark.parametrize(("right", "wrong", "said"), MISTAKES)
async def test_one_mistake_refuses_all_of_it_and_its_line_is_told(
    api: Switchboard, right: str, wrong: str, said: str
) -> None:
    assert EXAMPLE.count(right) == 1
    document = EXAMPLE.replace(right, wrong)
    text = await _refused(api, document)
    assert said in text
    match = re.match(r"line ([0-9]+): ", text)
    assert match is not None, text
    at = int(match[1]) - 1
    lines = document.splitlines()
    # the setting itself where the refusal names one, else the object that it stands in
    assert wrong in "\n".join(lines[at : at + 6]) or "declared twice" in said, (text, lines[at])


DANGLING = [
    ("address: carla@example.com", "greeting: nothing", "mailbox 1002: there is no prompt nothing"),
    ("key3: queue 6700", "key3: queue 6799", "IVR 6500: there is no queue 6799"),
    ("failover: voicemail 1001", "failover: voicemail 1009", "ring group 6200: there is no extension 1009"),
    ("dest: remote}", "dest: nowhere}", "inbound route remote: there is no DISA nowhere"),
    ("timecondition: open", "timecondition: shut", "inbound route main: there is no time condition shut"),
    ("pinlist: staff", "pinlist: nobody", "outbound route abroad: there is no PIN list nobody"),
    (
        "number: 6501, ivrname",
        "prompt: nowhere, number: 6501, ivrname",
        "IVR 6501: there is no prompt nowhere",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "said"), DANGLING)
async def test_nothing_names_what_is_not_there(api: Switchboard, right: str, wrong: str, said: str) -> None:
    assert EXAMPLE.count(right) == 1
    assert said in await _refused(api, EXAMPLE.replace(right, wrong))


CIRCLE = """
ivrs: [{number: 6500, ivrname: A, key1: queue 6700, timeout: ivr 6500}]
queues: [{number: 6700, queuename: B, failoveraction: Ring Group, failoverdest: 6200}]
extensions: [{number: 1000, username: Ann, registername: 1000, registerpassword: "v0S*ZrB6Y3g~1-oe"}]
ringgroups: [{number: 6200, name: C, members: 1000, failover: ivr 6500}]
"""


async def test_destinations_may_run_in_circles_and_go_together(api: Switchboard) -> None:
    await api.core.apply.apply(CIRCLE)
    assert (await api.core.apply.apply(CIRCLE)).lines == ("nothing to change",)
    for key, said in (
        ("ivrs", "there is no IVR 6500"),
        ("queues", "IVR 6500: there is no queue 6700"),
        ("ringgroups", "queue 6700: there is no ring group 6200"),
    ):
        assert said in await _refused(api, f"{key}: []")
    lines = (await api.core.apply.apply("ivrs: []\nqueues: []\nringgroups: []")).lines
    assert sorted(lines) == ["- ivrs 6500", "- queues 6700", "- ringgroups 6200"]


USED = [
    ("trunks: []", None),
    ("extensions: [{number: 1001}, {number: 1002}]", "there is no extension 1000"),
    ("pinlists: []", "outbound route abroad: there is no PIN list staff"),
    ("timeconditions: []", "inbound route main: there is no time condition open"),
    ("disa: []", "there is no DISA remote"),
    ("callbacks: []", "inbound route back: there is no callback back"),
    ("conferences: []", "there is no conference 6400"),
    ("paginggroups: []", "IVR 6500: there is no paging group 6300"),
    ("inroutes: []", None),
    ("extensiongroups: []", None),
]


@pytest.mark.parametrize(("document", "said"), USED)
async def test_a_list_is_taken_away_unless_something_else_needs_it(
    api: Switchboard, document: str, said: str | None
) -> None:
    await api.core.apply.apply(EXAMPLE)
    if said is not None:
        assert said in await _refused(api, document)
        return
    lines = (await api.core.apply.apply(document)).lines
    assert all(line.startswith("- ") for line in lines)
    key = document.partition(":")[0]
    assert (
        key not in yaml.safe_load(await api.core.apply.export())
        or not yaml.safe_load(await api.core.apply.export())[key]
    )
    assert (await api.core.apply.apply(document)).lines == ("nothing to change",)


async def test_everything_is_taken_away(api: Switchboard) -> None:
    await api.core.apply.apply(EXAMPLE)
    await api.core.apply.apply(NOTHING)
    left = yaml.safe_load(await api.core.apply.export())
    assert not any(left.get(key) for key in yaml.safe_load(NOTHING)), left
    await api.core.apply.apply(EXAMPLE)


async def test_a_number_becomes_another_kind_of_thing_at_once(api: Switchboard) -> None:
    await api.core.apply.apply("ivrs: [{number: 6700, ivrname: A}]\nqueues: [{number: 6500, queuename: B}]")
    await api.core.apply.apply("queues: [{number: 6700, queuename: B}]\nivrs: [{number: 6500, ivrname: A}]")
    assert (await api.ok("ivr/query", number="all"))["ivr"][0]["number"] == "6500"
    await api.core.apply.apply("queues: []\nparking: {slots: 6700-6709}")
    await api.core.apply.apply("parking: {slots: 6900-6999}\nqueues: [{number: 6700, queuename: B}]")


LISTS = [
    (
        'extensiongroups:\n- {name: sales, members: "1001,1002"}',
        "extensiongroups[0] (sales): members has 1002",
    ),
    (
        'ringgroups:\n- {number: 6200, name: Sales, members: "1001,1002"}',
        "ringgroups[0] (6200): members has 1002",
    ),
    (
        'paginggroups:\n- {number: 6300, name: House, member: "1001,1002"}\n- {number: 6301, name: x}',
        "member has 1002",
    ),
]


@pytest.mark.parametrize(("document", "said"), LISTS)
async def test_a_list_does_not_name_what_the_same_document_deletes(
    api: Switchboard, document: str, said: str
) -> None:
    await api.core.apply.apply(EXAMPLE.replace("extrange, dest: 1000-1002", "extension, dest: 1000"))
    text = await _refused(api, f"extensions: [{{number: 1000}}, {{number: 1001}}]\n{document}")
    assert said in text
    assert "which is deleted by this document" in text


async def test_settings_left_out_stay_as_they_are(
    api: Switchboard,
) -> None:
    await api.core.apply.apply(EXAMPLE)
    lines = (await api.core.apply.apply("queues: [{number: 6700, maxwaittime: 61}]")).lines
    assert lines == ("~ queues 6700", "    maxwaittime: 60 -> 61")
    shown = (await api.ok("queue/query", number="6700"))["queues"][0]
    assert (shown["queuename"], shown["agents"], shown["failoverdest"]) == ("Support", "1001,", "1000")
    lines = (await api.core.apply.apply(EXAMPLE)).lines
    assert lines == ("~ queues 6700", "    maxwaittime: 61 -> 60")


async def test_a_destination_changes_its_kind_with_the_same_number(api: Switchboard) -> None:
    await api.core.apply.apply(EXAMPLE)
    changed = EXAMPLE.replace("desttype: voicemail, dest: 1001", "desttype: extension, dest: 1001")
    lines = (await api.core.apply.apply(changed)).lines
    assert lines == ("~ inroutes box", "    desttype: voicemail -> extension")


async def test_who_may_use_a_route_is_declared_with_the_route(api: Switchboard) -> None:
    document = EXAMPLE.replace("username: Ann,", "username: Ann, selectoutroute: local,")
    assert "extensions[0].selectoutroute is an unknown key" in await _refused(api, document)


async def test_prompts_and_music_that_are_declared_can_be_used_at_once(
    api: Switchboard, tmp_path: Path
) -> None:
    (tmp_path / "tone.wav").write_bytes(tone_file(440, 0.1))
    sounds = f"prompts: [{{name: declared, file: {tmp_path}/tone.wav}}]\n"
    sounds += f"musiconhold: [{{name: lobby, files: [{tmp_path}/tone.wav]}}]\n"
    users = "ivrs: [{number: 6500, ivrname: A, prompt: declared}]\n"
    users += "queues: [{number: 6700, queuename: B, musiconhold: lobby}]\n"
    folder = api.core.settings.data
    await api.core.apply.apply(users + sounds, dry_run=True)
    assert not list(folder.rglob("declared*"))
    assert not (folder / "moh" / "lobby").exists()
    await api.core.apply.apply(users + sounds)
    assert (await api.core.apply.apply(users + sounds)).lines == ("nothing to change",)
    for reserved in ("default", "General"):
        bad = f"musiconhold: [{{name: {reserved}, files: [{tmp_path}/tone.wav]}}]"
        assert "engine's own" in await _refused(api, bad)
    for bad, said in (
        (f"prompts: [{{name: ../x, file: {tmp_path}/tone.wav}}]", "a prompt's name"),
        ("prompts: [{name: x, file: /nowhere/x.wav}]", "cannot be read"),
        (f"prompts: [{{name: x, file: {tmp_path}}}]", "cannot be read"),
        ("prompts: [{name: x}]", "either a file or a text"),
    ):
        assert said in await _refused(api, bad)
