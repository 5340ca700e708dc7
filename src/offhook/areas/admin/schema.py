"""Pieces of the operators' API as an OpenAPI 3.1 document. Pure."""

from __future__ import annotations

from typing import Any

from offhook.contract.rules import Rule

Json = dict[str, Any]
MOMENT: Json = {"type": "integer", "description": "seconds since the epoch"}
REFUSALS: Json = {
    "400": {"description": "a setting is wrong; the error says which"},
    "401": {"description": "user name or password is wrong, or the address is locked after five wrong ones"},
    "403": {"description": "over plain http from another machine, or sent by a page of another site"},
    "404": {"description": "there is no such object"},
    "405": {"description": "this method is not possible here"},
    "409": {"description": "the name or number is taken, or another object uses this one"},
    "503": {"description": "the engine does not answer, or the store cannot be used"},
}
REFUSED: Json = {status: {"$ref": f"#/components/responses/{status}"} for status in REFUSALS}


def parameter(name: str) -> Json:
    """A part of the path."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def filter_of(name: str, rule: Rule[Any], doc: str = "") -> Json:
    """A part of the query by which a list is narrowed."""
    return {"name": name, "in": "query", "schema": rule.schema, "description": doc or rule.says}


def object_of(properties: Json) -> Json:
    """An object with these properties and no others."""
    return {"type": "object", "additionalProperties": False, "properties": properties}


def items_of(schema: Json) -> Json:
    """What a collection answers."""
    return object_of({"items": {"type": "array", "items": schema}})


def operation(summary: str, identity: str, answer: Json | None, status: str = "200") -> Json:
    """One method of a path; `answer` is what it returns."""
    done: Json = {"description": "done"}
    if answer is not None:
        done["content"] = {"application/json": {"schema": answer}}
    return {"summary": summary, "operationId": identity, "responses": {status: done, **REFUSED}}


def body_of(schema: Json) -> Json:
    """A JSON body that has to be sent."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}
