"""Applying a declared state: the difference, all or nothing, dry run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from offhook.areas.apply import extensions as extension_section
from offhook.areas.apply.document import ApplyError
from offhook.areas.apply.extensions import ExtensionSection
from offhook.areas.apply.lists import ContactSection, GroupSection
from offhook.areas.apply.service import ApplySection, ApplyService
from offhook.areas.contacts.service import ContactService
from offhook.areas.extensions.groups import GroupService
from offhook.areas.extensions.model import ExtensionChanged, ExtensionSettings
from offhook.areas.extensions.requests import UpdateExtension
from offhook.areas.extensions.service import ExtensionService, prepare_login
from offhook.areas.numbers.service import Numbers
from offhook.areas.routes.rights import set_routes
from offhook.events.api import ConfigChange
from offhook.store.migrate import open_store
from offhook.store.unit import UnitOfWork

PASSWORD = "v0S*ZrB6Y3g~1-oe"
FULL = f"""
extensions:
- {{number: 1000, username: Ann, registername: 1000, registerpassword: {PASSWORD},
   alwaysforward: on, atransferto: Extension, atransferext: 1001}}
- {{number: 1001, username: Bob, registername: 1001, registerpassword: {PASSWORD},
   loginpassword: aB3-efghij, vmsecret: 4711}}
