"""How the trunks are: registered, unreachable, unknown; kept from the engine's events (spec 03-trunk).

A provider that comes back may have forgotten us, so a trunk that registers there does so again at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Protocol

from offhook.areas.objects.field import Row
from offhook.areas.trunks.kind import ACCOUNT, REGISTER
from offhook.areas.trunks.sip import registration_name
from offhook.asterisk.switch import SwitchError
from offhook.callstate.party import PartyType, party_of_endpoint

log = logging.getLogger(__name__)

REGISTERING, FAILURE, REGISTERED, DISABLED, UNKNOWN = (
    "registering",
    "failure",
    "registered",
    "disable",
    "unknown",
)


_RETIRING_SECONDS = 1.0


class Registrar(Protocol):
    """The engine, as far as it is asked to register somewhere."""

    async def register(self, registration: str) -> None:
        """Have an outbound registration made anew now. Raises SwitchError."""

    async def unregister(self, registration: str) -> None:
        """Have an outbound registration ended. Raises SwitchError."""


class TrunkStates:
    """The last that the engine told of each registration and each contact."""

    def __init__(self, engine: Registrar) -> None:
        self._engine = engine
        self._registrations: dict[tuple[str, str], str] = {}  # client and server URI -> status
        self._uris: dict[str, tuple[str, str]] = {}  # the engine's name of a registration -> these
        self._contacts: dict[str, dict[str, str]] = {}  # trunk -> contact -> status
        self._tasks: set[asyncio.Task[None]] = set()
        self._told = asyncio.Event()  # something of a registration

    def on_events(self, events: Iterable[Mapping[str, str]]) -> None:
        """Take in what concerns trunks of a batch of events."""
        for event in events:
            if event.get("Event") == "Registry":
                uris = event.get("Username", ""), event.get("Domain", "")
                if event.get("Status") == "Rejected" != self._registrations.get(uris):
                    log.warning("trunks: %s lets nobody register as %s", *reversed(uris))
                self._registrations[uris] = event.get("Status", "")
                self._told.set()
            elif event.get("Event") == "ContactStatus":
                self._take(
                    event.get("EndpointName", ""), event.get("URI", ""), event.get("ContactStatus", "")
                )

    def on_snapshot(
        self, registrations: Iterable[Mapping[str, str]], contacts: Iterable[Mapping[str, str]]
    ) -> None:
        """Begin anew with what the engine tells of itself."""
        self._registrations, self._uris, self._contacts = {}, {}, {}
        for one in registrations:
            uris = one.get("ClientUri", ""), one.get("ServerUri", "")
            self._uris[one.get("ObjectName", "")] = uris
            self._registrations[uris] = one.get("Status", "")
        for one in contacts:
            self._take(one.get("Endpoint", ""), one.get("Uri", ""), one.get("Status", ""))

    def _take(self, endpoint: str, uri: str, status: str) -> None:
        party = party_of_endpoint(endpoint)
        if party is None or party.type is not PartyType.TRUNK:
            return
        known = self._contacts.setdefault(party.name, {})
        before = known.pop(uri, "")
        if status != "Removed":
            known[uri] = status
        if status == "Unreachable" != before:
            log.warning("trunks: %s: nothing answers at %s", party.name, uri)
        if (before, status) == ("Unreachable", "Reachable"):
            log.info("trunks: %s: %s answers again", party.name, uri)
            self._came_back(party.name)

    def _came_back(self, trunk: str) -> None:
        name = registration_name(trunk)
        if name in self._uris:
            task = asyncio.create_task(self._register(name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _register(self, name: str) -> None:
        try:
            await self._engine.register(name)
        except SwitchError as failure:
            log.warning("trunks: %s cannot be made anew: %s", name, failure)

    async def retire(self, trunks: Iterable[Row]) -> None:
        """End the registrations of all but these trunks, while the engine still knows the passwords of them.

        Afterwards it could not prove itself, and the provider would go on calling us until they expire.
        """
        staying = {
            registration_name(row["trunkname"])
            for row in trunks
            if row["enabled"] and row["trunktype"] == REGISTER
        }
        going = {name: uris for name, uris in self._uris.items() if name not in staying}
        try:
            for name in going:
                await self._engine.unregister(name)
            async with asyncio.timeout(_RETIRING_SECONDS):
                while any(self._registrations.get(uris) == "Registered" for uris in going.values()):
                    self._told.clear()
                    await self._told.wait()
        except (SwitchError, TimeoutError) as failure:
            log.info("trunks: not all registrations were ended: %s", failure or "no answer")
        for name in going:
            self._uris.pop(name)

    def of(self, trunk: Row) -> str:
        """The state of a trunk as trunk/list tells it."""
        if not trunk["enabled"]:
            return DISABLED
        statuses = set(self._contacts.get(trunk["trunkname"], {}).values())
        if trunk["trunktype"] == ACCOUNT:
            return REGISTERED if statuses - {"Unreachable"} else UNKNOWN
        if "Reachable" not in statuses and "Unreachable" in statuses:
            return FAILURE
        if trunk["trunktype"] == REGISTER:
            return self._registration(trunk)
        return REGISTERED if "Reachable" in statuses else UNKNOWN

    def _registration(self, trunk: Row) -> str:
        uris = self._uris.get(registration_name(trunk["trunkname"]), ("", ""))
        status = self._registrations.get(uris, "")
        if status == "Registered":
            return REGISTERED
        return FAILURE if status in {"Rejected", "Stopped"} else REGISTERING
