"""Endpoints of the soft client (spec 12-linkus)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from offhook.areas.softclient.service import Failure, SoftClient
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.rules import Selection, on_off, selection


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Request of linkus/query_client and linkus/send_email."""

    number: Selection = param(selection(), bad=Errno.NO_SUCH_EXTENSION)  # noqa: RUF009 - a field()


@dataclass(frozen=True, kw_only=True)
class UpdateClient(Chosen):
    """Request of linkus/update_client."""

    enablelinkus: bool = param(on_off(), bad=Errno.LINKUS_ENABLE)


@dataclass(frozen=True)
class Updated:
    """For which extensions it did not work."""

    failed: str | None


@dataclass(frozen=True)
class ClientStatus:
    """LinkusClientStatusInfo."""

    number: str
    enablelinkus: bool


@dataclass(frozen=True)
class Clients:
    """For which extensions the client is on."""

    linkusclients: list[ClientStatus]


@dataclass(frozen=True)
class Sent:
    """To which extensions no mail could be sent."""

    unsent: str | None


def _told(failures: Sequence[Failure]) -> str | None:
    return ",".join(f"{number}:{int(errno)}" for number, errno in failures) or None


def endpoints(client: SoftClient) -> list[Endpoint[Any, Any]]:
    """The endpoints of this area."""

    async def update(_caller: Caller, request: UpdateClient) -> Updated:
        return Updated(_told(await client.update(request.number, request.enablelinkus)))

    async def query(_caller: Caller, request: Chosen) -> Clients:
        return Clients([ClientStatus(number, on) for number, on in await client.query(request.number)])

    async def send(_caller: Caller, request: Chosen) -> Sent:
        return Sent(_told(await client.send_email(request.number)))

    return [
        Endpoint(
            "linkus/update_client",
            "12",
            "Switches the soft client on or off for one, several or all extensions",
            UpdateClient,
            Updated,
            update,
        ),
        Endpoint(
            "linkus/query_client",
            "12",
            "Tells for one, several or all extensions whether the soft client is on",
            Chosen,
            Clients,
            query,
            (Errno.NO_SUCH_EXTENSION,),
        ),
        Endpoint(
            "linkus/send_email",
            "12",
            "Sends the welcome mail to one, several or all extension users",
            Chosen,
            Sent,
            send,
            (Errno.LINKUS_NOT_ENABLED, Errno.NO_MAIL_SERVER),
        ),
    ]
