"""What our OpenAPI documents say, tried by schemathesis: requests as described and not, answers as described.

Its seed is fixed, and each operation gets a few; `scripts/attack api` takes many.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp
import pytest

from tests.support.hostile_requests import Complaints
from tests.support.openapi_fuzz import Told, operations_of, try_operation
from tests.support.switchboard import Switchboard, running_switchboard
from tests.support.threaded import Threaded, threaded

EXAMPLES = 2
PARTS = 6
LEFT_OUT = ("/login", "/logout", "/events", "/spending")  # the last needs an engine: scripts/attack has one


@pytest.fixture(scope="module")
def board() -> Iterator[Threaded[Switchboard]]:
    with threaded(running_switchboard()) as made:
        yield made


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    made = Complaints()
    logging.getLogger("offhook").addHandler(made)
    yield made
    logging.getLogger("offhook").removeHandler(made)


def _try(board: Threaded[Switchboard], told: Told, part: int, complaints: Complaints) -> int:
    tried = 0
    for at, operation in enumerate(operations_of(told)):
        if at % PARTS != part or operation.path.startswith(LEFT_OUT):
            continue
        board.it.api.clock.advance(60)  # rates are not what this is about
        wrong = try_operation(operation, told, EXAMPLES)
        assert not wrong, f"{operation.method} {operation.path}: {wrong}"
        assert not complaints.lines, f"{operation.method} {operation.path}"
        tried += 1
    board.do(board.it.begin_again())
    return tried


@pytest.mark.parametrize("part", range(PARTS))
def test_the_contracts_document(board: Threaded[Switchboard], complaints: Complaints, part: int) -> None:
    api = board.it.api

    async def fresh() -> str:
        return (await api.core.sessions.begin("127.0.0.1", ""))[1].token

    told = Told(
        f"http://127.0.0.1:{api.port}", "/api/openapi.json", query=lambda: {"token": board.do(fresh())}
    )
    assert _try(board, told, part, complaints) > 5


@pytest.mark.parametrize("part", range(PARTS))
def test_the_operators_document(board: Threaded[Switchboard], complaints: Complaints, part: int) -> None:
    api = board.it.api
    password = api.core.first_passwords.console or ""
    headers: Mapping[str, str] = {"Authorization": aiohttp.encode_basic_auth("admin", password)}
    told = Told(f"http://127.0.0.1:{api.port}", "/admin/api/v1/openapi.json", headers=headers, envelope=False)
    assert _try(board, told, part, complaints) > 5


def test_an_answer_that_is_not_as_described_is_found(board: Threaded[Switchboard]) -> None:
    """Else all of the above would prove nothing."""
    told = Told(f"http://127.0.0.1:{board.it.api.port}", "/api/openapi.json", query=lambda: {"token": "x"})
    lying: dict[str, Any] = dict(told.document)
    operation = lying["paths"]["/deviceinfo/query"]["post"]
    operation["responses"]["200"]["content"] = {"application/json": {"schema": {"type": "array"}}}
    found = next(one for one in operations_of(told, lying) if one.path == "/deviceinfo/query")
    assert "envelope" in try_operation(found, told, 2) or try_operation(found, told, 2)
