"""How the commands reach a PBX: a running one over its operator socket, a stopped one through its store.

The socket is a Unix one in the data folder's `run/` (0700), so the file system decides who may use it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import aiohttp

_PATH_MAX = 100  # sun_path holds 108 bytes, see unix(7)


def socket_path(data: Path) -> Path:
    """The operator socket of the PBX in `data`; under the temporary folder when that path is too long."""
    path = data / "run" / "operator.sock"
    if len(os.fsencode(path)) <= _PATH_MAX:
        return path
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"offhook-{os.getuid()}-{name}" / "operator.sock"


class NotRunning(Exception):
    """No PBX answers in this data folder."""


class OperatorError(Exception):
    """The running PBX refused; the text says why."""


async def ask(data: Path, operation: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    """Have the running PBX do `operation`; returns its answer.

    Raises NotRunning when none runs in `data`, OperatorError when it refuses.
    """
    connector = aiohttp.UnixConnector(path=str(socket_path(data)))
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=120)) as http,
            http.post(f"http://pbx/{operation}", json=arguments or {}) as response,
        ):
            answer: dict[str, Any] = await response.json()
    except (aiohttp.ClientConnectorError, FileNotFoundError, ConnectionError):
        raise NotRunning(f"no PBX runs in {data}") from None
    if "error" in answer:
        raise OperatorError(str(answer["error"]))
    return answer
