"""Feature codes and parking as the engine's configuration. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from offhook.areas.objects.field import Row
from offhook.areas.pbxsettings.sections import IN_CALL, NUMBER_OR_NONE, WITH_NUMBER
from offhook.areas.routes.patterns import dialplan_exten, expand

FEATURES_FILE = "features_generated.conf"
PARKING_FILE = "parking_generated.conf"

_KEYS = {"attendedtransfer": "atxfer", "blindtransfer": "blindxfer", "park": "parkcall"}
_STORED = frozenset(
    {
        "forwardreset",
        *NUMBER_OR_NONE,
        *(f"{name}off" for name in NUMBER_OR_NONE),
        "dnd",
        "dndoff",
        "agentlogout",
        "agentpause",
        "agentunpause",
    }
)


def feature_codes_text(codes: Row) -> str:
    """The context of the feature codes that are dialled."""
    lines = ["[offhook-featurecodes]"]
    for name, code in codes.items():
        if not code or name in IN_CALL:
            continue
        if name not in WITH_NUMBER:
            lines += _entry(code, name, "")
        if name in WITH_NUMBER or name in NUMBER_OR_NONE:
            lines += _entry(f"_{code}X!", name, f"${{EXTEN:{len(code)}}}")
    return "\n".join(lines) + "\n"


def _entry(exten: str, name: str, argument: str) -> list[str]:
    target = "set" if name in _STORED else name
    return [
        f"exten => {exten},1,Set(ARGUMENT={argument})",
        f" same => n,Set(FEATURE={name})",
        f" same => n,Goto(offhook-feature,{target},1)",
    ]


def features_text(codes: Row) -> str:
    """The codes that are pressed in a call (features.conf); one left out would have the engine's default."""
    lines = [f"{key}={codes[name]}" for name, key in _KEYS.items()]
    own = [
        f'offhook_{name}_{side} => {codes[name]},{side},Gosub,"offhook-{name},s,1"'
        for name in ("record", "recordpause")
        for side in ("self", "peer")
        if codes[name]
    ]
    return "\n".join(["[featuremap]", *lines, "[applicationmap]", *own]) + "\n"


def parking_text(parking: Row) -> str:
    """The parking lot (res_parking.conf). The key in a call goes by `parkext`, which nobody can dial."""
    return f"""\
[default]
parkext=700
parkpos={parking["slots"]}
context=offhook-parkedcalls
parkingtime={parking["timeout"]}
findslot=first
comebacktoorigin=no
comebackcontext=offhook-parked-back
parkedcalltransfers=caller
parkedcallreparking=caller
"""


def parking_context(parking: Row) -> str:
    """The context in which a slot's number takes the call that is parked there."""
    extens = (dialplan_exten(one) for one in expand(parking["slots"]))
    return "[offhook-parking]\n" + "".join(
        f"exten => {exten},1,Goto(offhook-parked,${{EXTEN}},1)\n" for exten in extens
    )


def globals_text(codes: Row, fax_folder: str, recordings: str, zone: str, bind: str, language: str) -> str:
    """What the shipped dialplan has to know of the settings.

    `fax_folder` and `recordings` are where the engine writes, `zone` is the PBX's own, an IANA name, `bind`
    its address, empty for all interfaces, `language` that of callers from outside.
    """
    values = {
        "CODE_VOICEMAIL": codes["voicemail"],
        "FAX_FOLDER": fax_folder,
        "RECORDINGS": recordings,
        "ZONE": zone,
        "BIND": bind,
        "LANGUAGE": language,
    }
    return "[globals]\n" + "".join(f"OFFHOOK_{name}={value}\n" for name, value in values.items())


def ivr_text(numbers: Sequence[str], own: Collection[str]) -> str:
    """A context for each IVR by the appliances' name, but for those that the operator wrote himself."""
    return "".join(
        f"[ivr_{number}]\nexten => {number},1,Goto(offhook-ivr,{number},1)\n"
        for number in numbers
        if f"ivr_{number}" not in own
    )


def calling_rules_text(own: Collection[str]) -> str:
    """The context that the appliances' files add their numbers to; empty unless the operator's files do."""
    return "" if "Local_Default_CallingRules" in own else "[Local_Default_CallingRules]\n"
