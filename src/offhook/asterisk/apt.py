"""Debian packages without root: apt with a state of its own, from the mirror that the machine's apt has.

apt verifies signatures and hashes as ever; the machine's own apt.conf.d stays in force (proxies, time-outs).
Only the standard library is used here: the launcher fetches pip by this before anything is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_CONFIG = """\
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "{folder}/empty";
Dir::Etc::preferencesparts "{folder}/empty";
Dir::Etc::preferences "{folder}/none";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::State::extended_states "{folder}/state/extended_states";
Dir::Cache "{folder}/cache";
Dir::Log "{folder}/log";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
Debug::NoLocking "true";
"""
_URI = re.compile(r"^'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+) ")
_UNPACKED_PER_DOWNLOADED = 4
_SPARE_BYTES = 200 << 20

Progress = Callable[[int, int], None]


class AptError(Exception):
    """Packages cannot be had; the text is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Download:
    """One package file to come: its name in the cache and its size in bytes."""

    file: str
    size: int


class Bar:
    """A progress bar on stderr; a few lines where stderr is no terminal."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._shown = -1
        self._terminal = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` is there."""
        percent = 100 if total <= 0 else min(100, done * 100 // total)
        step = 1 if self._terminal else 25
        if percent // step <= self._shown:
            return
        self._shown = percent // step
        if self._terminal:
            filled = percent * 40 // 100
            line = f"\r{self._title} [{'#' * filled}{'.' * (40 - filled)}] {percent:3d} %"
            sys.stderr.write(line + ("\n" if percent == 100 else ""))
        else:
            sys.stderr.write(f"{self._title}: {percent} %\n")
        sys.stderr.flush()


def _run(command: Sequence[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - fixed programs, no shell
            list(command),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise AptError(f"{command[0]} is missing: offhook fetches packages on Debian only") from None


def machine_mirror() -> str:
    """The address of the Debian archive that this machine's apt uses. Raises AptError when there is none."""
    fields = "$(SITE)|$(ORIGIN)|$(COMPONENT)|$(REPO_URI)"
    done = _run(["apt-get", "indextargets", "--format", fields, "Created-By: Packages"], dict(os.environ))
    rows = [line.split("|") for line in done.stdout.splitlines() if line.count("|") == 3]
    main = [row for row in rows if row[2] == "main" and "security" not in row[3]]
    own = [row for row in main if row[1] == "Debian"] or [row for row in main if not row[1].strip()]
    # Where no list was ever fetched, the origin stands there as the placeholder that asked for it.
    own = own or [row for row in main if row[1].startswith("$(")]
    if not own:
        raise AptError("this machine's apt names no Debian archive; offhook fetches its parts from there")
    return own[0][3].rstrip("/")


def machine_codename() -> str:
    """The machine's Debian release, such as bookworm. Raises AptError when it is none."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        text = ""
    match = re.search(r"^VERSION_CODENAME=\"?([a-z]+)", text, re.MULTILINE)
    if match is None:
        raise AptError("this machine does not tell its Debian release in /etc/os-release")
    return match[1]


class PrivateApt:
    """apt for one suite, with everything it keeps in `folder`."""

    def __init__(self, folder: Path, suite: str) -> None:
        self.folder = folder
        self.suite = suite
        self._environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf"), "LC_ALL": "C.UTF-8"}

    @property
    def archives(self) -> Path:
        """Where the package files lie."""
        return self.folder / "cache" / "archives"

    def update(self) -> None:
        """Fetch the package lists. Raises AptError without a network."""
        mirror = machine_mirror()
        for part in ("state/lists/partial", "cache/archives/partial", "empty", "log"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        (self.folder / "apt.conf").write_text(_CONFIG.format(folder=self.folder), encoding="utf-8")
        keyring = next(iter(sorted(Path("/usr/share/keyrings").glob("debian-archive-keyring.*"))), None)
        signed = f"[signed-by={keyring}] " if keyring else ""
        (self.folder / "sources.list").write_text(
            f"deb {signed}{mirror} {self.suite} main\n", encoding="utf-8"
        )
        done = _run(["apt-get", "update"], self._environment)
        if done.returncode or "\nE:" in f"\n{done.stderr}" or "Failed to fetch" in done.stderr:
            raise AptError(
                f"the package lists of {mirror} cannot be fetched; check the network and start again "
                f"(apt says: {_last(done.stderr)})"
            )

    def version(self, package: str) -> str:
        """The version that the suite has of a package, empty when it has none."""
        done = _run(["apt-cache", "policy", package], self._environment)
        match = re.search(r"Candidate: (\S+)", done.stdout)
        return match[1] if match and match[1] != "(none)" else ""

    def closure(self, packages: Sequence[str]) -> list[Download]:
        """Every file that the packages need, themselves included, also those that are there already."""
        done = _run(["apt-get", "install", "--print-uris", "-y", *packages], self._environment)
        if done.returncode:
            raise AptError(f"{' '.join(packages)} cannot be had: {_last(done.stderr)}")
        found = [match for line in done.stdout.splitlines() if (match := _URI.match(line))]
        listed = {match["file"]: int(match["size"]) for match in found}
        return [Download(name, size) for name, size in listed.items()]

    def download(self, packages: Sequence[str], target: Path, progress: Progress) -> list[Path]:
        """Fetch the packages and all they need; what an earlier try has fetched is kept.

        Raises AptError when the disk that `target` lies on is too small, or a file cannot be fetched.
        """
        missing = self.closure(packages)
        total = sum(item.size for item in missing)
        _check_disk(target, total * (1 + _UNPACKED_PER_DOWNLOADED))
        before = self._fetched()
        process = subprocess.Popen(  # noqa: S603 - a fixed program, no shell
            ["apt-get", "install", "--download-only", "-y", *packages],  # noqa: S607
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            while process.poll() is None:
                progress(self._fetched() - before, total)
                time.sleep(0.2)
            errors = process.stderr.read() if process.stderr else ""
        if process.returncode:
            raise AptError(
                f"packages cannot be fetched; check the network and start again, it goes on from here "
                f"(apt says: {_last(errors)})"
            )
        progress(total, total)
        return sorted(self.archives.glob("*.deb"))

    def _fetched(self) -> int:
        size = 0
        for folder in (self.archives, self.archives / "partial"):
            for path in folder.glob("*"):
                try:
                    size += path.stat().st_size if path.is_file() else 0
                except OSError:
                    continue
        return size


def unpack(archives: Sequence[Path], target: Path, progress: Progress) -> None:
    """Unpack package files into a folder; no maintainer script runs. Raises AptError."""
    target.mkdir(parents=True, exist_ok=True)
    for number, archive in enumerate(archives):
        done = _run(["dpkg-deb", "-x", str(archive), str(target)], dict(os.environ))
        if done.returncode:
            raise AptError(f"{archive.name} cannot be unpacked: {_last(done.stderr)}")
        progress(number + 1, len(archives))


def _check_disk(target: Path, needed: int) -> None:
    target.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target).free
    if free < needed + _SPARE_BYTES:
        raise AptError(
            f"{target} has {free >> 20} MB free and {(needed + _SPARE_BYTES) >> 20} MB are needed; "
            "make room, or set XDG_DATA_HOME to a larger disk"
        )


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("W:")]
    return lines[-1].strip() if lines else "nothing"
