"""Where an Asterisk lies and how its programs are started.

An engine that was fetched is a closure of packages in a folder: its programs run under their own dynamic
loader with their own libraries, so the machine's libc does not matter (architecture, decision 10).
"""

from __future__ import annotations

import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

SECURITY_FLOOR = (22, 10, 1)
"""Oldest engine that may run: 19 advisories were closed with it, CVE-2026-57191 among them."""

_TRIPLES = {"x86_64": "x86_64-linux-gnu", "aarch64": "aarch64-linux-gnu"}
_LOADERS = {"x86_64": "usr/lib64/ld-linux-x86-64.so.2", "aarch64": "usr/lib/ld-linux-aarch64.so.1"}


class EngineError(Exception):
    """The engine cannot be had or cannot run; the text is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class EngineTree:
    """One Asterisk. `root` is `/` for that of the system, else the folder of a closure."""

    root: Path
    private_loader: bool

    @classmethod
    def at(cls, root: Path) -> EngineTree:
        """The tree at `root`. Raises EngineError when no Asterisk lies there."""
        tree = cls(root, private_loader=root != Path("/"))
        if not tree.program("usr/sbin/asterisk").exists():
            raise EngineError(f"there is no Asterisk in {root}; unset OFFHOOK_ENGINE to have one fetched")
        return tree

    @property
    def triple(self) -> str:
        """Debian's name of this machine's architecture in library paths."""
        return _TRIPLES.get(platform.machine(), f"{platform.machine()}-linux-gnu")

    @property
    def libraries(self) -> Path:
        """Folder of the shared libraries."""
        return self.root / "usr/lib" / self.triple

    @property
    def modules(self) -> Path:
        """Folder of the Asterisk modules."""
        for folder in (self.libraries / "asterisk/modules", self.root / "usr/lib/asterisk/modules"):
            if folder.is_dir():
                return folder
        return self.libraries / "asterisk/modules"

    @property
    def data(self) -> Path:
        """Folder of sounds, music and documentation (astdatadir)."""
        return self.root / "usr/share/asterisk"

    def program(self, path: str) -> Path:
        """A program of the tree by its path below the root."""
        return self.root / path

    def command(self, path: str) -> list[str]:
        """How to start the program at `path` (such as `usr/sbin/asterisk`); arguments follow."""
        program = str(self.program(path))
        if not self.private_loader:
            return [program]
        loader = self.root / _LOADERS[platform.machine()]
        libraries = f"{self.libraries}:{self.libraries / 'pulseaudio'}"
        return [str(loader), "--library-path", libraries, program]

    def version(self) -> tuple[int, ...]:
        """The version that the engine tells, such as (22, 10, 1). Raises EngineError when it cannot."""
        try:
            done = subprocess.run(  # noqa: S603 - the engine of our own choice, without a shell
                [*self.command("usr/sbin/asterisk"), "-V"],
                capture_output=True,
                text=True,
                timeout=20,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as failure:
            raise EngineError(f"the Asterisk in {self.root} does not start: {failure}") from None
        match = re.search(r"Asterisk (?:certified[/-])?([0-9]+(?:\.[0-9]+)+)", done.stdout)
        if match is None:
            raise EngineError(
                f"the Asterisk in {self.root} does not tell its version: {done.stdout.strip()!r}"
            )
        return tuple(int(part) for part in match[1].split("."))


def acceptable(version: tuple[int, ...]) -> str | None:
    """None when an engine of this version may run, else the reason why not."""
    told = ".".join(map(str, version))
    if version[:1] != SECURITY_FLOOR[:1]:
        return f"Asterisk {told} is not of the series 22 that offhook is made for"
    if version < SECURITY_FLOOR:
        floor = ".".join(map(str, SECURITY_FLOOR))
        return f"Asterisk {told} has known security holes that {floor} closed (CVE-2026-57191 and others)"
    return None