extensiongroups:
- {{name: sale, members: [1000, 1001]}}
contacts:
- {{firstname: Maggie, lastname: Chou, businessnum: 15880123456}}
"""


class Pbx:
    def __init__(self, path: Path) -> None:
        self.store = open_store(path, [])
        self.events: list[ConfigChange] = []
        self.changed: list[ExtensionChanged] = []
        settings = ExtensionSettings()
        self.extensions = ExtensionService(
            self.store,
            numbers=Numbers(),
            settings=lambda: settings,
            publish=self._publish,
            on_changed=self._on_changed,
            set_routes=set_routes,
            in_use=lambda _connection, _numbers: None,
        )
        groups = GroupService(self.store, settings=lambda: settings)
        contacts = ContactService(self.store, limit=lambda: 100)
        sections: list[ApplySection] = [
            ExtensionSection(self.extensions),
            GroupSection(groups),
            ContactSection(contacts),
        ]
        self.apply = ApplyService(self.store, sections)

    def _publish(self, unit: UnitOfWork, events: Sequence[ConfigChange]) -> None:
        unit.after_commit(lambda: self.events.extend(events))

    async def _on_changed(self, changed: Sequence[ExtensionChanged]) -> None:
        self.changed.extend(changed)

    async def refused(self, text: str) -> str:
        before = await self.apply.export()
        for dry_run in (True, False):
            with pytest.raises(ApplyError) as caught:
                await self.apply.apply(text, dry_run=dry_run)
        assert await self.apply.export() == before
        return str(caught.value)


@pytest.fixture
def pbx(tmp_path: Path) -> Iterator[Pbx]:
    made = Pbx(tmp_path / "s.db")
    yield made
    made.store.close()


async def test_a_full_document_on_an_empty_pbx(pbx: Pbx) -> None:
    lines = "\n".join((await pbx.apply.apply(FULL)).lines)
    for secret in (PASSWORD, "aB3-efghij", "4711"):
        assert secret not in lines
    for line in (
        "+ extensions 1000",
        "    atransferext: 1001",
        "+ extensiongroups sale",
        "+ contacts Maggie Chou",
    ):
        assert line in lines.splitlines()
    assert pbx.events == [ConfigChange("extension", n, "add") for n in ("1000", "1001")]
    assert [change.number for change in pbx.changed] == ["1000", "1001"]


async def test_applying_twice_changes_nothing(pbx: Pbx) -> None:
    await pbx.apply.apply(FULL)
    pbx.events.clear()
    assert (await pbx.apply.apply(FULL)).lines == ("nothing to change",)
    assert pbx.events == []


async def test_a_dry_run_only_shows(pbx: Pbx) -> None:
    before = await pbx.apply.export()
    assert (await pbx.apply.apply(FULL, dry_run=True)).changes
    assert await pbx.apply.export() == before
    assert pbx.events == []
    assert pbx.changed == []


async def test_what_is_exported_can_be_applied(pbx: Pbx) -> None:
    await pbx.apply.apply(FULL)
    exported = await pbx.apply.export()
    assert PASSWORD not in exported
    assert (await pbx.apply.apply(exported)).changes == ()


async def test_lists_are_complete_and_missing_keys_are_left_alone(pbx: Pbx) -> None:
    await pbx.apply.apply(FULL)
    pbx.events.clear()
    applied = await pbx.apply.apply("extensions:\n- {number: 1001, username: Bert}\ncontacts: []")
    assert applied.lines == (
        "- extensions 1000",
        "~ extensions 1001",
        "    username: Bob -> Bert",
        "- contacts Maggie Chou",
    )
    assert pbx.events == [
        ConfigChange("extension", "1000", "del"),
        ConfigChange("extension", "1001", "update"),
    ]
    assert "sale" in await pbx.apply.export()


async def test_fields_not_declared_keep_their_value(pbx: Pbx) -> None:
    await pbx.apply.apply(FULL)
    await pbx.extensions.update(UpdateExtension(number="1000", dnd=True))
    await pbx.apply.apply(FULL)
    kept = await pbx.extensions.find("1000")
    assert kept is not None
    assert kept.dnd


async def test_a_language_is_declared_kept_and_taken_back(pbx: Pbx) -> None:
    german = FULL.replace("username: Bob", "language: de, username: Bob")
    assert "+ extensions 1001" in (await pbx.apply.apply(german)).lines
    assert "language: de" in await pbx.apply.export()
    assert (await pbx.apply.apply(FULL)).changes == (), "what is not declared stays"
    brazilian = german.replace("language: de", "language: pt_BR")
    assert (await pbx.apply.apply(brazilian)).lines == ("~ extensions 1001", "    language: de -> pt_BR")
    await pbx.extensions.update(UpdateExtension(number="1001", dnd=True))
    kept = await pbx.extensions.find("1001")
    assert kept is not None
    assert kept.language == "pt_BR"
    await pbx.apply.apply(german.replace("language: de", "language: System Default"))
    assert "language" not in await pbx.apply.export()


async def test_passwords_are_changed_and_never_shown(pbx: Pbx) -> None:
    await pbx.apply.apply(FULL)
    new = FULL.replace(PASSWORD, PASSWORD + "Q").replace("aB3-efghij", "aB3-efghiX")
    lines = (await pbx.apply.apply(new)).lines
    assert lines == (
        "~ extensions 1000",
        "    registerpassword: (secret) -> (secret)",
        "~ extensions 1001",
        "    registerpassword: (secret) -> (secret)",
        "    loginpassword: (secret) -> (secret)",
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("atransferext: 1001", "atransferext: 1002"), r"extensions[0] (1000): atransferext is no extension"),
        ((f"registerpassword: {PASSWORD},\n   login", "registerpassword: weak,\n   login"),
         "extensions[1] (1001): registerpassword must have at least 16 characters"),
        (("username: Bob", "usernme: Bob"), "extensions[1].usernme is an unknown key"),
        (("username: Bob", "username: Bob, language: ../../de"), "extensions[1] (1001): language must be"),
        (("username: Bob, ", ""), "extensions[1] (1001): username is missing or empty"),
        (("number: 1001", "number: 1000"), "extensions[1].number 1000 is declared twice"),
        (("members: [1000, 1001]", "members: [1000, 1009]"), "extensiongroups[0] (sale): members 1009 are"),
        (("businessnum: 15880123456", "company: x"), "contacts[0]: a contact needs a number"),
        (("contacts:", "contracts:"), "contracts is an unknown key"),
    ],
)  # fmt: skip
async def test_one_mistake_refuses_all_of_it(pbx: Pbx, change: tuple[str, str], words: str) -> None:
    assert change[0] in FULL
    assert words in await pbx.refused(FULL.replace(*change))
    assert pbx.events == []


async def test_a_change_made_meanwhile_is_planned_anew(pbx: Pbx) -> None:
    await pbx.apply.apply(FULL)
    wanted = FULL.replace("Ann", "Anna")
    await asyncio.gather(
        pbx.apply.apply(wanted),
        *(pbx.extensions.update(UpdateExtension(number="1000", dnd=on)) for on in (True, False)),
    )
    found = await pbx.extensions.find("1000")
    assert found is not None
    assert found.username == "Anna"


def _many(count: int, **more: str) -> str:
    fields = "".join(f", {name}: {value}" for name, value in more.items())
    extensions = "".join(
        f"- {{number: {n}, username: Ann, registername: {n}, registerpassword: {PASSWORD}{fields}}}\n"
        for n in range(2000, 2000 + count)
    )
    contacts = "".join(
        f"- {{firstname: Ann, lastname: N{n}, businessnum: '{n}'}}\n" for n in range(min(count, 100))
    )
    return f"extensions:\n{extensions or '  []'}\ncontacts:\n{contacts or '  []'}\n"


async def test_hundreds_are_stored_by_a_few_statements(pbx: Pbx) -> None:
    """All other writes wait meanwhile, those of calls too."""
    statements: list[str] = []

    @sa.event.listens_for(pbx.store.engine, "before_cursor_execute")
    def _count(connection: sa.Connection, _cursor: Any, statement: str, *_more: object) -> None:
        if connection.get_execution_options().get("offhook_write"):
            statements.append(statement)

    for document, events in ((_many(300), 300), (_many(300, ringtimeout="20"), 600), (_many(0), 900)):
        statements.clear()
        await pbx.apply.apply(document)
        assert len(pbx.events) == events
        assert len(statements) < 40, statements
    assert await pbx.extensions.count() == 0


async def test_names_are_looked_at_in_the_order_of_the_document(pbx: Pbx) -> None:
    """A name that one extension leaves can be another's after it, also a new one's."""
    ann = f"{{number: 1000, username: Ann, registername: %s, registerpassword: {PASSWORD}}}"
    bob = f"{{number: 1001, username: Bob, registername: ann, registerpassword: {PASSWORD}}}"
    await pbx.apply.apply(f"extensions: [{ann % 'ann'}]")
    said = await pbx.refused(f"extensions: [{bob}, {ann % 'ann2'}]")
    assert "extensions[0] (1001): registername is that of another extension" in said
    await pbx.apply.apply(f"extensions: [{ann % 'ann2'}, {bob}]")
    for name in ("ann", "1001"):
        said = await pbx.refused(f"extensions: [{bob}, {ann % name}]")
        assert "extensions[1] (1000): registername is that of another extension, or another's number" in said
    cat = f"{{number: 1002, username: Cat, registername: dog, registerpassword: {PASSWORD}}}"
    dog = f"{{number: 1003, username: Dog, registername: dog, registerpassword: {PASSWORD}}}"
    assert "extensions[3] (1003)" in await pbx.refused(f"extensions: [{ann % 'ann2'}, {bob}, {cat}, {dog}]")


async def test_of_too_many_the_first_beyond_the_limit_is_told(
    pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts = "".join(f"- {{firstname: Ann, lastname: N{n}, mobile: '{n}'}}\n" for n in range(101))
    assert "contacts[100]" in await pbx.refused(f"contacts:\n{contacts}")
    monkeypatch.setattr(pbx.extensions, "_settings", lambda: ExtensionSettings(max_extensions=3))
    assert "extensions[3] (2003): no more extensions" in await pbx.refused(_many(5))


async def test_passwords_are_worked_out_once_however_often_the_plan_is_made(
    pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pbx.apply.apply(FULL)
    loop, made, plans = asyncio.get_running_loop(), [], []
    plan = ExtensionSection.plan

    def counted(password: str | None) -> Any:
        made.append(password)
        return prepare_login(password)

    def overtaken(self: ExtensionSection, *now: Any) -> Any:
        found = plan(self, *now)
        plans.append(len(found))
        if len(plans) < 4:  # somebody presses a key meanwhile
            change = pbx.extensions.update(UpdateExtension(number="1001", dnd=len(plans) % 2 == 1))
            asyncio.run_coroutine_threadsafe(change, loop).result()
        return found

    monkeypatch.setattr(extension_section, "prepare_login", counted)
    monkeypatch.setattr(ExtensionSection, "plan", overtaken)
    await pbx.apply.apply(FULL.replace("vmsecret", "ringtimeout: 20, vmsecret").replace("efghij", "efghik"))
    assert (len(plans), made) == (4, ["aB3-efghik"])
