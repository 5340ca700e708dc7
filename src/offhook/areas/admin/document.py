"""The operators' API as an OpenAPI 3.1 document, derived from the declared kinds. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from offhook.areas.admin.schema import MOMENT as _MOMENT
from offhook.areas.admin.schema import REFUSALS as _REFUSALS
from offhook.areas.admin.schema import REFUSED as _REFUSED
from offhook.areas.admin.schema import body_of as _body
from offhook.areas.admin.schema import items_of as _items
from offhook.areas.admin.schema import object_of as _object
from offhook.areas.admin.schema import operation as _operation
from offhook.areas.admin.schema import parameter as _parameter
from offhook.areas.objects.field import Field
from offhook.areas.objects.kind import Kind
from offhook.areas.pbxsettings.section import Section
from offhook.areas.pbxsettings.sections import SECTIONS

_Json = dict[str, Any]
_FIRST_EXTENSION = 1000
_NAMES: _Json = {"type": "array", "items": {"type": "string"}}
_FILE: _Json = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "seconds": {"type": "number"},
        "changed": _MOMENT,
    },
}
_AUDIO: _Json = {"type": "string", "contentMediaType": "audio/wav"}


def document(kinds: Sequence[Kind], version: str, more: Mapping[str, Any]) -> _Json:
    """The whole document; `more` are paths that other areas describe."""
    paths: _Json = {
        "/": {"get": _operation("Everything that there is", "index", _object({"kinds": _NAMES}))},
        "/openapi.json": {"get": _operation("This document", "openapi", {"type": "object"})},
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
            "responses": _REFUSALS,
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


def _kind(kind: Kind) -> _Json:
    fields = {field.name: _schema(_column_type(kind, field), field) for field in kind.fields}
    shown = _object(
        {
            kind.primary: {"type": "string"},
            **{field.name: fields[field.name] for field in kind.fields if not field.secret},
        }
    )
    required = [f.name for f in kind.fields if f.required and not (kind.numbers and f.name == kind.identity)]
    made = _object({kind.primary: {"type": "string"}})
    return {
        f"/{kind.key}": {
            "get": _operation(f"All objects of the kind {kind.word}", f"list_{kind.key}", _items(shown)),
            "post": {
                **_operation(f"Make one: {kind.word}", f"add_{kind.key}", made, "201"),
                "requestBody": _body({**_object(fields), "required": required}),
            },
        },
        f"/{kind.key}/{{{kind.primary}}}": {
            "parameters": [_parameter(kind.primary)],
            "get": _operation(f"One {kind.word}", f"get_{kind.key}", shown),
            "patch": {
                **_operation(f"Change the settings sent of one {kind.word}", f"patch_{kind.key}", shown),
                "requestBody": _body(_object(fields)),
            },
            "delete": _operation(f"Delete one {kind.word}", f"delete_{kind.key}", None, "204"),
        },
    }


def _column_type(kind: Kind, field: Field) -> str:
    if field.link is not None:
        return "array"
    column = kind.table.c[field.name].type
    if isinstance(column, sa.Boolean):
        return "boolean"
    return "integer" if isinstance(column, sa.Integer) else "string"


def _schema(kind: str, field: Field) -> _Json:
    """What is sent and shown of a setting; bounds and choices are those of its rule."""
    if kind == "array":
        schema: _Json = dict(_NAMES)
    elif kind == "boolean":
        schema = {"type": "boolean"}
    else:
        schema = {**field.rule.schema, "type": kind}
        if kind == "integer" and "enum" in schema:
            schema["enum"] = [int(str(choice)) for choice in field.rule.schema["enum"]]  # type: ignore[attr-defined]
    schema["description"] = field.doc or field.rule.says
    if field.secret:
        schema["writeOnly"] = True
    return schema


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "string"


def _section(section: Section) -> _Json:
    fields = {field.name: _schema(_type_of(field.default), field) for field in section.fields}
    shape = _object(fields)
    shown = _object({field.name: fields[field.name] for field in section.fields if not field.secret})
    key = section.key
    return {
        f"/settings/{key}": {
            "get": _operation(f"The settings {key}", f"get_{key}", shown),
            "patch": {
                **_operation(f"Change settings of {key}", f"patch_{key}", shown),
                "requestBody": _body(shape),
            },
        }
    }


def _sounds() -> _Json:
    speech = _object({"text": {"type": "string", "maxLength": 2000}, "language": {"type": "string"}})
    uploads: _Json = {
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
    classes = _items(_object({"name": {"type": "string"}, "files": {"type": "array", "items": _FILE}}))
    heard = {"200": {"description": "done", "content": {"audio/wav": {"schema": _AUDIO}}}, **_REFUSED}
    return {
        "/prompts": {"get": _operation("All prompts", "list_prompts", _items(_FILE))},
        "/prompts/{name}": {
            "parameters": [_parameter("name")],
            "get": {"summary": "Hear a prompt", "operationId": "get_prompt", "responses": heard},
            "put": {
                **_operation("Upload a prompt, or have a text spoken", "put_prompt", _FILE, "201"),
                "parameters": [filename],
                "requestBody": {"required": True, "content": {**uploads, **spoken}},
            },
            "delete": _operation("Delete a prompt that nothing plays", "delete_prompt", None, "204"),
        },
        "/musiconhold": {"get": _operation("All classes with their files", "list_musiconhold", classes)},
        "/musiconhold/{class}": {
            "parameters": [_parameter("class")],
            "delete": _operation("Delete a class that no queue plays", "delete_musiconhold", None, "204"),
        },
        "/musiconhold/{class}/{name}": {
            "parameters": [_parameter("class"), _parameter("name")],
            "get": {"summary": "Hear a file", "operationId": "get_music", "responses": heard},
            "put": {
                **_operation("Upload a file; makes its class", "put_music", _object({}), "201"),
                "parameters": [filename],
                "requestBody": {"required": True, "content": uploads},
            },
            "delete": _operation("Delete a file; a class keeps one", "delete_music", None, "204"),
        },
    }


def _dialplan() -> _Json:
    shape = _object({"contexts": _NAMES})
    return {
        "/dialplan": {
            "get": _operation("Check the operator's dialplan", "check_dialplan", shape),
            "post": _operation("Put the operator's dialplan in force", "reload_dialplan", shape),
        }
    }
