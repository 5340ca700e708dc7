"""Writes the engine's static configuration and what it needs beside it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from pathlib import Path

from offhook import disk
from offhook.asterisk.static import EngineSettings, render

_FOLDERS = ("etc", "var", "spool", "log")


def write_file(path: Path, text: str) -> None:
    """Put `text` into `path` (0600) at once: a reader sees the old file or the new one, never a part."""
    disk.put(path, text.encode())


def private_folder(path: Path) -> Path:
    """Make a folder that only its user may enter; a new one is there after a power cut too."""
    new = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    for one in new:
        with contextlib.suppress(PermissionError):  # a parent that is not ours may be closed to reading
            disk.sync(one.parent)
    return path


def write_static_config(settings: EngineSettings, ami_secret: str) -> None:
    """Write every static file; files that are not ours any more are removed."""
    for name in _FOLDERS:
        private_folder(settings.folder / name)
    private_folder(settings.data / "run")
    private_folder(settings.cel_file.parent)
    _link(settings.folder / "log" / "cel-custom", settings.cel_file.parent)
    files = render(settings, ami_secret)
    for stale in settings.etc.iterdir():
        if stale.name not in files and not stale.name.endswith("_generated.conf"):
            stale.unlink()
    for name, text in files.items():
        write_file(settings.etc / name, text)
    _prompts(settings)
    # names that people have recorded in their boxes are told by the directory too
    boxes = settings.folder / "spool" / "voicemail"
    private_folder(boxes)
    private_folder(boxes / "default")
    _link(boxes / "directory", boxes / "default")


def static_hash(settings: EngineSettings) -> str:
    """Identifies version and static configuration, but for the secret (architecture, decision 8)."""
    files = render(settings, "")
    version = settings.tree.version()
    return hashlib.sha256(
        json.dumps([version, files, settings.timezone], sort_keys=True).encode()
    ).hexdigest()


def _prompts(settings: EngineSettings) -> None:
    """The engine's data folder: its own sounds and music beside those of this PBX.

    Bare names of the operator's dialplan are looked for in `sounds` itself, uploaded prompts in `record`.
    """
    share = private_folder(settings.folder / "share")
    sounds = private_folder(settings.data / "sounds")
    private_folder(sounds / "record")
    private_folder(settings.folder / "var" / "keys")
    _link(share / "sounds", sounds)
    for name in ("moh", "documentation", "static-http", "rest-api"):
        _link(share / name, settings.tree.data / name)
    for folder in sorted((settings.tree.data / "sounds").iterdir()):
        # a language; `custom` and the like lead out of the engine's tree
        if folder.is_dir() and re.fullmatch(r"[a-z]{2,3}(_[A-Za-z_]+)?", folder.name):
            _link(sounds / folder.name, folder)


def _link(path: Path, target: Path) -> None:
    if path.is_symlink():
        if path.readlink() == target:
            return
        path.unlink()
    elif path.exists():
        return
    path.symlink_to(target, target_is_directory=True)
