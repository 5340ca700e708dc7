"""The private Python environment: made on the first start, without root, pip or ensurepip on the machine.

Only the standard library of Debian's bare python3 is used here. An environment is named after what is in it,
so a new lock file makes a new one and an old one stays usable.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

from offhook.asterisk.apt import AptError, Bar, PrivateApt, machine_codename, unpack

_MARK = ".complete"
_PIP_PACKAGE = "python3-pip-whl"
_DISK_BYTES = 400 << 20


class BootstrapError(Exception):
    """The environment cannot be made; the text is one sentence that says what to do."""


def data_home() -> Path:
    """Where offhook keeps what all its data folders share (XDG base directories)."""
    home = os.environ.get("XDG_DATA_HOME") or str(Path("~/.local/share").expanduser())
    return Path(home) / "offhook"


def environment(requirements: Sequence[Path]) -> Path:
    """The environment with these locked requirements, made if need be. Raises BootstrapError."""
    if chosen := os.environ.get("OFFHOOK_VENV"):
        return Path(chosen)
    digest = hashlib.sha256(sys.version.encode())
    for path in requirements:
        digest.update(path.read_bytes())
    folder = data_home() / f"venv-{digest.hexdigest()[:12]}"
    if (folder / _MARK).exists():
        return folder
    try:
        data_home().mkdir(parents=True, exist_ok=True)
        with (data_home() / "venv.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / _MARK).exists():
                _make(folder, requirements)
    except OSError as failure:
        raise BootstrapError(f"{folder} cannot be made: {failure}") from None
    except AptError as failure:
        raise BootstrapError(str(failure)) from None
    return folder


def _make(folder: Path, requirements: Sequence[Path]) -> None:
    free = shutil.disk_usage(folder.parent).free
    if free < _DISK_BYTES:
        raise BootstrapError(
            f"{folder.parent} has {free >> 20} MB free and {_DISK_BYTES >> 20} MB are needed; make room"
        )
    sys.stderr.write("offhook: preparing its Python environment (once)\n")
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=False, symlinks=True)
    with tempfile.TemporaryDirectory(prefix="offhook-pip-") as scratch:
        wheel = _pip_wheel(Path(scratch))
        _install(folder, wheel, requirements)
    (folder / _MARK).touch()


def _install(folder: Path, wheel: Path, requirements: Sequence[Path]) -> None:
    command = [str(folder / "bin" / "python"), f"{wheel}/pip", "install", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--no-deps", "--require-hashes"]
    for path in requirements:
        command += ["-r", str(path)]
    done = subprocess.run(  # noqa: S603 - our own environment's python, no shell
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise BootstrapError(
            "the Python packages cannot be installed; check the network and start again "
            f"(pip says: {lines[-1].strip() if lines else 'nothing'})"
        )


def _pip_wheel(scratch: Path) -> Path:
    """pip as a wheel that runs as it is: the machine's, or Debian's own package of it."""
    for folder in (Path("/usr/share/python-wheels"), scratch / "usr/share/python-wheels"):
        if folder == scratch / "usr/share/python-wheels":
            apt = PrivateApt(scratch / "apt", machine_codename())
            apt.update()
            unpack(
                apt.download([_PIP_PACKAGE], scratch, Bar("offhook: fetching pip")),
                scratch,
                lambda _d, _t: None,
            )
        if wheels := sorted(folder.glob("pip-*.whl")):
            return wheels[-1]
    raise BootstrapError(f"Debian's package {_PIP_PACKAGE} holds no pip")


def main(arguments: Sequence[str]) -> int:
    """`python3 -m offhook.bootstrap FILE…`: make the environment and print its folder of programs."""
    try:
        folder = environment([Path(name) for name in arguments])
    except BootstrapError as failure:
        sys.stderr.write(f"offhook: {failure}\n")
        return 1
    sys.stdout.write(f"{folder / 'bin'}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
