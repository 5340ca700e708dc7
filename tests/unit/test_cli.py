"""The command line loads what a command needs, and finds the PBX that its settings describe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from offhook.cli import _COMMANDS, parser
from offhook.settings import Settings

LIGHT = ("request", "apply", "api", "dialplan", "listen", "mail", "outbound", "restart")


@pytest.mark.parametrize("command", LIGHT)
def test_a_command_does_not_load_the_whole_pbx(command: str) -> None:
    code = (
        f"import sys, offhook.cli; offhook.cli.parser({command!r});"
        "sys.exit(' '.join({'offhook.core', 'sqlalchemy', 'numpy'} & set(sys.modules)))"
    )
    environment = {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_has_its_arguments(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser(command).parse_args([command, "--help"])
    assert ended.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) > 5


@pytest.mark.parametrize(
    ("bind", "https_only", "url"),
    [
        ("0.0.0.0", False, "http://127.0.0.1:8088"),
        ("::", False, "http://[::1]:8088"),
        ("192.0.2.1", True, "https://192.0.2.1:8088"),
    ],
)
def test_where_a_pbx_is_reached(bind: str, https_only: bool, url: str) -> None:
    assert Settings(data=Path("/x"), bind=bind, https_only=https_only).url == url
