"""Living tokens (spec 00-access, `token`): 128 random bits, 30 idle minutes, many at once, kept hashed.

A session's key is the SHA-256 of its token: whoever reads the store or a log cannot call with it. The key is
what all other parts know a session by.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from offhook.areas.access.tables import sessions
from offhook.clock import Clock
from offhook.contract.errors import ContractError, Errno
from offhook.store.unit import Store, UnitOfWork

IDLE_SECONDS = 1800.0
REMEMBER_SECONDS = 24 * 3600.0
WRITE_SECONDS = 60.0
SESSIONS_MAX = 50_000


@dataclass(slots=True)
class Session:
    """One token's life. `version` is that of the login; `ended` says why it ended, empty while it lives."""

    key: str
    refresh: str
    address: str
    version: str
    created: float
    used: float
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets, once."""

    token: str
    refreshtoken: str


def key_of(token: str) -> str:
    """The session's key of a token, which may come in capitals."""
    return hashlib.sha256(token.strip().lower().encode()).hexdigest()


class Sessions:
    """All sessions. Their last use is written at most once a minute, so a request costs no fsync."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._unwritten: set[str] = set()

    async def load(self) -> None:
        """Read what is stored: tokens outlive a restart of the control plane (decision 8)."""

        def work(connection: sa.Connection) -> dict[str, Session]:
            return {
                row.token_hash: Session(
                    row.token_hash,
                    row.refresh_hash,
                    row.address,
                    row.version,
                    row.created,
                    row.used,
                    row.ended,
                )
                for row in connection.execute(sa.select(sessions))
            }

        self._sessions = await self._store.read(work)

    def _living(self, session: Session | None) -> bool:
        return session is not None and not session.ended and self._clock.now() - session.used <= IDLE_SECONDS

    def alive(self, key: str) -> bool:
        """Whether a session's token lives."""
        return self._living(self._sessions.get(key))

    def get(self, key: str) -> Session | None:
        """The session, living or ended."""
        return self._sessions.get(key)

    def use(self, token: str) -> Session:
        """The session of a token; its 30 minutes begin anew.

        Raises ContractError 20006 for one that has idled too long, 20004 for any other that does not live.
        """
        session = self._sessions.get(key_of(token))
        if session is None or session.ended:
            raise ContractError(Errno.NO_SUCH_TOKEN)
        if not self._living(session):
            raise ContractError(Errno.TOKEN_EXPIRED)
        session.used = self._clock.now()
        self._unwritten.add(session.key)
        return session

    async def begin(self, address: str, version: str, *, replaces: str = "") -> tuple[Session, Tokens]:
        """A new session; `replaces` is the key of one that ends with it."""
        tokens = Tokens(secrets.token_hex(16), secrets.token_hex(16))
        now = self._clock.now()
        session = Session(key_of(tokens.token), key_of(tokens.refreshtoken), address, version, now, now)
        forgotten = self._forgettable(now)

        def work(unit: UnitOfWork) -> None:
            for key in (*forgotten, replaces):
                unit.connection.execute(sa.delete(sessions).where(sessions.c.token_hash == key))
            unit.connection.execute(
                sa.insert(sessions).values(
                    token_hash=session.key,
                    refresh_hash=session.refresh,
                    address=address,
                    version=version,
                    created=now,
                    used=now,
                    ended="",
                )
            )

        await self._store.write("session begun", work)
        for key in (*forgotten, replaces):
            self._sessions.pop(key, None)
        self._sessions[session.key] = session
        return session, tokens

    def _forgettable(self, now: float) -> list[str]:
        if len(self._sessions) < 1000:
            return []
        old = [key for key, session in self._sessions.items() if now - session.used > REMEMBER_SECONDS]
        if len(self._sessions) - len(old) > SESSIONS_MAX:
            by_age = sorted(self._sessions, key=lambda key: self._sessions[key].used)
            old = by_age[: len(self._sessions) - SESSIONS_MAX]
        return old

    def by_refresh(self, refreshtoken: str) -> Session:
        """The session that a refresh token belongs to. Raises ContractError 20004 or 20006."""
        wanted = key_of(refreshtoken)
        session = next((one for one in self._sessions.values() if one.refresh == wanted), None)
        if session is None or session.ended:
            raise ContractError(Errno.NO_SUCH_TOKEN)
        if self._clock.now() - session.used > REMEMBER_SECONDS:
            raise ContractError(Errno.TOKEN_EXPIRED)
        return session

    async def end(self, key: str, why: str) -> None:
        """End one session; it is unknown from now on."""
        session = self._sessions.get(key)
        if session is not None:
            session.ended = why
        await self._store.write(
            "session ended",
            lambda unit: (
                unit.connection.execute(
                    sa.update(sessions).where(sessions.c.token_hash == key).values(ended=why)
                ).rowcount
            ),
        )

    async def end_all(self, why: str) -> None:
        """End every session: the engine has restarted (decision 8)."""
        await self._store.write(
            "sessions ended", lambda unit: unit.connection.execute(sa.delete(sessions)).rowcount
        )
        self._sessions.clear()
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
