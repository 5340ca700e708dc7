"""How the commands reach a PBX: a running one over its operator socket, a stopped one through its store.

The socket is a Unix one in the data folder's `run/` (0700), so the file system decides who may use it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp

from offhook.cli.common import show_passwords
from offhook.settings import Settings, operator_socket


class NotRunning(Exception):
    """No PBX answers in this data folder."""


class OperatorError(Exception):
    """The running PBX refused; the text says why."""


async def ask(data: Path, operation: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    """Have the running PBX do `operation`; returns its answer.

    Raises NotRunning when none runs in `data`, OperatorError when it refuses.
    """
    connector = aiohttp.UnixConnector(path=str(operator_socket(data)))
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


async def operate(settings: Settings, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Do `operation` in the running PBX, or on the store when none runs.

    Raises OperatorError when it is refused.
    """
    try:
        return await ask(settings.data, operation, arguments)
    except NotRunning:
        pass
    # The whole PBX takes a second to load, which a running one need not wait for.
    from offhook.core import Core
    from offhook.operations import OperationRefused, Operations

    core = await Core.open(settings)
    show_passwords(core)
    try:
        return await Operations(core).perform(operation, arguments)
    except OperationRefused as refused:
        raise OperatorError(str(refused)) from None
    finally:
        await core.close()
