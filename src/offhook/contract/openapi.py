"""The API as an OpenAPI 3.1 document, derived from the declared endpoints. Pure."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Sequence
from typing import Any

from offhook.contract.endpoint import Endpoint, Registry
from offhook.contract.errors import Errno
from offhook.contract.feed import FEED_PATHS
from offhook.contract.params import declared_params, request_schema
from offhook.contract.results import Download

_COMMON = (
    Errno.PARAMETER_EMPTY,
    Errno.NOT_JSON,
    Errno.NOT_POST,
    Errno.NO_SUCH_TOKEN,
    Errno.TOKEN_EMPTY,
    Errno.TOKEN_EXPIRED,
)


def openapi(registry: Registry, version: str) -> dict[str, object]:
    """The whole document. Answers are HTTP 200 for success and failure alike; every scalar is a string."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "offhook: API 2.0 of the S-Series PBX appliances",
            "version": version,
            "description": "Every value on the wire is a string. A failure has status Failed and an errno.",
        },
        "servers": [{"url": "/api/v2.0.0"}],
        "paths": {
            **{f"/{endpoint.path}": {_method(endpoint): _operation(endpoint)} for endpoint in registry},
            **FEED_PATHS,
        },
    }


def _method(endpoint: Endpoint[Any, Any]) -> str:
    """A file is fetched by a link, so its parameters stand in the query; all others are posted."""
    return "get" if endpoint.result is Download else "post"


def _operation(endpoint: Endpoint[Any, Any]) -> dict[str, object]:
    params = declared_params(endpoint.request)
    codes = sorted({*endpoint.errors, *_COMMON, *(c for p in params.values() for c in (p.bad, p.empty))})
    operation: dict[str, object] = {
        "summary": endpoint.summary,
        "operationId": endpoint.path.replace("/", "_"),
        "tags": [f"chapter {endpoint.chapter}"],
        "x-scopes": sorted(endpoint.scopes),
        "responses": {
            "200": {
                "description": "Success, or Failed with one of: "
                + "; ".join(f"{int(code)} {code.meaning}" for code in codes),
                "content": _content(endpoint),
            }
        },
    }
    query: list[object] = []
    if endpoint.needs_token:
        query.append({"name": "token", "in": "query", "required": True, "schema": {"type": "string"}})
    if endpoint.result is Download:
        query += [
            {"name": name, "in": "query", "required": not param.optional, "schema": param.schema}
            for name, param in params.items()
        ]
    if query:
        operation["parameters"] = query
    if params and endpoint.result is not Download:
        operation["requestBody"] = {
            "required": any(not param.optional for param in params.values()),
            "content": {"application/json": {"schema": request_schema(endpoint.request)}},
        }
    return operation


_FAILURE: dict[str, object] = {
    "type": "object",
    "required": ["status", "errno"],
    "properties": {
        "status": {"const": "Failed"},
        "errno": {"type": "string", "pattern": "^[0-9]{5}$"},
        "errmsg": {"type": "string"},
    },
}


def _content(endpoint: Endpoint[Any, Any]) -> dict[str, object]:
    if endpoint.result is Download:
        return {"application/json": {"schema": _FAILURE}, "*/*": {"schema": {"format": "binary"}}}
    return {"application/json": {"schema": {"oneOf": [_success(endpoint), _FAILURE]}}}


def _success(endpoint: Endpoint[Any, Any]) -> dict[str, object]:
    schema = _result(endpoint.result)
    properties = schema.get("properties")
    return {
        "type": "object",
        "properties": {
            "status": {"const": "Success"},
            **(properties if isinstance(properties, dict) else {}),
        },
    }


def _result(kind: Any) -> dict[str, object]:
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        return _result(next(arg for arg in typing.get_args(kind) if arg is not type(None)))
    if origin in (list, tuple, Sequence) or (isinstance(origin, type) and issubclass(origin, Sequence)):
        return {"type": "array", "items": _result(typing.get_args(kind)[0])}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return {
            "type": "object",
            "properties": {
                field.metadata.get("offhook.wire", field.name): _result(hints[field.name])
                for field in dataclasses.fields(kind)
            },
        }
    return {"type": "object"} if origin is dict or kind is dict else {"type": "string"}
