"""Real-time priority: asked for where a limit allows it, and done without where the machine refuses."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator

import pytest

from offhook.asterisk import doctor
from offhook.asterisk.scheduling import PRIORITY, allow_children, is_real_time, make_real_time


@pytest.fixture
def child() -> Iterator[int]:
    process = subprocess.Popen(["/bin/sleep", "60"])
    yield process.pid
    process.kill()
    process.wait()


def limits(monkeypatch: pytest.MonkeyPatch, hard: int) -> list[tuple[int, int]]:
    """Pretend that the system allows so much; returns what is set."""
    was_set: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (0, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _which, pair: was_set.append(pair))
    return was_set


def test_without_a_right_nothing_is_tried(monkeypatch: pytest.MonkeyPatch, child: int) -> None:
    was_set = limits(monkeypatch, 0)
    monkeypatch.setattr(os, "sched_setscheduler", lambda *_: pytest.fail("it was tried"))
    allow_children()
    assert not make_real_time(child)
    assert not was_set
    assert "not allowed" in doctor.check_real_time(child).what


def test_a_machine_that_refuses_is_gone_along_with(monkeypatch: pytest.MonkeyPatch, child: int) -> None:
    """The limit says yes and the system says no, as with real-time groups: the kernel's own refusal."""
    limits(monkeypatch, 1)
    assert not make_real_time(child)
    assert not is_real_time(child)
    assert doctor.check_real_time(child).ok


@pytest.mark.parametrize("hard", [1, 99, resource.RLIM_INFINITY])
def test_every_thread_gets_it(monkeypatch: pytest.MonkeyPatch, child: int, hard: int) -> None:
    was_set = limits(monkeypatch, hard)
    given: list[tuple[int, int, int]] = []
    monkeypatch.setattr(
        os,
        "sched_setscheduler",
        lambda pid, policy, param: given.append((pid, policy, param.sched_priority)),
    )
    allow_children()
    assert was_set == [(hard, hard)]
    assert make_real_time(child)
    assert given == [(child, os.SCHED_RR, PRIORITY)]


def test_a_process_that_has_ended_has_none() -> None:
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()
    assert not is_real_time(ended.pid)
