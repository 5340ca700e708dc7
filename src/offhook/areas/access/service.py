"""Who may call: login, heartbeat, refresh, logout, and the TCP login (spec 00-access)."""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from typing import Protocol

from offhook.areas.access.lockout import Lockout
from offhook.areas.access.passwords import PasswordCheck, md5_of
from offhook.areas.access.sessions import Session, Sessions, Tokens
from offhook.areas.access.settings import SettingsKeeper
from offhook.contract.endpoint import Caller
from offhook.contract.errors import ContractError, Errno
from offhook.events.api import (
    DEFAULT_PORT,
    Dialect,
    Target,
    TargetError,
    absolute_target,
    dialect_of,
    relative_target,
)

log = logging.getLogger(__name__)


class ReceiverRegistry(Protocol):
    """Where sessions' events go; `offhook.events` has it."""

    async def register(self, session: str, target: Target | None, dialect: Dialect) -> None:
        """Have a session's events go to a target, or nowhere."""

    async def end_session(self, session: str) -> None:
        """A session ended."""

    def target_of(self, session: str) -> Target | None:
        """Where a session's events go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """What a login or heartbeat says of its receiver; None: not said. `port` is 0 where the client sent 0."""

    port: int | None = None
    url: str | None = None
    urltag: str | None = None
    ipaddr: str | None = None
    version: str | None = None

    @property
    def says_something(self) -> bool:
        """Whether a receiver is named at all: no port and no url mean a session without push."""
        return bool(self.port or self.url)


def target_for(push: Push, address: str) -> Target | None:
    """The receiver that a client at `address` names (spec 00, `push_http.target`). Raises TargetError."""
    if not push.says_something:
        return None
    url = (push.url or "").strip()
    if url and push.urltag == "1":
        return absolute_target(url)
    return relative_target(push.ipaddr or address, push.port or DEFAULT_PORT, url)


class Access:
    """The door of the API."""

    def __init__(
        self, settings: SettingsKeeper, sessions: Sessions, lockout: Lockout, receivers: ReceiverRegistry
    ) -> None:
        self.settings = settings
        self.sessions = sessions
        self.lockout = lockout
        self._receivers = receivers
        self._passwords = PasswordCheck()

    async def authenticate(self, token: str) -> str:
        """The session of a living token. Raises ContractError 20004 or 20006."""
        if not self.settings.now.enabled:
            raise ContractError(Errno.SERVICE_NOT_RUNNING, "the API is switched off")
        return self.sessions.use(token).key

    def login_address(self, session: str) -> str:
        """The address that a session's token was obtained from; empty for one that is not known."""
        found = self.sessions.get(session)
        return found.address if found is not None else ""

    async def login(self, caller: Caller, username: str, password_md5: str, push: Push) -> Tokens:
        """A token for the API's account.

        Raises ContractError 30003 when the API is off, 20002 while the address is locked, 20003 for a wrong
        account, 20008 for a receiver that cannot be.
        """
        if not self.settings.now.enabled:
            raise ContractError(Errno.SERVICE_NOT_RUNNING, "the API is switched off")
        await self._verify(username, password_md5, caller.address, caller.port)
        try:
            target = target_for(push, caller.address)
        except TargetError as wrong:
            raise ContractError(Errno.PORT_WRONG, f"the receiver cannot be: {wrong}") from None
        session, tokens = await self.sessions.begin(caller.address, push.version or "")
        await self._receivers.register(session.key, target, dialect_of(push.version or ""))
        return tokens

    async def check_tcp_login(self, username: str, secret: str, address: str, port: int) -> bool:
        """Whether a TCP login packet is right; a wrong one counts like any other wrong password."""
        if not self.settings.now.enabled:
            return False
        try:
            await self._verify(username, md5_of(secret), address, port)
        except ContractError as refused:
            log.info("access: TCP login from %s: %s", address, refused)
            return False
        return True

    async def _verify(self, username: str, password_md5: str, address: str, port: int) -> None:
        async with self.lockout.turn(address):
            self.lockout.check(address)
            settings = self.settings.now
            right = await self._passwords.is_right(password_md5, settings.password_derived)
            named = hmac.compare_digest(username.encode(), settings.username.encode())
            if not (right and named):
                await self.lockout.failed(address, port)
                raise ContractError(Errno.LOGIN_WRONG)
            await self.lockout.succeeded(address)

    async def heartbeat(self, caller: Caller, push: Push) -> None:
        """Keep the token alive; move the receiver where the heartbeat says so.

        Raises ContractError 20011 for a receiver that cannot be.
        """
        session = self._session(caller)
        known = self._receivers.target_of(session.key)
        version = push.version or session.version
        if push.version:
            session.version = push.version
        try:
            target = self._moved(push, known, caller.address)
        except TargetError as wrong:
            raise ContractError(Errno.HEARTBEAT_FAILED, f"the receiver cannot be: {wrong}") from None
        await self._receivers.register(session.key, target, dialect_of(version))

    @staticmethod
    def _moved(push: Push, known: Target | None, address: str) -> Target | None:
        if push.says_something:
            address = push.ipaddr or (known.host if known else address)
            if push.urltag != "1" and push.url is None and known is not None:
                return relative_target(address, push.port or DEFAULT_PORT, known.path)
            return target_for(Push(port=push.port, url=push.url, urltag=push.urltag), address)
        if push.ipaddr and known is not None:
            return relative_target(push.ipaddr, known.port, known.path)
        return known

    async def refresh(self, caller: Caller, refreshtoken: str) -> Tokens:
        """Trade a refresh token for a new pair; the old token ends. Raises ContractError 20004 or 20006."""
        old = self.sessions.by_refresh(refreshtoken)
        target = self._receivers.target_of(old.key)
        session, tokens = await self.sessions.begin(caller.address, old.version, replaces=old.key)
        await self._receivers.register(session.key, target, dialect_of(old.version))
        await self._receivers.end_session(old.key)
        return tokens

    async def logout(self, caller: Caller) -> None:
        """End the caller's token; its pushes stop."""
        await self.sessions.end(caller.session, "logout")
        await self._receivers.end_session(caller.session)

    def _session(self, caller: Caller) -> Session:
        session = self.sessions.get(caller.session)
        if session is None:
            raise ContractError(Errno.NO_SUCH_TOKEN)
        return session
