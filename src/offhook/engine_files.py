"""Which files of the engine are made of the store, and of what; part of the composition root."""

from __future__ import annotations

from collections.abc import Callable, Collection
from ipaddress import ip_address
from pathlib import Path

import sqlalchemy as sa

from offhook.areas.fax.service import part_folder
from offhook.areas.objects.engine import GeneratedFile
from offhook.areas.pbxsettings import generated
from offhook.areas.pbxsettings.sections import FEATURE_CODES, GENERAL, PARKING
from offhook.areas.pbxsettings.service import SettingsService
from offhook.areas.prompts.service import MUSIC_FILE
from offhook.areas.recordings.files import running_folder
from offhook.areas.routes.generated import routes_text
from offhook.areas.trunks.hosts import HostNames
from offhook.areas.trunks.sip import TRUNKS_FILE, sip_text
from offhook.dialplan import GENERATED_FILE
from offhook.kinds import ObjectServices

_HEAD = "; written by offhook\n"


def generated_files(
    objects: ObjectServices,
    settings: SettingsService,
    *,
    data: Path,
    bind: str,
    own_contexts: Callable[[], Collection[str]],
    music: Callable[[sa.Connection], str],
    hosts: HostNames,
    zone: str,
) -> list[GeneratedFile]:
    """The files; `bind` is the PBX's address, `own_contexts` those of the operator's own dialplan."""
    address = "" if ip_address(bind).is_unspecified else bind

    def trunks(connection: sa.Connection) -> str:
        service = objects["trunks"]
        rows = service.every(connection)
        opened = [
            {**row, "sealed": row["password"], "password": service.opened(row["password"])} for row in rows
        ]
        return sip_text(opened, hosts.addresses, hosts.local)

    def dialplan(connection: sa.Connection) -> str:
        codes = settings.get_in(connection, FEATURE_CODES)
        own = own_contexts()
        return "".join(
            (
                _HEAD,
                generated.globals_text(
                    codes,
                    str(part_folder(data)),
                    str(running_folder(data)),
                    zone,
                    address,
                    settings.get_in(connection, GENERAL)["language"],
                ),
                generated.feature_codes_text(codes),
                generated.parking_context(settings.get_in(connection, PARKING)),
                generated.ivr_text([row["number"] for row in objects["ivrs"].every(connection)], own),
                generated.calling_rules_text(own),
                routes_text(
                    objects["trunks"].every(connection),
                    objects["inroutes"].every(connection),
                    objects["outroutes"].every(connection),
                    objects["timeconditions"].every(connection),
                    zone,
                ),
            )
        )

    def features(connection: sa.Connection) -> str:
        return _HEAD + generated.features_text(settings.get_in(connection, FEATURE_CODES))

    def parking(connection: sa.Connection) -> str:
        return _HEAD + generated.parking_text(settings.get_in(connection, PARKING))

    return [
        GeneratedFile(
            "trunks",
            TRUNKS_FILE,
            trunks,
            (
                "res_pjsip.so",
                "res_pjsip_endpoint_identifier_ip.so",
                "res_pjsip_outbound_registration.so",
            ),
        ),
        GeneratedFile("dialplan", GENERATED_FILE, dialplan, ("pbx_config.so",)),
        GeneratedFile("features", generated.FEATURES_FILE, features, ("features",)),
        GeneratedFile("music", MUSIC_FILE, music, ("res_musiconhold.so",)),
        GeneratedFile("parking", generated.PARKING_FILE, parking, ("res_parking.so",)),
    ]
