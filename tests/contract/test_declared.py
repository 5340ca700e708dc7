"""What is declared is what the contract says: parameters, choices, error codes, keys of the answers.

tests/data/contract.json is the contract's chapters in a form that can be compared.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from offhook.contract.endpoint import Endpoint
from offhook.contract.params import declared_params
from tests.support.api import running_api

CONTRACT = json.loads((Path(__file__).parent.parent / "data" / "contract.json").read_text())
CHAPTERS = (
    "trunk/",
    "inroute/",
    "outroute/",
    "ivr/",
    "queue/",
    "conference/",
    "paginggroup/",
    "hotel/",
    "uacstacall/",
)

# Required there, and only in one combination or not at all here (docs/compatibility.md).
LESS = {
    "inroute/add": {"dest"},
    "inroute/update": set(),
    "outroute/add": {"extensions"},
    "trunk/add_siptrunk": {"port"},
}
# Codes that stand in the chapter for causes that cannot come here.
NEVER = {"trunk/list": {30001}, "inroute/delete": {10071}}


async def _endpoints() -> dict[str, Endpoint[Any, Any]]:
    async with running_api() as api:
        return {endpoint.path: endpoint for endpoint in api.registry}


async def test_parameters_and_codes_are_the_contracts() -> None:
    endpoints = await _endpoints()
    compared = 0
    for path, said in CONTRACT.items():
        endpoint = endpoints.get(path)
        if endpoint is None or not path.startswith(CHAPTERS):
            continue
        compared += 1
        params = declared_params(endpoint.request)
        assert set(params) == set(said["params"]), path
        for name, param in params.items():
            wanted = said["params"][name]["required"] and name not in LESS.get(path, set())
            assert param.optional is not wanted, f"{path} {name}"
            choices = said["params"][name].get("enum")
            if choices is not None:
                for choice in choices:
                    param.rule.read(choice)
        codes = {int(code) for code in endpoint.errors}
        codes |= {int(code) for param in params.values() for code in (param.bad, param.empty)}
        missing = set(said["errors"]) - codes - NEVER.get(path, set())
        assert not missing, f"{path} never answers {missing}"
        keys = {f.metadata.get("offhook.wire", f.name) for f in dataclasses.fields(endpoint.result)}
        assert keys == set(said["response"]), path
    assert compared >= 28


@pytest.mark.parametrize("path", ["trunk/list", "paginggroup/list", "paginggrouplist/query"])
async def test_lists_need_no_body(path: str) -> None:
    async with running_api() as api:
        token = await api.login()
        assert (await api.post(f"{path}?token={token}"))["status"] == "Success"
