"""Finds or fetches the engine, and the SIP phones that tests and the demonstration use (decision 10).

    OFFHOOK_ENGINE ─► the system's Asterisk, if new enough ─► a closure fetched earlier ─► fetch one

A fetched closure lies in `engine/<version>` under the user's data home, shared by all data folders. It is
accepted only after the self-test, so that a bad one never takes the place of one that works.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from offhook.asterisk.apt import AptError, Bar, PrivateApt, unpack
from offhook.asterisk.selftest import SelftestError, selftest
from offhook.asterisk.tree import EngineError, EngineTree, acceptable

log = logging.getLogger(__name__)

_SUITE = "sid"
_ENGINE_PACKAGES = ("asterisk", "asterisk-core-sounds-en-wav", "asterisk-moh-opsound-wav")
_TOOL_PACKAGES = ("sip-tester", "baresip-core")
_ENGINE_PROGRAM = "usr/sbin/asterisk"
_UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian")


def engine_home() -> Path:
    """Where fetched closures lie."""
    home = os.environ.get("XDG_DATA_HOME") or str(Path("~/.local/share").expanduser())
    return Path(home) / "offhook" / "engine"


def obtain_engine() -> EngineTree:
    """The engine to run. Raises EngineError with one sentence when there is none to be had."""
    if chosen := os.environ.get("OFFHOOK_ENGINE"):
        return EngineTree.at(Path(chosen).absolute())
    system = _system_engine()
    if system is not None:
        return system
    current = engine_home() / "current"
    if (current / _ENGINE_PROGRAM).exists():
        tree = EngineTree.at(current.resolve())
        if (reason := acceptable(tree.version())) is None:
            return tree
        sys.stderr.write(f"offhook: {reason}; a newer one is fetched\n")
    return _locked(_fetch_engine)


def obtain_tools() -> EngineTree:
    """SIPp and baresip, fetched by the same means. `OFFHOOK_TOOLS` names a folder that has them."""
    if chosen := os.environ.get("OFFHOOK_TOOLS"):
        return EngineTree(Path(chosen).absolute(), private_loader=True)
    folder = engine_home() / "tools"
    if (folder / "usr/bin/baresip").exists():
        return EngineTree(folder.resolve(), private_loader=True)
    return _locked(_fetch_tools)


def _system_engine() -> EngineTree | None:
    if not Path("/", _ENGINE_PROGRAM).exists():
        return None
    tree = EngineTree.at(Path("/"))
    try:
        reason = acceptable(tree.version())
    except EngineError as failure:
        reason = str(failure)
    if reason is None:
        return tree
    sys.stderr.write(f"offhook: the system's engine is not used: {reason}\n")
    return None


def _locked(fetch: Callable[[], EngineTree]) -> EngineTree:
    """One fetch at a time: a second one waits, and finds what the first has brought."""
    home = engine_home()
    home.mkdir(parents=True, exist_ok=True)
    with (home / "fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return fetch()
        except AptError as failure:
            raise EngineError(str(failure)) from None
        except OSError as failure:
            raise EngineError(f"the engine cannot be stored in {home}: {failure}") from None


def _fetch_engine() -> EngineTree:
    home = engine_home()
    current = home / "current"
    if (current / _ENGINE_PROGRAM).exists() and acceptable(
        EngineTree.at(current.resolve()).version()
    ) is None:
        return EngineTree.at(current.resolve())
    sys.stderr.write("offhook: fetching Asterisk 22 with its prompts (once)\n")
    apt = PrivateApt(home / "apt", _SUITE)
    apt.update()
    folder = _bring(apt, _ENGINE_PACKAGES, home / _folder_name(apt.version("asterisk")))
    tree = EngineTree.at(folder)
    if (reason := acceptable(tree.version())) is not None:
        shutil.rmtree(folder)
        raise EngineError(f"the archive has no engine for offhook: {reason}")
    try:
        asyncio.run(selftest(tree))
    except SelftestError as failure:
        raise EngineError(f"the engine in {folder} does not pass the self-test: {failure}") from None
    link = home / "current.new"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.replace(current)
    return tree


def _fetch_tools() -> EngineTree:
    folder = engine_home() / "tools"
    if not (folder / "usr/bin/baresip").exists():
        sys.stderr.write("offhook: fetching SIPp and baresip (once)\n")
        apt = PrivateApt(engine_home() / "apt-tools", _SUITE)
        apt.update()
        _bring(apt, _TOOL_PACKAGES, folder)
    return EngineTree(folder, private_loader=True)


def _folder_name(version: str) -> str:
    if not version:
        raise AptError("the archive has no Asterisk")
    return "".join(ch if ch.isalnum() or ch in ".+-" else "_" for ch in version)


def _bring(apt: PrivateApt, packages: Sequence[str], folder: Path) -> Path:
    """Download and unpack packages with all they need into `folder`, which appears whole or not at all."""
    if folder.exists():
        return folder
    archives = apt.download(packages, folder.parent, Bar("offhook: fetching"))
    draft = folder.with_name(folder.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    unpack(archives, draft, Bar("offhook: unpacking"))
    _prepare(draft)
    manifest = [{"file": path.name, "sha256": _sha256(path)} for path in archives]
    (draft / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    draft.rename(folder)
    shutil.rmtree(apt.archives, ignore_errors=True)
    return folder


def _prepare(tree: Path) -> None:
    """Do what the packages' maintainer scripts would: without it every prompt is silent."""
    for name in _UNUSED:
        shutil.rmtree(tree / name, ignore_errors=True)
    sounds = tree / "usr/share/asterisk/sounds"
    if not sounds.is_dir():
        return
    voices = sorted(path.name for path in sounds.glob("en_*") if path.is_dir())
    if voices and not (sounds / "en").exists():
        (sounds / "en").symlink_to(voices[0])
    for name in ("custom", "recordings", "priv-callerintros"):
        if (sounds / name).is_symlink():
            (sounds / name).unlink()
        (sounds / name).mkdir(exist_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
