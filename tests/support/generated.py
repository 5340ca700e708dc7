"""Reads the files that are generated for the engine, independently of what writes them, and judges them.

A file is read line by line as Asterisk reads it. Whatever is not of the few forms that are written out here
is a fault: a setting has become configuration or dialplan.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

_PATTERN = r"_?[0-9A-Za-z*#+.!\[\]-][0-9A-Za-z*#+.!\[\]_-]*"
_EXTEN = re.compile(rf"exten => (?P<exten>{_PATTERN})(?:/{_PATTERN})?,1,(?P<call>.*)")
_SAME = re.compile(r" same => n(?:\((?:open|closed|no)\))?,(?P<call>.*)")
_CALLS = tuple(
    re.compile(call)
    for call in (
        r"NoOp\(\)",
        r"Hangup\(\)",
        r"Return\([01]?\)",
        r"Goto\(offhook-parked,\$\{EXTEN\},1\)",
        r"Goto\(offhook-inbound,[A-Za-z0-9._+-]+,1\)",
        r"Goto\(offhook-inroute-[0-9]+,s,1\)",
        r"Goto\(offhook-outroute,s,1\)",
        r"Goto\(offhook-ivr,[0-9]+,1\)",
        r"Goto\(offhook-(?:to|feature),[a-z]+,1\)",
        r"Gosub\(offhook-time-[0-9]+,s,1\)",
        r"GotoIfTime\([0-9a-z:*,-]+,[A-Za-z/_+-]+\?(?:open|closed)\)",
        r'GotoIf\(\$\["\$\{GOSUB_RETVAL\}" != "1"\]\?(?:closed|no)\)',
        r'GotoIf\(\$\["\$\{REALTIME_FIELD\(offhook_outrights,entry,[0-9]+-\$\{OFFHOOK_RIGHT\},route\)\}"'
        r' = ""\]\?no\)',
        r'ExecIf\(\$\["\$\{ROUTE\}" != ""\]\?Return\(\)\)',
        r"GosubIf\(\$\{DIALPLAN_EXISTS\((offhook-outroute-[0-9]+),\$\{OUT\},1\)\}\?\1,s,1\)",
        r"Set\((?:DID_FIRST|ROUTE|FITS)=[0-9]*\)",
        r"Set\(OUT=\$\{DID\}\)",
        r"Set\(FEATURE=[a-z]+\)",
        r"Set\(ARGUMENT=(?:\$\{EXTEN:[1-6]\})?\)",
    )
)
_DEST = re.compile(r"Set\(DEST=(?P<name>.*)\)")
_GLOBAL = re.compile(
    r"OFFHOOK_(?:CODE_VOICEMAIL=[*#0-9]*|(?:FAX_FOLDER|RECORDINGS)=/[A-Za-z0-9/_.-]+|ZONE=[A-Za-z/_+-]+"
    r"|BIND=[0-9a-f.:]*|LANGUAGE=[a-z]{2}(?:[_-][A-Za-z]+)?)"
)


def sections(text: str) -> list[tuple[str, list[str]]]:
    """Every section with its lines; as in Asterisk a name ends at the first closing bracket."""
    found: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        if not line or line.startswith(";"):
            continue
        if line.startswith("["):
            name, closed, rest = line[1:].partition("]")
            assert closed, line
            assert not rest, f"something follows the name of a section: {line!r}"
            found.append((name, []))
        else:
            assert found, f"a line before the first section: {line!r}"
            found[-1][1].append(line)
    return found


def contexts(items: Mapping[str, Sequence[Row]]) -> set[str]:
    """The contexts that the generated dialplan has to have for these objects, and no others."""
    wanted = {
        "offhook-featurecodes",
        "offhook-parking",
        "Local_Default_CallingRules",
        "offhook-accounts",
        "offhook-outroutes",
    }
    wanted |= {f"ivr_{row['number']}" for row in items["ivrs"]}
    wanted |= {f"offhook-time-{row['id']}" for row in items["timeconditions"]}
    wanted |= {f"offhook-inroute-{row['id']}" for row in items["inroutes"]}
    wanted |= {f"offhook-inroutes-{row['id']}" for row in items["trunks"]}
    return wanted | {f"offhook-outroute-{row['id']}" for row in items["outroutes"]}


def judge_dialplan(text: str, items: Mapping[str, Sequence[Row]]) -> None:
    """Raises AssertionError for anything in the generated dialplan that these objects do not account for."""
    found = sections(text)
    names = [name for name, _ in found]
    assert sorted(names) == sorted({"globals", *contexts(items)}), "contexts"
    named = {"", *(row["dest"] for row in items["inroutes"])}
    named |= {row["closed"].partition(" ")[2] for row in items["inroutes"]}
    for name, lines in found:
        for line in lines:
            if name == "globals":
                assert _GLOBAL.fullmatch(line), line
                continue
            match = _EXTEN.fullmatch(line) or _SAME.fullmatch(line)
            assert match is not None, f"{name}: {line!r}"
            destination = _DEST.fullmatch(match["call"])
            if destination is not None:
                assert destination["name"] in named, f"{name}: {line!r}"
            else:
                assert any(call.fullmatch(match["call"]) for call in _CALLS), f"{name}: {line!r}"


_SIP_SECTIONS = {
    "peer": ("endpoint", "aor", "identify"),
    "register": ("endpoint", "aor", "identify", "auth", "registration"),
    "account": ("endpoint", "auth", "identify"),
}
_FREE = {
    "from_domain": "domain",
    "from_user": "fromuser",
    "contact_user": "username",
    "username": "authname",
}
"""Options that hold a setting as it is."""
_ALWAYS = {"context": "from-trunk", "callerid": "<anonymous>", "trust_id_inbound": "no"}
"""Options that no setting changes."""


def judge_trunks(text: str, trunks: Iterable[Row]) -> None:
    """Raises AssertionError when the SIP objects are not exactly those of these trunks."""
    found = sections(text)
    wanted: dict[tuple[str, str], Row] = {}
    for row in trunks:
        for kind in _SIP_SECTIONS[row["trunktype"]]:
            wanted[f"trunk-{row['trunkname']}-{kind}", kind] = row
        if row["trunktype"] == "account":
            wanted[row["username"], "aor"] = row
    seen = []
    for name, lines in found:
        options = [line.partition("=")[::2] for line in lines]
        assert all(re.fullmatch("[a-z0-9_]+", key) for key, _ in options), name
        assert len({key for key, _ in options}) == len(options), f"{name}: an option stands twice"
        assert all(value == _ALWAYS.get(key, value) for key, value in options), name
        kinds = [value for key, value in options if key == "type"]
        assert len(kinds) == 1, name
        if kinds[0] == "auth":
            name = re.sub("-auth-[0-9a-f]{8}$", "-auth", name)  # tells one login from the next
        seen.append((name, kinds[0]))
        row = wanted.get((name, kinds[0]), {})
        for key, value in options:
            if key in _FREE and row:
                assert value == row[_FREE[key]], f"{name}: {key}={value!r}"
            elif key == "aors":
                assert value in {f"trunk-{row['trunkname']}-aor", row["username"]}
    # a host whose name nobody knows has no address to be known by
    may_lack = {key for key, row in wanted.items() if key[1] == "identify" and not _is_address(row["host"])}
    assert len(seen) == len(set(seen)), "objects"
    assert set(wanted) - may_lack <= set(seen) <= set(wanted), "objects"


def _is_address(host: str) -> bool:
    return bool(re.fullmatch(r"[0-9.]+|[0-9a-fA-F:]+", host)) or not host
