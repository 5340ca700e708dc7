"""Living tokens (spec 00-access, `token`): 128 random bits, 30 idle minutes, many at once, kept hashed.

A session's key is the SHA-256 of its token: whoever reads the store or a log cannot call with it. The key is
what all other parts know a session by.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from offhook.areas.access.tables import sessions
from offhook.clock import Clock
from offhook.contract.errors import ContractError, Errno
from offhook.source import source_of
from offhook.store.unit import Store, UnitOfWork

IDLE_SECONDS = 1800.0
REMEMBER_SECONDS = 24 * 3600.0
WRITE_SECONDS = 60.0
SESSIONS_MAX = 50_000
LOOK_FROM = 1000
REFRESHED = "refresh"


@dataclass(slots=True)
class Session:
    """One token's life. `version` is that of the login; `ended` says why it ended, empty while it lives.

    `account` is the id of the account that logged in; `family` is the key of the login's session, which all
    have in common that were got from it by refresh tokens.
    """

    key: str
    refresh: str
    address: str
    version: str
    created: float
    used: float
    ended: str = ""
    account: int = 0
    family: str = ""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets, once."""

    token: str
    refreshtoken: str


class RefreshedTwice(Exception):
    """A refresh token came that was used before: two have it, and one of them is a thief."""

    def __init__(self, family: str) -> None:
        super().__init__("a refresh token was used twice")
        self.family = family


