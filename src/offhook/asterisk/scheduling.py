"""Real-time scheduling of the engine, where the machine allows it to an ordinary user (sched(7)).

Each call has threads that run for a tenth of a millisecond every 20 ms. Beside other work the ordinary
scheduler lets some of them wait for longer than a recording can bear (docs/adr/0010-real-time-engine.md).
"""

from __future__ import annotations

import logging
import os
import resource
from pathlib import Path

log = logging.getLogger(__name__)

PRIORITY = 1
"""The lowest of the real-time ones: all that the system itself runs so goes first."""


_CAP_SYS_NICE = 23  # capabilities(7)


def real_time_allowed() -> bool:
    """Whether a limit (RLIMIT_RTPRIO) or a capability (CAP_SYS_NICE) lets us give real-time priority."""
    return _by_limit() or _by_capability()


def _by_limit() -> bool:
    hard = resource.getrlimit(resource.RLIMIT_RTPRIO)[1]
    return hard == resource.RLIM_INFINITY or hard >= PRIORITY


def _by_capability() -> bool:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_NICE & 1)
    return False


def allow_children() -> None:
    """Raise our own limit to what is allowed: children inherit it, and it is theirs that counts."""
    hard = resource.getrlimit(resource.RLIMIT_RTPRIO)[1]
    if _by_limit():
        resource.setrlimit(resource.RLIMIT_RTPRIO, (hard, hard))


def make_real_time(pid: int) -> bool:
    """Give a process that has just been started, and the threads that it will make, real-time priority.

    Returns whether the machine let us; nothing is changed if not.
    """
    if not real_time_allowed():
        return False
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(PRIORITY))
    except OSError as failure:
        log.warning("engine: no real-time priority: %s", failure)
        return False
    return True


def is_real_time(pid: int) -> bool:
    """Whether a process has real-time priority; False also where there is no such process."""
    try:
        return os.sched_getscheduler(pid) == os.SCHED_RR
    except OSError:
        return False
