"""Every kind of object that operators make, and the services that keep them; part of the composition root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

from offhook.areas.access.kind import KIND as APIACCOUNTS
from offhook.areas.conferences import api as conferences_api
from offhook.areas.conferences.kind import KIND as CONFERENCES
from offhook.areas.disa.kinds import CALLBACKS, DISAS
from offhook.areas.extensions import queries
from offhook.areas.ivr import api as ivr_api
from offhook.areas.ivr.kind import KIND as IVRS
from offhook.areas.numbers.service import Numbers
from offhook.areas.objects.field import Row
from offhook.areas.objects.references import References
from offhook.areas.objects.service import Announce, ObjectService, OnChanged
from offhook.areas.paging import api as paging_api
from offhook.areas.paging.kind import KIND as PAGINGGROUPS
from offhook.areas.queues import api as queues_api
from offhook.areas.queues.agents import QueueAgents
from offhook.areas.queues.kind import KIND as QUEUES
from offhook.areas.ringgroups.kind import KIND as RINGGROUPS
from offhook.areas.routes import api as routes_api
from offhook.areas.routes.kinds import INROUTES, OUTROUTES
from offhook.areas.schedules.kinds import PINLISTS, TIMECONDITIONS
from offhook.areas.spending.kind import CALLLIMITS
from offhook.areas.trunks import api as trunks_api
from offhook.areas.trunks.kind import KIND as TRUNKS
from offhook.areas.trunks.states import TrunkStates
from offhook.areas.voicemail.kind import KIND as MAILBOXES
from offhook.contract.endpoint import Endpoint
from offhook.events.api import ConfigChange
from offhook.store.unit import Store
from offhook.store.vault import Vault

KINDS = (
    TRUNKS,
    TIMECONDITIONS,
    PINLISTS,
    OUTROUTES,
    DISAS,
    IVRS,
    RINGGROUPS,
    QUEUES,
    CONFERENCES,
    PAGINGGROUPS,
    CALLBACKS,
    INROUTES,
    MAILBOXES,
    APIACCOUNTS,
    CALLLIMITS,
)
"""In the order in which `apply` makes them: lists name what was made before them."""


class ObjectServices:
    """The services of all kinds, by the key of the kind."""

    def __init__(
        self,
        store: Store,
        *,
        numbers: Numbers,
        references: References,
        vault: Vault,
        on_changed: OnChanged,
        announce: Mapping[str, Announce],
    ) -> None:
        self.references = references
        references.add_target("extension", "extension", queries.exists)
        self._by_key = {
            kind.key: ObjectService(
                kind,
                store,
                numbers=numbers,
                references=references,
                vault=vault,
                on_changed=on_changed,
                announce=announce.get(kind.key),
            )
            for kind in KINDS
        }

    def __getitem__(self, key: str) -> ObjectService:
        return self._by_key[key]

    def __iter__(self) -> Iterator[ObjectService]:
        return iter(self._by_key.values())


def object_endpoints(
    objects: ObjectServices, states: TrunkStates, agents: QueueAgents
) -> list[Endpoint[Any, Any]]:
    """The contract's endpoints that read and change objects."""
    return [
        *trunks_api.endpoints(objects["trunks"], states),
        *routes_api.endpoints(objects["inroutes"], objects["outroutes"]),
        *ivr_api.endpoints(objects["ivrs"]),
        *queues_api.endpoints(objects["queues"], agents),
        *conferences_api.endpoints(objects["conferences"]),
        *paging_api.endpoints(objects["paginggroups"]),
    ]


def trunk_change(operation: str, row: Row) -> ConfigChange:
    """What is told of a changed trunk (spec 15-events, ConfigChange)."""
    return ConfigChange("trunk", row["trunkname"], cast(Literal["add", "update", "del"], operation))