def key_of(token: str) -> str:
    """The session's key of a token, which may come in capitals."""
    return hashlib.sha256(token.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()


class Sessions:
    """All sessions. Their last use is written at most once a minute, so a request costs no fsync.

    `most` gives how many an account may have from one address; its oldest ones end for new ones.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._by_refresh: dict[str, Session] = {}
        self._unwritten: set[str] = set()
        self.most: Callable[[], int] = lambda: SESSIONS_MAX

    async def load(self) -> None:
        """Read what is stored: tokens outlive a restart of the control plane (decision 8)."""

        def work(connection: sa.Connection) -> list[Session]:
            return [
                Session(
                    row.token_hash,
                    row.refresh_hash,
                    row.address,
                    row.version,
                    row.created,
                    row.used,
                    row.ended,
                    row.account,
                    row.family or row.token_hash,
                )
                for row in connection.execute(sa.select(sessions))
            ]

        found = await self._store.read(work)
        self._sessions = {session.key: session for session in found}
        self._by_refresh = {session.refresh: session for session in found}

    def _living(self, session: Session | None) -> bool:
        # either way: a clock that was put back must not keep what nobody uses
        return (
            session is not None
            and not session.ended
            and abs(self._clock.now() - session.used) <= IDLE_SECONDS
        )

    def alive(self, key: str) -> bool:
        """Whether a session's token lives."""
        return self._living(self._sessions.get(key))

    def get(self, key: str) -> Session | None:
        """The session, living or ended."""
        return self._sessions.get(key)

    def use(self, token: str, address: str, may: Callable[[Session], bool]) -> Session:
        """The session of a token; its 30 minutes begin anew. `may` tells whether it may be used from there.

        Raises ContractError 20006 for one that has idled too long, 20004 for any other that does not live.
        """
        session = self._sessions.get(key_of(token))
        if session is None or session.ended or not may(session):
            raise ContractError(Errno.NO_SUCH_TOKEN)
        if not self._living(session):
            raise ContractError(Errno.TOKEN_EXPIRED)
        session.used = self._clock.now()
        self._unwritten.add(session.key)
        return session

    async def begin(
        self, address: str, version: str, account: int = 0, *, replaces: Session | None = None
    ) -> tuple[Session, Tokens]:
        """A new session of an account; `replaces` is one that ends with it, whose refresh token was used."""
        tokens = Tokens(secrets.token_hex(16), secrets.token_hex(16))
        now = self._clock.now()
        key = key_of(tokens.token)
        family = replaces.family if replaces is not None else key
        refresh = key_of(tokens.refreshtoken)
        session = Session(key, refresh, address, version, now, now, account=account, family=family)
        forgotten = self._forgettable(now, address, account)

        def work(unit: UnitOfWork) -> None:
            for old in forgotten:
                unit.connection.execute(sa.delete(sessions).where(sessions.c.token_hash == old))
            if replaces is not None:
                own = sessions.c.token_hash == replaces.key
                unit.connection.execute(sa.update(sessions).where(own).values(ended=REFRESHED))
            unit.connection.execute(
                sa.insert(sessions).values(
                    token_hash=key,
                    refresh_hash=refresh,
                    address=address,
                    version=version,
                    created=now,
                    used=now,
                    ended="",
                    account=account,
                    family=family,
                )
            )

        # Before anything is awaited: of two who refresh at once the later one ends this session too.
        self._sessions[key] = self._by_refresh[refresh] = session
        if replaces is not None:
            replaces.ended = REFRESHED
        try:
            await self._store.write("session begun", work)
        except BaseException:
            self._forget([key])
            if replaces is not None:
                replaces.ended = ""
            raise
        self._forget(forgotten)
        return session, tokens

    def _forget(self, keys: Iterable[str]) -> None:
        for key in keys:
            gone = self._sessions.pop(key, None)
            if gone is not None:
                self._by_refresh.pop(gone.refresh, None)

    def _forgettable(self, now: float, address: str, account: int) -> list[str]:
        if len(self._sessions) < min(LOOK_FROM, self.most()):
            return []
        old = {key for key, session in self._sessions.items() if now - session.used > REMEMBER_SECONDS}
        kept = [session for key, session in self._sessions.items() if key not in old]
        source = source_of(address)
        of_one = [s for s in kept if s.account == account and source_of(s.address) == source]
        for group, most in ((of_one, self.most()), (kept, SESSIONS_MAX)):
            if len(group) >= most:
                group.sort(key=lambda session: session.used)
                old.update(session.key for session in group[: len(group) - most + 1])
        return [*old]

    def by_refresh(self, refreshtoken: str, may: Callable[[Session], bool]) -> Session:
        """The session that a refresh token belongs to; `may` as in `use`.

        Raises ContractError 20004 or 20006, and RefreshedTwice for one that was used before.
        """
        session = self._by_refresh.get(key_of(refreshtoken))
        if session is not None and session.ended == REFRESHED:
            raise RefreshedTwice(session.family)
        if session is None or session.ended or not may(session):
            raise ContractError(Errno.NO_SUCH_TOKEN)
        if abs(self._clock.now() - session.used) > REMEMBER_SECONDS:
            raise ContractError(Errno.TOKEN_EXPIRED)
        return session

    async def end(self, key: str, why: str) -> None:
        """End one session; it is unknown from now on."""
        await self._end([session for session in [self._sessions.get(key)] if session is not None], why)

    async def end_family(self, family: str, why: str) -> list[str]:
        """End all sessions that descend from one login; returns those that lived."""
        found = [s for s in self._sessions.values() if s.family == family and not s.ended]
        await self._end(found, why)
        return [session.key for session in found]

    async def _end(self, found: Sequence[Session], why: str) -> None:
        keys = [session.key for session in found]
        for session in found:
            session.ended = why

        def work(unit: UnitOfWork) -> None:
            for key in keys:
                own = sessions.c.token_hash == key
                unit.connection.execute(sa.update(sessions).where(own).values(ended=why))

        await self._store.write("session ended", work)

    def end_account_in(self, unit: UnitOfWork, account: int) -> None:
        """End all sessions of an account, within the change of the account that is the reason."""
        unit.connection.execute(sa.delete(sessions).where(sessions.c.account == account))
        unit.after_commit(
            lambda: self._forget([key for key, one in self._sessions.items() if one.account == account])
        )

    async def end_all(self, why: str) -> None:
        """End every session: the engine has restarted (decision 8)."""
        await self._store.write(
            "sessions ended", lambda unit: unit.connection.execute(sa.delete(sessions)).rowcount
        )
        self._sessions.clear()
        self._by_refresh.clear()
        self._unwritten.clear()

    async def write_uses(self) -> None:
        """Write when sessions were last used; call it each minute and before the end."""
        used = {key: self._sessions[key].used for key in self._unwritten if key in self._sessions}
        self._unwritten.clear()
        if not used:
            return

        def work(unit: UnitOfWork) -> None:
            for key, when in used.items():
                unit.connection.execute(
                    sa.update(sessions).where(sessions.c.token_hash == key).values(used=when)
                )

        await self._store.write("sessions used", work)
