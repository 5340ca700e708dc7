"""Endpoints for hotels (spec 18-applications)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offhook.areas.hotel.service import HotelService
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import param
from offhook.contract.results import Nothing
from offhook.contract.rules import Selection, selection


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """Request of hotel/checkout."""

    number: Selection = param(  # noqa: RUF009 - a field()
        selection(), bad=Errno.NO_SUCH_EXTENSION, aliases=("extid",), doc="extensions of the rooms"
    )


def endpoints(service: HotelService) -> list[Endpoint[Any, Any]]:
    """The endpoints of this area."""

    async def checkout(_caller: Caller, request: Checkout) -> Nothing:
        await service.checkout(request.number)
        return Nothing()

    return [
        Endpoint(
            "hotel/checkout",
            "18",
            "Clears the extensions of rooms whose guests leave",
            Checkout,
            Nothing,
            checkout,
            (Errno.NO_SUCH_EXTENSION,),
        )
    ]
