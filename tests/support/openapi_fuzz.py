"""Schemathesis on one of our OpenAPI documents, operation by operation."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Err

from tests.support.hostile_requests import envelope_fault

SEED = 20_260_101


@dataclass(frozen=True)
class Told:
    """A document that a running server gives at `place`, and what each request needs besides."""

    base: str
    place: str
    query: Callable[[], Mapping[str, str]] = dict
    headers: Mapping[str, str] = field(default_factory=dict)
    envelope: bool = True

    @cached_property
    def document(self) -> dict[str, Any]:
        """The document."""
        request = urllib.request.Request(self.base + self.place, headers=dict(self.headers))
        with urllib.request.urlopen(request, timeout=10) as response:
            made: dict[str, Any] = json.load(response)
        return made


def operations_of(told: Told, document: Mapping[str, Any] | None = None) -> Iterator[Any]:
    """Every operation of the document."""
    schema = schemathesis.openapi.from_dict(dict(document or told.document))
    server = told.document["servers"][0]["url"]
    schema.config.update(base_url=told.base + server)
    for found in schema.get_all_operations():
        if isinstance(found, Err):
            raise AssertionError(f"the document is wrong: {found.err()}")
        yield found.ok()


def try_operation(operation: Any, told: Told, examples: int, number: int = SEED) -> str:
    """What is wrong with its answers to requests as described and not as described; empty: nothing."""
    wrong: list[str] = []

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def one(case: Any) -> None:
        response = case.call(params=dict(told.query()), headers=dict(told.headers), timeout=30)
        if told.envelope:
            headers = {name.title(): values[0] for name, values in response.headers.items()}
            fault = envelope_fault(response.status_code, headers, response.content)
        else:
            # 503 is what says that the engine is away, as it is here
            inside = response.status_code >= 500 and response.status_code != 503
            fault = f"the status is {response.status_code}" if inside else ""
        if fault:
            wrong.append(f"{case.as_curl_command()}: {fault}")
        try:
            case.validate_response(response, excluded_checks=_NOT_OURS)
        except (Failure, FailureGroup) as failure:
            parts = getattr(failure, "exceptions", (failure,))
            wrong.append(f"{case.as_curl_command()}: {'; '.join(str(part) for part in parts)[:800]}")

    one()
    return wrong[0] if wrong else ""


def _not_ours() -> list[Any]:
    # The contract answers 200 to everything, and rules go beyond schemas; who may call has tests of its own.
    names = {
        *("negative_data_rejection", "positive_data_acceptance", "missing_required_header"),
        *("unsupported_method", "ignored_auth", "use_after_free", "ensure_resource_availability"),
        "not_a_server_error",  # looked for above: 503 is none here
    }
    load_all_checks()
    return [check for check in CHECKS.get_all() if check.__name__ in names]


_NOT_OURS = _not_ours()
