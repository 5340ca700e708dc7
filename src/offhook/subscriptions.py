"""How events leave beside the contract's HTTP push: the event port, the feed, webhooks. Made and wired here.

`offhook.protection` makes one `Subscriptions`.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

from offhook import __version__
from offhook.areas.access.accounts import KEY_PREFIX
from offhook.areas.access.service import Access
from offhook.areas.access.settings import ApiSettings
from offhook.areas.access.settings_admin import ApiPart
from offhook.areas.alarms.service import Alarms
from offhook.areas.pbxsettings.tcp_push_settings import TCP_PUSH
from offhook.areas.webhooks.admin import WebhookPart
from offhook.areas.webhooks.kind import PART
from offhook.areas.webhooks.sender import Sender
from offhook.areas.webhooks.service import Webhooks
from offhook.contract.admin import AdminPart
from offhook.contract.errors import ContractError, Errno
from offhook.core import Core
from offhook.events.feed import Feed
from offhook.events.tcp_push import TlsMode
from offhook.web.feed import FeedSite


class Subscriptions:
    """The ways on which events leave for those who came for them."""

    def __init__(self, core: Core, alarms: Alarms) -> None:
        self._core = core
        self._alarms = alarms
        self.feed = Feed(core.dispatcher.journal, lambda: core.system.identity.sn, core.clock.now)
        self.webhooks = Webhooks(
            core.store,
            core.vault,
            core.clock,
            feed=self.feed,
            sender=Sender(core.dispatcher.addresses, __version__),
            sn=lambda: core.system.identity.sn,
            alarm=self._alarm,
        )
        core.on_parts_changed(self._parts_changed)

    def admin_parts(self) -> list[AdminPart]:
        """What operators can do with them."""
        return [ApiPart(self._core.api_settings), WebhookPart(self._core.webhooks, self.webhooks)]

    def feed_site(self, ready: Callable[[], bool]) -> FeedSite:
        """The feed on the web port."""
        return FeedSite(
            self.feed, _Door(self._core.access), ready=ready, allow_origin=self._core.settings.allow_origin
        )

    async def load(self, tls: ssl.SSLContext | None) -> None:
        """Read the settings, before the first port is opened. `tls` is what the event port speaks it with."""
        self._core.dispatcher.tcp.tls = tls
        self._core.api_settings.on_change(self._api_changed)
        await self._set_mode()

    async def start(self) -> None:
        """Begin to deliver to webhooks."""
        await self.webhooks.start()

    async def close(self) -> None:
        """End it."""
        await self.webhooks.close()

    async def _parts_changed(self, parts: frozenset[str]) -> None:
        if parts & TCP_PUSH.parts:
            await self._set_mode()
        if PART in parts:
            await self.webhooks.refresh()

    async def _set_mode(self) -> None:
        settings = await self._core.pbx_settings.get(TCP_PUSH)
        tcp = self._core.dispatcher.tcp
        mode = TlsMode(settings["tls"])
        if mode is not tcp.mode:
            tcp.mode = mode
            tcp.disconnect()

    async def _api_changed(self, settings: ApiSettings) -> None:
        if not settings.enabled:
            self._core.dispatcher.disconnect()

    def _alarm(self, name: str, text: str) -> None:
        if text:
            self._alarms.raise_(f"receiver:webhook {name}", text)
        else:
            self._alarms.clear(f"receiver:webhook {name}", f"the webhook {name} is as it should be")


class _Door:
    """Lets those in who may read."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def authorise(self, credential: str, address: str) -> _Pass:
        with self._access.request(address):
            session = await self._access.authenticate_bearer(credential, address)
        granted = _Pass(self._access, credential, address, session)
        await granted.goes_on()
        return granted


class _Pass:
    def __init__(self, access: Access, credential: str, address: str, session: str) -> None:
        self._access = access
        self._credential = credential
        self._address = address
        self._session = session

    async def goes_on(self) -> None:
        # a key does not idle out; and whoever guesses at keys from the same address must not end a stream
        if not self._credential.startswith(KEY_PREFIX):
            await self._access.authenticate_bearer(self._credential, self._address)
        elif not self._access.alive(self._session):
            raise ContractError(Errno.NO_SUCH_TOKEN)
        self._access.may_read(self._session)
