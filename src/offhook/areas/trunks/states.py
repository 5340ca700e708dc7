"""How the trunks are: registered, unreachable, unknown; kept from the engine's events (spec 03-trunk)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from offhook.areas.objects.field import Row
from offhook.areas.trunks.kind import ACCOUNT, REGISTER
from offhook.callstate.party import PartyType, party_of_endpoint

REGISTERING, FAILURE, REGISTERED, DISABLED, UNKNOWN = (
    "registering",
    "failure",
    "registered",
    "disable",
    "unknown",
)


class TrunkStates:
    """The last that the engine told of each registration and each contact."""

    def __init__(self) -> None:
        self._registrations: dict[str, str] = {}  # client URI -> status
        self._contacts: dict[str, dict[str, str]] = {}  # trunk -> contact -> status

    def on_events(self, events: Iterable[Mapping[str, str]]) -> None:
        """Take in what concerns trunks of a batch of events."""
        for event in events:
            if event.get("Event") == "Registry":
                self._registrations[event.get("Username", "")] = event.get("Status", "")
            elif event.get("Event") == "ContactStatus":
                self._take(
                    event.get("EndpointName", ""), event.get("URI", ""), event.get("ContactStatus", "")
                )

    def on_snapshot(
        self, registrations: Iterable[Mapping[str, str]], contacts: Iterable[Mapping[str, str]]
    ) -> None:
        """Begin anew with what the engine tells of itself."""
        self._registrations = {one.get("ClientUri", ""): one.get("Status", "") for one in registrations}
        self._contacts = {}
        for one in contacts:
            self._take(one.get("Endpoint", ""), one.get("Uri", ""), one.get("Status", ""))

    def _take(self, endpoint: str, uri: str, status: str) -> None:
        party = party_of_endpoint(endpoint)
        if party is None or party.type is not PartyType.TRUNK:
            return
        known = self._contacts.setdefault(party.name, {})
        if status == "Removed":
            known.pop(uri, None)
        else:
            known[uri] = status

    def of(self, trunk: Row) -> str:
        """The state of a trunk as trunk/list tells it."""
        if not trunk["enabled"]:
            return DISABLED
        if trunk["trunktype"] == REGISTER:
            return self._registration(trunk)
        statuses = set(self._contacts.get(trunk["trunkname"], {}).values())
        if trunk["trunktype"] == ACCOUNT:
            return REGISTERED if statuses - {"Unreachable"} else UNKNOWN
        if "Reachable" in statuses:
            return REGISTERED
        return FAILURE if "Unreachable" in statuses else UNKNOWN

    def _registration(self, trunk: Row) -> str:
        status = self._registrations.get(client_uri(trunk), "")
        if status == "Registered":
            return REGISTERED
        return FAILURE if status in {"Rejected", "Stopped"} else REGISTERING


def client_uri(trunk: Row) -> str:
    """The URI under which a trunk registers at its provider."""
    domain = f"[{trunk['domain']}]" if ":" in trunk["domain"] else trunk["domain"]
    transport = "" if trunk["transport"] == "udp" else f";transport={trunk['transport']}"
    return f"sip:{trunk['username']}@{domain}{transport}"
