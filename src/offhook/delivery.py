"""How events leave beside the contract's HTTP push: the event port and the feed. Made and wired here.

`offhook.protection` makes one `Delivery`.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable

from offhook.areas.access.settings import ApiSettings
from offhook.areas.access.settings_admin import ApiPart
from offhook.areas.pbxsettings.tcp_push_settings import TCP_PUSH
from offhook.contract.admin import AdminPart
from offhook.contract.errors import ContractError, Errno
from offhook.core import Core
from offhook.events.feed import Feed
from offhook.events.tcp_push import TlsMode
from offhook.web.feed import FeedSite

log = logging.getLogger(__name__)


class Delivery:
    """The ways on which events leave for those who came for them."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._account = ("", "", True)
        self.feed = Feed(core.dispatcher.journal, lambda: core.system.identity.sn, core.clock.now)
        core.on_parts_changed(self._parts_changed)

    def admin_parts(self) -> list[AdminPart]:
        """What operators can do with them."""
        return [ApiPart(self._core.api_settings)]

    def feed_site(self, ready: Callable[[], bool]) -> FeedSite:
        """The feed on the web port."""
        return FeedSite(
            self.feed, _Door(self._core), ready=ready, allow_origin=self._core.settings.allow_origin
        )

    async def load(self, tls: ssl.SSLContext | None) -> None:
        """Read the settings, before the first port is opened. `tls` is what the event port speaks it with."""
        self._core.dispatcher.tcp.tls = tls
        self._account = _account(self._core.api_settings.now)
        self._core.api_settings.on_change(self._api_changed)
        await self._set_mode()

    async def _parts_changed(self, parts: frozenset[str]) -> None:
        if parts & TCP_PUSH.parts:
            await self._set_mode()

    async def _set_mode(self) -> None:
        settings = await self._core.pbx_settings.get(TCP_PUSH)
        tcp = self._core.dispatcher.tcp
        mode = TlsMode(settings["tls"])
        if mode is not tcp.mode:
            tcp.mode = mode
            await tcp.end_connections()

    async def _api_changed(self, settings: ApiSettings) -> None:
        account = _account(settings)
        if account != self._account:
            self._account = account
            log.info("events: the API's account has changed; connections have to log in anew")
            await self._core.dispatcher.tcp.end_connections()


class _Door:
    """Lets those in who may read."""

    def __init__(self, core: Core) -> None:
        self._access = core.access

    async def authorise(self, token: str, address: str) -> None:
        session = await self._access.authenticate_bearer(token, address)
        if "read" not in self._access.scopes_of(session):
            raise ContractError(Errno.UNKNOWN_REQUEST, "this account may not read")


def _account(settings: ApiSettings) -> tuple[str, str, bool]:
    return settings.username, settings.password_derived, settings.enabled
