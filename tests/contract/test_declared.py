"""What is declared is what the contract says: parameters, choices, error codes, keys of the answers."""

from __future__ import annotations

import dataclasses
from typing import Any

from offhook.areas.wakeup.requests import WakeupFields
from offhook.contract.endpoint import Endpoint
from offhook.contract.params import Param, declared_params
from offhook.contract.results import Download
from tests.support.api import running_api
from tests.support.contract import CONTRACT

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
    "voicemail/",
    "cdr/",
    "recording/",
    "linkus/",
    "wakeupcall/",
)

# What stands within a parameter that is an object.
NESTED = {"wakeup": WakeupFields}

# Required there, and only in one combination or not at all here (docs/compatibility.md).
LESS = {
    "outroute/add": {"extensions"},
    "cdr/get_random": {"number", "starttime", "endtime"},
    "cdr/download": {"number", "starttime", "endtime"},
    "wakeupcall/create": {"wakeup.repeats", "wakeup.repeatinterval"},
}
# Codes that stand in the chapter for causes that cannot come here.
NEVER = {"trunk/list": {30001}, "inroute/delete": {10071}, "cdr/get_random": {20021}}
# What the chapters say of each link is what the web does for every endpoint.
TOKEN, NO_SUCH_TOKEN = {"token"}, {20004}
# Codes that the chapter does not give to the endpoint: what it leaves open (docs/compatibility.md).
BEYOND = {
    "paginggroup/update": {10039},
    "paginggroup/delete": {10035},
    "voicemail/delete": {10116, 30002},
    "voicemail/download": {20022},
}


async def _endpoints() -> dict[str, Endpoint[Any, Any]]:
    async with running_api() as api:
        return {endpoint.path: endpoint for endpoint in api.registry}


def _params(request: type[Any]) -> dict[str, Param]:
    """The parameters, those within objects too, by their names in the chapter."""
    params = dict(declared_params(request))
    for name in params.keys() & NESTED.keys():
        params |= {f"{name}.{inner}": one for inner, one in declared_params(NESTED[name]).items()}
    return params


async def test_parameters_and_codes_are_the_contracts() -> None:
    endpoints = await _endpoints()
    compared = 0
    for path, said in CONTRACT.items():
        endpoint = endpoints.get(path)
        if endpoint is None or not path.startswith(CHAPTERS):
            continue
        compared += 1
        params = _params(endpoint.request)
        assert set(params) == set(said["params"]) - TOKEN, path
        for name, param in params.items():
            wanted = said["params"][name]["required"] and name not in LESS.get(path, set())
            assert param.optional is not wanted, f"{path} {name}"
            for choice in said["params"][name].get("enum", ()):
                param.rule.read(choice)
            for bound in said["params"][name].get("range", ()):
                param.rule.read(str(bound))
        codes = {int(code) for code in endpoint.errors}
        codes |= {int(code) for param in params.values() for code in (param.bad, param.empty)}
        missing = set(said["errors"]) - codes - NO_SUCH_TOKEN - NEVER.get(path, set())
        assert not missing, f"{path} never answers {missing}"
        beyond = codes - {10004} - set(said["errors"]) - BEYOND.get(path, set())
        assert not beyond, f"{path} answers {beyond}"
        if endpoint.result is Download:
            assert set(said["response"]) == {"body"}, path
            continue
        keys = {f.metadata.get("offhook.wire", f.name) for f in dataclasses.fields(endpoint.result)}
        assert keys == set(said["response"]), path
    assert compared >= 47
