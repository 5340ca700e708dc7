"""Collects what the areas give to Asterisk: their dialplan contexts and the views that it reads."""

from __future__ import annotations

import re
from importlib import resources

from offhook.areas.customdialplan.service import CUSTOM_FILE

_DIALPLANS = (
    "extensions",
    "voicemail",
    "control",
    "objects",
    "trunks",
    "routes",
    "spending",
    "ivr",
    "ringgroups",
    "queues",
    "conferences",
    "paging",
    "disa",
    "fax",
    "wakeup",
    "pbxsettings",
    "recordings",
)
_VIEWS = (
    "bans",
    "extensions",
    "objects",
    "trunks",
    "routes",
    "ivr",
    "ringgroups",
    "queues",
    "conferences",
    "paging",
    "disa",
    "recordings",
    "voicemail",
    "spending",
)
_DIGITS = 32  # the longest number that can be dialled
_HEAD = """\
[general]
static=yes
writeprotect=yes
clearglobalvars=no
"""

GENERATED_FILE = "extensions_generated.conf"
"""Patterns of routes, feature codes and the like; written while the PBX runs."""

DIALPLAN_MODULE = "pbx_config.so"
"""The module that reads all of these."""

REALTIME_FAMILIES = {
    "offhook_extensions": "v_extensions",
    "offhook_numbers": "v_numbers",
    "offhook_trunks": "v_trunks",
    "offhook_dods": "v_dods",
    "offhook_outroutes": "v_outroutes",
    "offhook_outrights": "v_outrights",
    "offhook_pins": "v_pins",
    "offhook_ivrs": "v_ivrs",
    "offhook_ivr_keys": "v_ivr_keys",
    "offhook_ringgroups": "v_ringgroups",
    "offhook_queues": "v_queue_settings",
    "offhook_agents": "v_agents",
    "offhook_conferences": "v_conferences",
    "offhook_moderators": "v_moderators",
    "offhook_invited": "v_invited",
    "offhook_paginggroups": "v_paginggroups",
    "offhook_mailboxes": "v_mailboxes",
    "offhook_mailbox_pins": "v_mailbox_pins",
    "offhook_pin_guard": "v_pin_guard",
    "offhook_disas": "v_disas",
    "offhook_callbacks": "v_callbacks",
    "offhook_spenders": "v_spenders",
    "offhook_call_limits": "v_call_limits",
    "offhook_recorded": "v_recorded",
    "offhook_announced": "v_announced",
    "queues": "v_queues",
    "queue_members": "v_queue_members",
}
"""extconfig families that the dialplan and app_queue look up, and the view behind each."""


def _text(area: str, name: str) -> str:
    return resources.files("offhook.areas").joinpath(area, name).read_text(encoding="utf-8")


def _dialled() -> str:
    """The contexts of what phones and carriers dial: a pattern for every length.

    Asterisk's open-ended patterns (`.` and `!`) take any character, a line break too, and the engine writes
    numbers into AMI unescaped. A pattern has room for 79 characters, so sets stand at its front only.
    """
    lines = ["\n[offhook-dialled]"]
    for signs in ("", "[*#+]", "[*#][*#]"):
        for length in range(0 if signs else 1, _DIGITS + 1):
            lines.append(f"exten => _{signs}{'X' * length},1,Goto(offhook-number,${{EXTEN}},1)")
    lines.append("\n[from-trunk]\ninclude => offhook-accounts\nexten => s,1,Goto(offhook-inbound,s,1)")
    for sign in ("", "[*#+]"):
        for length in range(1, _DIGITS + 1):
            lines.append(f"exten => _{sign}{'X' * length},1,Goto(offhook-inbound,${{EXTEN}},1)")
    return "\n".join(lines) + "\n"


def dialplan() -> str:
    """The text of extensions.conf."""
    areas = "".join(_text(area, "dialplan.conf") for area in _DIALPLANS)
    return (
        _HEAD
        + areas
        + _dialled()
        + "".join(f"#tryinclude {name}\n" for name in (CUSTOM_FILE, GENERATED_FILE))
    )


def views() -> tuple[str, ...]:
    """The CREATE VIEW statements of all areas, in the order in which they must run."""
    statements: list[str] = []
    for area in _VIEWS:
        bare = re.sub(
            "--.*", "", _text(area, "views.sql")
        )  # a comment may hold the sign that ends a statement
        statements += [part.strip() for part in bare.split(";") if part.strip()]
    return tuple(statements)
