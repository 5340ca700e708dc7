"""Who may call: login, heartbeat, refresh, logout, and the TCP login (spec 00-access)."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from offhook.areas.access.accounts import (
    KEY_PREFIX,
    KEY_SESSION,
    OWN,
    Account,
    Accounts,
    own_account,
    session_of,
)
from offhook.areas.access.limits import Limits
from offhook.areas.access.lockout import Lockout
from offhook.areas.access.passwords import PasswordCheck, md5_of
from offhook.areas.access.sessions import RefreshedTwice, Session, Sessions, Tokens
from offhook.areas.access.settings import SettingsKeeper
from offhook.areas.objects.field import Row
from offhook.contract.endpoint import Caller
from offhook.contract.errors import ContractError, Errno
from offhook.contract.scopes import Scope, needed
from offhook.events.api import (
    DEFAULT_PORT,
    Dialect,
    Target,
    TargetError,
    absolute_target,
    dialect_of,
    relative_target,
)
from offhook.store.unit import UnitOfWork

log = logging.getLogger(__name__)


class ReceiverRegistry(Protocol):
    """Where sessions' events go; `offhook.events` has it."""

    async def register(self, session: str, target: Target | None, dialect: Dialect) -> None:
        """Have a session's events go to a target, or nowhere."""

    async def end_session(self, session: str) -> None:
        """A session ended."""

    def target_of(self, session: str) -> Target | None:
        """Where a session's events go."""

    def disconnect(self) -> None:
        """Close the connections that applications have opened for events: they have to log in again."""


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
        self,
        settings: SettingsKeeper,
        sessions: Sessions,
        lockout: Lockout,
        receivers: ReceiverRegistry,
        accounts: Accounts,
        limits: Limits,
    ) -> None:
        self.settings = settings
        self.sessions = sessions
        self.lockout = lockout
        self.accounts = accounts
        self.limits = limits
        self._receivers = receivers
        self._passwords = PasswordCheck()
        sessions.most = lambda: limits.sessions
        settings.on_account = self._own_changed

    @property
    def body_bytes(self) -> int:
        """How large the body of a request is at most."""
        return self.limits.body_bytes

    def request(self, address: str) -> AbstractContextManager[None]:
        """Around every request of an address. Raises ContractError 20022 or 10025 instead."""
        return self.limits.request(address)

    async def authenticate(self, token: str, address: str) -> str:
        """The session of a living token that comes from `address`. Raises ContractError 20004 or 20006."""
        if not self.settings.now.enabled:
            raise ContractError(Errno.SERVICE_NOT_RUNNING, "the API is switched off")
        return self.sessions.use(token, address, lambda session: self._may(session, address)).key

    async def authenticate_bearer(self, credential: str, address: str) -> str:
        """The session of an account's key or of a living token, for what is no endpoint of the contract.

        Raises ContractError: 20022 for an address that may not come, 30003, 20004, 20006. A wrong key counts
        like a wrong password, and is 20002 while the address is locked.
        """
        self.limits.check_address(address)
        if not credential.startswith(KEY_PREFIX):
            return await self.authenticate(credential, address)
        if not self.settings.now.enabled:
            raise ContractError(Errno.SERVICE_NOT_RUNNING, "the API is switched off")
        account = self.accounts.by_key(credential)
        if account is not None and account.may_come_from(address):
            return session_of(account)  # also while others have locked the address: it cannot be a guess
        async with self.lockout.turn(address):
            self.lockout.check(address)
            await self.lockout.failed(address, 0)
        raise ContractError(Errno.NO_SUCH_TOKEN)

    def alive(self, session: str) -> bool:
        """Whether a session goes on, one of a token or of a key."""
        if session.startswith(KEY_SESSION):
            return self.settings.now.enabled and self.accounts.of_session(session) is not None
        return self.sessions.alive(session)

    def account_of(self, session: str) -> Account | None:
        """Whose session it is; None when it or its account has gone."""
        if session.startswith(KEY_SESSION):
            return self.accounts.of_session(session)
        found = self.sessions.get(session)
        return self._account(found.account) if found is not None else None

    def scopes_of(self, session: str) -> frozenset[str]:
        """What a session may do: some of read, control, configure; nothing once it has gone."""
        account = self.account_of(session)
        return frozenset(account.scopes) if account is not None else frozenset()

    def may_read(self, session: str) -> None:
        """For what is no endpoint of the contract. Raises ContractError 10003 without the scope `read`."""
        if "read" not in self.scopes_of(session):
            raise ContractError(Errno.UNKNOWN_REQUEST, "this account may not read")

    def permit(self, session: str, path: str) -> AbstractContextManager[None]:
        """Around what a session asks an endpoint for.

        Raises ContractError instead: 10003 where its account lacks the scope, 10025 where it asks too much.
        """
        account = self.account_of(session)
        if account is None:
            raise ContractError(Errno.NO_SUCH_TOKEN)
        if missing := needed(path) - account.scopes:
            raise ContractError(Errno.UNKNOWN_REQUEST, f"this account may not: it lacks {', '.join(missing)}")
        return self.limits.work(session, account, path)

    def sees_secrets(self, session: str) -> bool:
        """Whether a session may see passwords that answers have in the clear: who may set them."""
        return Scope.CONFIGURE in self.scopes_of(session)

    def _account(self, identity: int) -> Account | None:
        if identity == OWN:
            now = self.settings.now
            return own_account(now.username, now.password_derived)
        return self.accounts.by_id(identity)

    def _may(self, session: Session, address: str) -> bool:
        account = self._account(session.account)
        return account is not None and account.may_come_from(address)

    def _own_changed(self, unit: UnitOfWork) -> None:
        self._ended(unit, OWN)

    def account_changed(self, unit: UnitOfWork, _operation: str, row: Row, old: Row | None) -> None:
        """An account was made, changed or deleted in `unit`: what it had begun ends."""
        self.accounts.reread_in(unit)
        if old is not None:
            self._ended(unit, row["id"])

    def _ended(self, unit: UnitOfWork, account: int) -> None:
        self.sessions.end_account_in(unit, account)
        unit.after_commit(self._receivers.disconnect)

    def login_address(self, session: str) -> str:
        """The address that a session's token was obtained from; empty for one that is not known."""
        found = self.sessions.get(session)
        return found.address if found is not None else ""

    async def login(self, caller: Caller, username: str, password_md5: str, push: Push) -> Tokens:
        """A token for an account of the API.

        Raises ContractError 30003 when the API is off, 20002 while the address is locked, 20003 for a wrong
        account, 20008 for a receiver that cannot be.
        """
        if not self.settings.now.enabled:
            raise ContractError(Errno.SERVICE_NOT_RUNNING, "the API is switched off")
        account = await self._verify(username, password_md5, caller.address, caller.port)
        try:
            target = target_for(push, caller.address)
        except TargetError as wrong:
            raise ContractError(Errno.PORT_WRONG, f"the receiver cannot be: {wrong}") from None
        session, tokens = await self.sessions.begin(caller.address, push.version or "", account.id)
        await self._register(session, target, push.version or "")
        return tokens

    async def _register(self, session: Session, target: Target | None, version: str) -> None:
        """Have a session's events go to `target`, if its account may read at all."""
        if Scope.READ not in self.scopes_of(session.key):
            target = None
        await self._receivers.register(session.key, target, dialect_of(version))

    async def check_tcp_login(self, username: str, secret: str, address: str, port: int) -> bool:
        """Whether a TCP login packet is right; a wrong one counts like any other wrong password.

        An account that may not read is refused, as there is nothing for it.
        """
        if not self.settings.now.enabled:
            return False
        try:
            self.limits.check_address(address)
            account = await self._verify(username, md5_of(secret), address, port)
        except ContractError as refused:
            log.info("access: TCP login from %s: %s", address, refused)
            return False
        return Scope.READ in account.scopes

    async def _verify(self, username: str, password_md5: str, address: str, port: int) -> Account:
        async with self.lockout.turn(address):
            self.lockout.check(address)
            own = self.settings.now.username
            account = self._account(OWN) if username == own else self.accounts.by_name(username)
            derived = account.password_derived if account is not None else None
            right = await self._passwords.is_right(username, password_md5, derived)
            # from elsewhere it looks as if the password were wrong, so that nobody can try them there
            if account is None or not right or not account.may_come_from(address):
                await self.lockout.failed(address, port)
                raise ContractError(Errno.LOGIN_WRONG)
            await self.lockout.succeeded(address)
            return account

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
        await self._register(session, target, version)

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
        """Trade a refresh token for a new pair; the old token ends.

        One that was traded before ends all that came of it: somebody else has it too. Raises ContractError
        30003, 20004 or 20006.
        """
        if not self.settings.now.enabled:
            raise ContractError(Errno.SERVICE_NOT_RUNNING, "the API is switched off")
        try:
            old = self.sessions.by_refresh(refreshtoken, lambda session: self._may(session, caller.address))
        except RefreshedTwice as stolen:
            log.warning("access: %s used a refresh token for the second time; its tokens end", caller.address)
            for key in await self.sessions.end_family(stolen.family, "refresh token used twice"):
                await self._receivers.end_session(key)
            raise ContractError(Errno.NO_SUCH_TOKEN) from None
        target = self._receivers.target_of(old.key)
        session, tokens = await self.sessions.begin(caller.address, old.version, old.account, replaces=old)
        await self._register(session, target, old.version)
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
