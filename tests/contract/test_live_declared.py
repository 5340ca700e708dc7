"""Endpoints on what runs, declared as the contract has them. Their services need an engine: none is asked."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

from offhook.areas.conferences import live_api as conferences
from offhook.areas.queues import status_api as queue_status
from offhook.contract.endpoint import Endpoint
from offhook.contract.params import declared_params
from tests.support.contract import CONTRACT

_NOBODY = cast(Any, None)


def _endpoints() -> list[Endpoint[Any, Any]]:
    return [*conferences.endpoints(_NOBODY, _NOBODY, str), *queue_status.endpoints(_NOBODY)]


def test_parameters_codes_and_keys_are_the_contracts() -> None:
    for endpoint in _endpoints():
        said = CONTRACT[endpoint.path]
        params = declared_params(endpoint.request)
        assert set(params) == set(said["params"]), endpoint.path
        for name, param in params.items():
            assert param.optional is not said["params"][name]["required"], f"{endpoint.path} {name}"
        codes = {int(code) for code in endpoint.errors}
        codes |= {int(code) for param in params.values() for code in (param.bad, param.empty)}
        assert not set(said["errors"]) - codes, endpoint.path
        keys = {f.metadata.get("offhook.wire", f.name) for f in dataclasses.fields(endpoint.result)}
        assert keys == set(said["response"]), endpoint.path
