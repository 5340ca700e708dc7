"""The key `api` of the declared state, over settings kept in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from offhook.areas.apply.access import ApiSection, ApiState
from offhook.areas.apply.document import ApplyError
from offhook.areas.apply.service import ApplyService
from offhook.store.migrate import open_store
from offhook.store.unit import Store, UnitOfWork

START = ApiState(
    enabled=True,
    username="api",
    password_derived="derived:old",
    report_method="HTTP",
    event_port=8333,
    download_addresses="",
    monitors=frozenset({"1000", "1001"}),
    extensions=frozenset({"1000", "1001"}),
)


class Settings:
    """Stands in for the access area."""

    def __init__(self) -> None:
        self.state = START
        self.told = 0

    def state_in(self, _connection: sa.Connection) -> ApiState:
        return self.state

    def store_in(self, unit: UnitOfWork, state: ApiState) -> None:
        def keep() -> None:
            self.state = state

        unit.after_commit(keep)

    def derive(self, password: str) -> str:
        return f"derived:{password}"

    def matches(self, password: str, derived: str) -> bool:
        return derived == f"derived:{password}"

    async def changed(self) -> None:
        self.told += 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "s.db", [])
    yield made
    made.close()


async def test_only_what_is_declared_changes_and_the_password_is_not_shown(store: Store) -> None:
    settings = Settings()
    service = ApplyService(store, [ApiSection(settings)])
    text = "api: {enabled: off, password: new-one, extension_monitors: [1001]}"
    lines = (await service.apply(text)).lines
    assert lines == (
        "~ api settings",
        "    enabled: on -> off",
        "    password: (secret) -> (secret)",
        "    extension_monitors: 1000,1001 -> 1001",
    )
    assert settings.state == dataclasses.replace(
        START, enabled=False, password_derived="derived:new-one", monitors=frozenset({"1001"})
    )
    assert settings.told == 1
    assert (await service.apply(text)).changes == ()
    assert (await service.apply(await service.export())).changes == ()


async def test_who_may_download(store: Store) -> None:
    settings = Settings()
    service = ApplyService(store, [ApiSection(settings)])
    assert await _addresses(service, settings, "[192.0.2.7, 10.0.0.0/8]") == "192.0.2.7,10.0.0.0/8"
    assert (await service.apply(await service.export())).changes == ()
    assert await _addresses(service, settings, "any") == "any"
    assert await _addresses(service, settings, "[]") == ""


async def _addresses(service: ApplyService, settings: Settings, text: str) -> str:
    await service.apply(f"api: {{download_addresses: {text}}}")
    return settings.state.download_addresses


@pytest.mark.parametrize(
    "text",
    [
        "{enabled: maybe}",
        "{event_port: 0}",
        "{report_method: UDP}",
        "{extension_monitors: [9]}",
        "{download_addresses: [pbx]}",
        "{download_addresses: [10.0.0.1/8]}",
        "{pass: x}",
        "word",
    ],
)
async def test_wrong_values_are_refused(store: Store, text: str) -> None:
    settings = Settings()
    with pytest.raises(ApplyError, match="api"):
        await ApplyService(store, [ApiSection(settings)]).apply(f"api: {text}")
    assert settings.state == START
    assert settings.told == 0
