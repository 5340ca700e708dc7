"""Reading the declared state. Pure.

Every scalar stays the text that was written: `0100`, `on` and `1e3` mean what they say, numbers with and
without quotes are alike, and an empty value is the empty text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from offhook.contract.rules import is_storable

Node: TypeAlias = "str | list[Node] | dict[str, Node]"


_PATHS = {"prompts": "file", "musiconhold": "files"}
"""The settings that are paths of files, by top key."""

_PLACE = re.compile(
    r"(?P<key>[a-z]+)(?:\[(?P<at>[0-9]+)\])?(?:\.(?P<unknown>\w+))?[^:]*(?:: (?P<named>\w+) )?", re.ASCII
)
"""What refusals begin with: `queues[3] (6700): retry must be …`, `trunks[0].colour is …`."""


class ApplyError(Exception):
    """The declared state is refused; the text names the place and the reason and holds no secret."""


class _Keys:
    """Refuses keys that are written twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ApplyError(f"line {line}: a key must be a word")
            if key.value in seen:
                raise ApplyError(f"line {line}: {key.value} is written twice")
            seen.add(key.value)
        made: dict[Any, Any] = super().construct_mapping(node, deep=deep)  # type: ignore[misc]
        return made


class _TextLoader(_Keys, yaml.BaseLoader):
    """Loads text, lists and mappings only."""


_FastLoader: Any = _TextLoader
_SafeLoader: Any = yaml.SafeLoader
if yaml.__with_libyaml__:  # ten thousand objects would hold the other one up for many seconds

    class _FastTextLoader(_Keys, yaml.CBaseLoader):
        """The same with libyaml's parser, whose words about mistakes are others."""

    _FastLoader, _SafeLoader = _FastTextLoader, yaml.CSafeLoader


def parse(text: str) -> dict[str, Node]:
    """The mapping that the YAML document `text` holds. Raises ApplyError with the line."""
    try:
        try:
            loaded = _load(text, _FastLoader)
        except yaml.YAMLError:
            loaded = _load(text, _TextLoader)
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark
        place = f"line {mark.line + 1}: " if mark else ""
        raise ApplyError(f"{place}not valid YAML: {broken.problem}") from None
    except (yaml.YAMLError, RecursionError):
        raise ApplyError("not valid YAML") from None
    if loaded is None or loaded == "":
        return {}
    if not isinstance(loaded, dict):
        raise ApplyError("the document must be a mapping with keys such as extensions")
    return loaded


def _load(text: str, loader: Any) -> Any:
    if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, loader)):
        raise ApplyError("aliases (*name) are not supported")
    return yaml.load(text, Loader=loader)  # nosec B506  # noqa: S506 - makes text, lists and mappings only


def beside(document: dict[str, Node], folder: Path) -> dict[str, Node]:
    """The document with the paths of files that are relative made those of files in `folder`."""
    return {
        key: _beside(node, _PATHS[key], folder) if key in _PATHS else node for key, node in document.items()
    }


def _beside(node: Node, setting: str, folder: Path) -> Node:
    if isinstance(node, list):
        return [_beside(item, setting, folder) for item in node]
    if isinstance(node, dict) and setting in node:
        return {**node, setting: _paths(node[setting], folder)}
    return node


def _paths(node: Node, folder: Path) -> Node:
    if isinstance(node, str):
        return ",".join(str(folder / path.strip()) for path in node.split(",") if path.strip())
    return [_paths(item, folder) for item in node] if isinstance(node, list) else node


def located(text: str, refusal: ApplyError) -> ApplyError:
    """`refusal` with the line of `text` at which the object stands that it names, if it names one."""
    match = _PLACE.match(str(refusal))
    try:
        root = yaml.compose(text, Loader=_SafeLoader) if match else None
    except yaml.YAMLError:
        root = None
    node = _under(root, match["key"]) if match else None
    if match is None or node is None:
        return refusal
    if match["at"] and isinstance(node, yaml.SequenceNode):
        node = node.value[int(match["at"])]
    node = _under(node, match["unknown"]) or _under(node, match["named"]) or node
    return ApplyError(f"line {node.start_mark.line + 1}: {refusal}")


def _under(node: yaml.Node | None, key: str | None) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for name, value in pairs if name.value == key), None)


def mapping(node: Node, place: str) -> dict[str, Node]:
    """`node` as a mapping. Raises ApplyError."""
    if not isinstance(node, dict):
        raise ApplyError(f"{place} must be a mapping of names to values")
    return node


def fields(node: Node, place: str, allowed: frozenset[str]) -> dict[str, str]:
    """`node` as an object of `allowed` fields; lists of words become comma-joined text. Raises ApplyError."""
    values: dict[str, str] = {}
    for name, value in mapping(node, place).items():
        if name not in allowed:
            raise ApplyError(f"{place}.{name} is an unknown key")
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            value = ",".join(part for part in value if isinstance(part, str))
        if not isinstance(value, str) or not is_storable(value):
            raise ApplyError(f"{place}.{name} must be a plain value")
        values[name] = value
    return values


def objects(node: Node, place: str, allowed: frozenset[str]) -> list[dict[str, str]]:
    """`node` as a list of objects of `allowed` fields; an empty value is an empty list. Raises ApplyError."""
    if node == "":
        return []
    if not isinstance(node, list):
        raise ApplyError(f"{place} must be a list")
    return [fields(item, f"{place}[{at}]", allowed) for at, item in enumerate(node)]
