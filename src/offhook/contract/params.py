"""How a request is declared and read: a frozen dataclass whose fields carry rule and errno.

    @dataclass(frozen=True, kw_only=True)
    class AddGroup:
        name: str = param(text(max_len=63), empty=Errno.PARAMETER_EMPTY, bad=Errno.EXTGROUP_NAME)
        members: tuple[str, ...] | None = param(name_list(), bad=Errno.EXTGROUP_MEMBERS, optional=True)

An optional field that the client did not send is `None`, so services can tell "left out" from "emptied".
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Rule, RuleBroken

R = TypeVar("R")
_KEY = "offhook.param"


@dataclass(frozen=True, slots=True)
class Param:
    """One declared parameter; `aliases` are other spellings of its key that clients in the field send."""

    rule: Rule[Any]
    bad: Errno
    empty: Errno
    optional: bool
    empty_ok: bool
    secret: bool
    doc: str
    aliases: tuple[str, ...]

    @property
    def schema(self) -> dict[str, object]:
        """Its JSON schema, with what it means."""
        return {**self.rule.schema, "description": self.doc or self.rule.says}


@dataclass(frozen=True, slots=True)
class NoParameters:
    """Request of an endpoint without parameters."""


def param(
    rule: Rule[Any],
    *,
    bad: Errno,
    empty: Errno = Errno.PARAMETER_EMPTY,
    optional: bool = False,
    empty_ok: bool = False,
    secret: bool = False,
    doc: str = "",
    aliases: tuple[str, ...] = (),
) -> Any:
    """A dataclass field for a request.

    `bad` is the errno for a broken rule and `empty` that for a required value that is missing or empty. An
    optional value that is sent empty counts as left out unless `empty_ok`: then the empty string is kept as
    it stands, which is how a client clears a field. `secret` values never reach a log.
    """
    declared = Param(rule, bad, empty, optional, empty_ok, secret, doc, aliases)
    if optional:
        return dataclasses.field(default=None, metadata={_KEY: declared})
    return dataclasses.field(metadata={_KEY: declared})


def declared_params(request: type[Any]) -> dict[str, Param]:
    """The parameters of a request type by their wire name, in declared order."""
    return {f.name: cast(Param, f.metadata[_KEY]) for f in dataclasses.fields(request) if _KEY in f.metadata}


def request_schema(request: type[Any]) -> dict[str, object]:
    """The JSON schema of a request's parameters as one object."""
    params = declared_params(request)
    return {
        "type": "object",
        "required": [name for name, declared in params.items() if not declared.optional],
        "properties": {name: declared.schema for name, declared in params.items()},
    }


def _sent(values: Mapping[str, str], name: str, declared: Param) -> tuple[str, str | None]:
    """A parameter by the name under which it was sent, and its value."""
    for key in (name, *declared.aliases):
        if key in values:
            return key, values[key]
    return name, None


def read_request(request: type[R], values: Mapping[str, str]) -> R:
    """Read a request from what the client sent; unknown names are ignored (spec 19-tolerances).

    Order of refusals as in 16-errors `precedence`: first everything that is missing, then values.
    Raises ContractError with the errno of the first parameter that is missing or broken.
    """
    params = declared_params(request)
    for name, declared in params.items():
        if not declared.optional and declared.rule.is_empty(_sent(values, name, declared)[1] or ""):
            raise ContractError(declared.empty, f"{name} is missing or empty")
    arguments: dict[str, Any] = {}
    for name, declared in params.items():
        key, value = _sent(values, name, declared)
        if value is None:
            continue
        if declared.optional and declared.rule.is_empty(value):
            if declared.empty_ok:
                arguments[name] = ""
            continue
        try:
            arguments[name] = declared.rule.take(value)
        except RuleBroken as broken:
            raise ContractError(declared.bad, f"{key} must be {broken}") from None
    return request(**arguments)


def nested(request: type[R]) -> Rule[R]:
    """An object within a request, declared as a request is; of a list of objects the first counts.

    Its values are read as `read_request` does, so reading it raises ContractError with their own errnos.
    """
    says = "an object"

    def read(value: str) -> R:
        text = value.strip().lstrip("[ ")
        try:
            found, _ = _OBJECT.raw_decode(text)
            values = {name: _as_text(item) for name, item in found.items()} if text[0] == "{" else None
        except (ValueError, RecursionError):
            raise RuleBroken(says) from None
        if values is None:
            raise RuleBroken(says)
        return read_request(request, values)

    return Rule(says, read, request_schema(request))


_OBJECT = json.JSONDecoder(parse_int=str, parse_float=str)


def _as_text(item: object) -> str:
    """A value within a nested object as the reading of bodies makes it: lists joined by commas."""
    if isinstance(item, list):
        return ",".join(_as_text(one) for one in item)
    if item is None:
        return ""
    return item if isinstance(item, str) else json.dumps(item)
