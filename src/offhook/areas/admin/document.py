"""The operators' API as an OpenAPI 3.1 document, derived from the declared kinds. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from offhook.areas.admin.schema import (
    MOMENT,
    REFUSALS,
    REFUSED,
    Json,
    body_of,
    items_of,
    object_of,
    operation,
    parameter,
)
from offhook.areas.objects.field import Field
from offhook.areas.objects.kind import Kind
from offhook.areas.pbxsettings.section import Section
from offhook.areas.pbxsettings.sections import SECTIONS

_FIRST_EXTENSION = 1000
_NAMES: Json = {"type": "array", "items": {"type": "string"}}
_FILE: Json = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "seconds": {"type": "number"},
        "changed": MOMENT,
    },
}
_AUDIO: Json = {"type": "string", "contentMediaType": "audio/wav"}


def document(kinds: Sequence[Kind], version: str, more: Mapping[str, Any]) -> Json:
    """The whole document; `more` are paths that other areas describe."""
    paths: Json = {
        "/": {"get": operation("Everything that there is", "index", object_of({"kinds": _NAMES}))},
        "/openapi.json": {"get": operation("This document", "openapi", {"type": "object"})},
    }
    for kind in kinds:
        paths |= _kind(kind)
    for section in SECTIONS:
        paths |= _section(section)
    return {
        "openapi": "3.1.0",
        "info": {"title": "offhook: operators' API", "version": version, "description": _numbers(kinds)},
        "servers": [{"url": "/admin/api/v1"}],
        "security": [{"console": []}],
        "components": {
            "securitySchemes": {"console": {"type": "http", "scheme": "basic"}},
            "responses": REFUSALS,
        },
        "paths": paths | _sounds() | _dialplan() | dict(more),
    }


def _numbers(kinds: Sequence[Kind]) -> str:
    ranges = ", ".join(
        f"{kind.key} {kind.numbers[0]}-{kind.numbers[-1]}" for kind in kinds if kind.numbers is not None
    )
    slots = next(field.default for section in SECTIONS for field in section.fields if field.name == "slots")
    return (
        "Lists may also be sent as text joined by commas, switches as on and off. A number belongs to one "
        "thing only and cannot be changed. Left out, it becomes the next free one of the range of its kind: "
        f"{ranges}. Extensions begin at {_FIRST_EXTENSION}, parking has {slots}; a number that is sent may "
        "be any other."
    )


def _kind(kind: Kind) -> Json:
    fields = {field.name: _schema(_column_type(kind, field), field) for field in kind.fields}
    shown = object_of(
        {
            kind.primary: {"type": "string"},
            **{field.name: fields[field.name] for field in kind.fields if not field.secret},
        }
    )
    required = [f.name for f in kind.fields if f.required and not (kind.numbers and f.name == kind.identity)]
    made = object_of({kind.primary: {"type": "string"}})
    return {
        f"/{kind.key}": {
            "get": operation(f"All objects of the kind {kind.word}", f"list_{kind.key}", items_of(shown)),
            "post": {
                **operation(f"Make one: {kind.word}", f"add_{kind.key}", made, "201"),
                "requestBody": body_of({**object_of(fields), "required": required}),
            },
        },
        f"/{kind.key}/{{{kind.primary}}}": {
            "parameters": [parameter(kind.primary)],
            "get": operation(f"One {kind.word}", f"get_{kind.key}", shown),
            "patch": {
                **operation(f"Change the settings sent of one {kind.word}", f"patch_{kind.key}", shown),
                "requestBody": body_of(object_of(fields)),
            },
            "delete": operation(f"Delete one {kind.word}", f"delete_{kind.key}", None, "204"),
        },
    }


def _column_type(kind: Kind, field: Field) -> str:
    if field.link is not None:
        return "array"
    column = kind.table.c[field.name].type
    if isinstance(column, sa.Boolean):
        return "boolean"
    return "integer" if isinstance(column, sa.Integer) else "string"


def _schema(kind: str, field: Field) -> Json:
    """What is sent and shown of a setting; bounds and choices are those of its rule."""
    if kind == "array":
        schema: Json = dict(_NAMES)
    elif kind == "boolean":
        schema = {"type": "boolean"}
    else:
        schema = {**field.rule.schema, "type": kind}
        if kind == "integer" and "enum" in schema:
            schema["enum"] = [int(str(choice)) for choice in field.rule.schema["enum"]]  # type: ignore[attr-defined]
        if kind == "string" and "" in (field.cleared, field.default):
            schema = {"anyOf": [schema, {"const": ""}], "type": kind}
    schema["description"] = field.doc or field.rule.says
    if field.secret:
        schema["writeOnly"] = True
    return schema


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "string"


def _section(section: Section) -> Json:
    fields = {field.name: _schema(_type_of(field.default), field) for field in section.fields}
    shape = object_of(fields)
    shown = object_of({field.name: fields[field.name] for field in section.fields if not field.secret})
    key = section.key
    return {
        f"/settings/{key}": {
            "get": operation(f"The settings {key}", f"get_{key}", shown),
            "patch": {
                **operation(f"Change settings of {key}", f"patch_{key}", shown),
                "requestBody": body_of(shape),
            },
        }
    }


def _sounds() -> Json:
    speech = object_of({"text": {"type": "string", "maxLength": 2000}, "language": {"type": "string"}})
    uploads: Json = {
        "audio/wav": {"schema": {}},
        "audio/*": {"schema": {}},
        "application/octet-stream": {"schema": {}},
    }
    filename = {
        "name": "filename",
        "in": "query",
        "schema": {"type": "string"},
        "description": "its ending tells raw GSM, which has no header",
    }
    spoken = {"application/json": {"schema": {**speech, "required": ["text"]}}}
    classes = items_of(object_of({"name": {"type": "string"}, "files": {"type": "array", "items": _FILE}}))
    heard = {"200": {"description": "done", "content": {"audio/wav": {"schema": _AUDIO}}}, **REFUSED}
    return {
        "/prompts": {"get": operation("All prompts", "list_prompts", items_of(_FILE))},
        "/prompts/{name}": {
            "parameters": [parameter("name")],
            "get": {"summary": "Hear a prompt", "operationId": "get_prompt", "responses": heard},
            "put": {
                **operation("Upload a prompt, or have a text spoken", "put_prompt", _FILE, "201"),
                "parameters": [filename],
                "requestBody": {"required": True, "content": {**uploads, **spoken}},
            },
            "delete": operation("Delete a prompt that nothing plays", "delete_prompt", None, "204"),
        },
        "/musiconhold": {"get": operation("All classes with their files", "list_musiconhold", classes)},
        "/musiconhold/{class}": {
            "parameters": [parameter("class")],
            "delete": operation("Delete a class that no queue plays", "delete_musiconhold", None, "204"),
        },
        "/musiconhold/{class}/{name}": {
            "parameters": [parameter("class"), parameter("name")],
            "get": {"summary": "Hear a file", "operationId": "get_music", "responses": heard},
            "put": {
                **operation("Upload a file; makes its class", "put_music", object_of({}), "201"),
                "parameters": [filename],
                "requestBody": {"required": True, "content": uploads},
            },
            "delete": operation("Delete a file; a class keeps one", "delete_music", None, "204"),
        },
    }


def _dialplan() -> Json:
    shape = object_of({"contexts": _NAMES})
    return {
        "/dialplan": {
            "get": operation("Check the operator's dialplan", "check_dialplan", shape),
            "post": operation("Put the operator's dialplan in force", "reload_dialplan", shape),
        }
    }
