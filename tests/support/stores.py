"""Stores of tests without an engine: made once, and copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from offhook.store import migrate

_FROM_NOTHING = ("test_store_open", "test_upgrade", "test_backup_archive", "test_power_cut")
"""Modules that look at how a store comes to be, and on which disk."""


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "empty.db"
    migrate.open_store(path, []).close()
    return path


@pytest.fixture(autouse=True)
def stores_from_a_copy(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, empty_store: Path
) -> None:
    """New stores begin as copies of one: migrations take a fifth of a second of CPU, hundreds of times."""
    if request.module.__name__.rpartition(".")[2] in _FROM_NOTHING:
        return
    make_private = migrate._make_private

    def copied(path: Path) -> None:
        if not path.exists():
            shutil.copyfile(empty_store, path)
        make_private(path)

    monkeypatch.setattr(migrate, "_make_private", copied)
