"""Which engines may run, and where a private one keeps its parts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from offhook.asterisk.apt import AptError, PrivateApt, unpack
from offhook.asterisk.fetch import obtain_engine
from offhook.asterisk.process import call_capacity
from offhook.asterisk.static import EngineSettings, render
from offhook.asterisk.tree import EngineError, EngineTree, acceptable


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ((22, 10, 1), ""),
        ((22, 11, 0), ""),
        ((22, 10, 0), "known security holes"),
        ((20, 12, 0), "not of the series 22"),
        ((23, 0, 0), "not of the series 22"),
    ],
)
def test_versions(version: tuple[int, ...], says: str) -> None:
    reason = acceptable(version)
    assert (reason is None) if not says else (reason is not None and says in reason)


def test_a_folder_without_an_engine_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFHOOK_ENGINE", str(tmp_path))
    with pytest.raises(EngineError, match="there is no Asterisk in"):
        obtain_engine()


def test_a_fetched_engine_runs_under_its_own_loader(tmp_path: Path) -> None:
    command = EngineTree(tmp_path, private_loader=True).command("usr/sbin/asterisk")
    assert command[0].startswith(str(tmp_path))
    assert command[1] == "--library-path"
    assert command[-1] == str(tmp_path / "usr/sbin/asterisk")
    assert EngineTree(Path("/"), private_loader=False).command("usr/sbin/asterisk") == ["/usr/sbin/asterisk"]


def test_without_a_network_one_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offhook.asterisk.apt.machine_mirror", lambda: "http://127.0.0.1:9/debian")
    with pytest.raises(AptError, match="check the network and start again"):
        PrivateApt(tmp_path / "apt", "sid").update()


def test_a_full_disk_is_told_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.asterisk.apt._SPARE_BYTES", 1 << 60)
    monkeypatch.setattr(PrivateApt, "closure", lambda _self, _packages: [])
    with pytest.raises(AptError, match="make room"):
        PrivateApt(tmp_path / "apt", "sid").download(["x"], tmp_path, lambda _done, _total: None)


def test_a_torn_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.deb").write_bytes(b"torn")
    with pytest.raises(AptError, match=r"x\.deb cannot be unpacked"):
        unpack([tmp_path / "x.deb"], tmp_path / "out", lambda _done, _total: None)


def test_capacity_follows_the_ports() -> None:
    assert call_capacity((10000, 10399)) == 100


def test_the_secret_stands_in_one_file_only(tmp_path: Path) -> None:
    settings = EngineSettings(
        tree=EngineTree(tmp_path, private_loader=True), data=tmp_path, store=tmp_path / "s.db", dialplan=""
    )
    files = render(settings, "s3cret")
    assert [name for name, text in files.items() if "s3cret" in text] == ["manager.conf"]
    assert "bindaddr=127.0.0.1" in files["manager.conf"]
    assert "command" not in files["manager.conf"].split("write=")[1].splitlines()[0]


def test_no_name_of_a_section_is_cut_by_the_engine(tmp_path: Path) -> None:
    """It takes 79 characters, whatever the path of the data folder is."""
    data = tmp_path / ("long" * 30)
    settings = EngineSettings(
        tree=EngineTree(tmp_path, private_loader=True), data=data, store=data / "s.db", dialplan=""
    )
    names = re.findall(r"^\[([^\]\n]*)\]", "\n".join(render(settings, "x").values()), re.MULTILINE)
    assert "cel.json" in names
    assert max(map(len, names)) < 80
