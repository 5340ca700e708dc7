"""The contract's chapters in a form that can be compared: tests/data/contract.json.

The chapters are YAML files that lie beside the checkout, in `../shared/spec/`, and are no part of it. After
they have changed, make the file anew with

    python -m tests.support.contract

from the top of the checkout, and look at the difference: it is what the tests will ask of us from then on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).parents[2]
CHAPTERS = TOP.parent / "shared" / "spec"
DATA = TOP / "tests" / "data" / "contract.json"

CONTRACT: dict[str, dict[str, Any]] = json.loads(DATA.read_text(encoding="utf-8"))
"""Every endpoint by its path, as `derive` makes it."""


def derive(chapters: Path) -> dict[str, dict[str, Any]]:
    """Every endpoint of the chapters by its path.

    `params` say whether a parameter is always required, and its choices, bounds and default; `errors` are the
    codes that the chapter gives to the endpoint; `response` are the keys of the answer, and `sample` is the
    answer that the chapter shows without its values, in the order in which it shows the keys.
    """
    found: dict[str, dict[str, Any]] = {}
    for chapter in sorted(chapters.glob("*.yaml")):
        for path, said in (
            yaml.safe_load(chapter.read_text(encoding="utf-8")).get("endpoints") or {}
        ).items():
            found[path] = {
                "errors": sorted(int(code) for code in said.get("errors") or {}),
                "params": {name: _param(one) for name, one in sorted((said.get("request") or {}).items())},
                "response": list(said.get("response") or {}),
                "sample": _shape((said.get("example") or {}).get("response") or {}),
            }
    return dict(sorted(found.items()))


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    return [_shape(inner) for inner in value[:1]] if isinstance(value, list) else ""


def _param(said: dict[str, Any]) -> dict[str, Any]:
    param: dict[str, Any] = {"required": said.get("required") is True and "only_if" not in said}
    if "enum" in said:
        param["enum"] = [str(choice) for choice in said["enum"]]
    for name in ("range", "max_length", "default"):
        if name in said:
            param[name] = said[name]
    return param


def text(contract: dict[str, dict[str, Any]]) -> str:
    """The contract as the file has it."""
    return json.dumps(contract, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DATA.write_text(text(derive(CHAPTERS)), encoding="utf-8")
