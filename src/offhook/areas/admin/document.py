"""The operators' API as an OpenAPI 3.1 document, derived from the declared kinds. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from offhook.areas.objects.field import Field
from offhook.areas.objects.kind import Kind
from offhook.areas.pbxsettings.sections import SECTIONS

_REFUSALS = {
    "400": {"description": "a setting is wrong; the error says which"},
    "401": {"description": "user name or password is wrong"},
    "404": {"description": "there is no such object"},
    "409": {"description": "the name or number is taken, or another object uses this one"},
}


def document(kinds: Sequence[Kind], version: str) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, Any] = {}
    for kind in kinds:
        paths |= _paths(kind)
    for section in SECTIONS:
        body = _body(section.fields)
        paths[f"/settings/{section.key}"] = {
            "get": _operation(f"The settings {section.key}", f"get_{section.key}"),
            "patch": {**_operation(f"Change {section.key}", f"patch_{section.key}"), "requestBody": body},
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "offhook: operators' API", "version": version},
        "servers": [{"url": "/admin/api/v1"}],
        "security": [{"console": []}],
        "components": {"securitySchemes": {"console": {"type": "http", "scheme": "basic"}}},
        "paths": paths,
    }


def _paths(kind: Kind) -> dict[str, Any]:
    body = _body(kind.fields)
    identity = {"name": kind.primary, "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        f"/{kind.key}": {
            "get": _operation(f"All objects of the kind {kind.word}", f"list_{kind.key}"),
            "post": {**_operation(f"Make a {kind.word}", f"add_{kind.key}", "201"), "requestBody": body},
        },
        f"/{kind.key}/{{{kind.primary}}}": {
            "parameters": [identity],
            "get": _operation(f"One {kind.word}", f"get_{kind.key}"),
            "patch": {**_operation(f"Change a {kind.word}", f"patch_{kind.key}"), "requestBody": body},
            "delete": _operation(f"Delete a {kind.word}", f"delete_{kind.key}", "204"),
        },
    }


def _operation(summary: str, identity: str, status: str = "200") -> dict[str, Any]:
    return {
        "summary": summary,
        "operationId": identity,
        "responses": {status: {"description": "done"}, **_REFUSALS},
    }


def _body(fields: Sequence[Field]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in fields if field.required],
        "properties": {
            field.name: {**field.rule.schema, "description": field.doc or field.rule.says} for field in fields
        },
    }
    return {"required": True, "content": {"application/json": {"schema": schema}}}
