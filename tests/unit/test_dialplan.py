"""What is given to the engine as text: the dialplan's open doors and the views."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest
import sqlalchemy as sa

import offhook
from offhook.dialplan import REALTIME_FAMILIES, dialplan, views
from offhook.store.metadata import metadata


def _context(name: str) -> str:
    found = re.search(rf"^\[{name}\]\n(.*?)(?=^\[|\Z)", dialplan(), re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def test_a_phone_reaches_no_pattern_that_takes_any_character() -> None:
    entry = _context("from-extension")
    assert re.findall(r"^include => (\S+)", entry, re.MULTILINE) == ["offhook-dialled"]
    patterns = re.findall(r"^exten => ([^,]+),", entry + _context("offhook-dialled"), re.MULTILINE)
    assert len(patterns) > 30
    closed = r"h|s|_(\[\*#\+\]|\[\*#\]\[\*#\])?X*"
    patterns += re.findall(r"^exten => ([^,]+),", _context("from-trunk"), re.MULTILINE)
    assert [one for one in patterns if not re.fullmatch(closed, one)] == []
    assert max(map(len, patterns)) < 80, "the engine cuts longer ones"


def test_every_goto_has_a_context() -> None:
    text = dialplan()
    contexts = set(re.findall(r"^\[([A-Za-z0-9-]+)\]", text, re.MULTILINE))
    named = set(re.findall(r"(?:Goto|Gosub)\(([a-z-]+),", text)) | set(re.findall(r"\?([a-z-]+),", text))
    assert named
    generated = {"offhook-featurecodes", "offhook-parking", "offhook-outroutes", "offhook-inroutes-"}
    assert {one for one in named if one not in {"known", "set"}} <= contexts | generated


def test_no_backslash_goes_into_a_cel_event() -> None:
    lines = [line for line in dialplan().splitlines() if "CELGenUserEvent" in line]
    assert lines
    assert not [line for line in lines if "\\" in line and not line.startswith(";")]


@pytest.fixture
def store() -> sa.Connection:
    for module in pkgutil.walk_packages(offhook.__path__, "offhook."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)
    connection = sa.create_engine("sqlite://").connect()
    metadata.create_all(connection)
    for statement in views():
        assert statement.startswith("CREATE VIEW ")
        connection.exec_driver_sql(statement)
    return connection


def test_the_views_fit_the_tables(store: sa.Connection) -> None:
    names = {statement.split()[2] for statement in views()}
    assert {"ps_endpoints", "ps_auths", "ps_aors", "voicemail", *REALTIME_FAMILIES.values()} <= names
    for name in names:
        assert store.execute(sa.text(f"SELECT * FROM {name}")).keys()
    store.close()
    store.engine.dispose()


def test_the_name_stands_last_where_the_dialplan_reads_a_whole_row(store: sa.Connection) -> None:
    assert list(store.execute(sa.text("SELECT * FROM v_extensions")).keys())[-1] == "username"
    store.close()
    store.engine.dispose()
