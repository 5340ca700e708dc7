"""Who may use the soft client, and how one gets in (spec 12-linkus).

    enable ─► account ──► send_email ─► link (works once) ──► redeem ─► login (until it is revoked)

Disabling, or deleting the extension, takes account, links and logins away. Of links and logins only hashes
are stored; the link itself stands in its mail, sealed, until that is sent. A mail is written, with its QR
code, when it is sent: a thousand of them would hold the answer up for most of a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import sqlalchemy as sa

from offhook.areas.extensions import queries
from offhook.areas.extensions.model import Extension, ExtensionChanged
from offhook.areas.mail.addresses import checked_address
from offhook.areas.mail.message import Content
from offhook.areas.mail.model import MailRefused, OutgoingMail
from offhook.areas.mail.service import Mailer
from offhook.areas.pbxsettings.mail_settings import MAIL
from offhook.areas.pbxsettings.service import SettingsService
from offhook.areas.pbxsettings.softclient_settings import SOFTCLIENT
from offhook.areas.softclient.tables import softclient_accounts, softclient_links, softclient_logins
from offhook.areas.softclient.tokens import Token, is_right, new_token, selector_of
from offhook.areas.softclient.welcome import Welcome
from offhook.clock import Clock
from offhook.contract.errors import ContractError, Errno
from offhook.contract.rules import Selection
from offhook.store.errors import StoreError
from offhook.store.parts import parts
from offhook.store.unit import Store, UnitOfWork
from offhook.store.vault import Vault

log = logging.getLogger(__name__)

MAIL_KIND = "softclient"
_HOUR = 3600.0
_ACCOUNT, _LINK, _LOGIN = softclient_accounts.c, softclient_links.c, softclient_logins.c

Failure = tuple[str, Errno]
"""An extension's number, and why it did not work for it."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a browser phone keeps: whose it is, and its secret."""

    number: str
    secret: str = field(repr=False)


class SoftClient:
    """The soft client's accounts. `base` is what links begin with unless the operator has set it."""

    def __init__(
        self,
        store: Store,
        settings: SettingsService,
        clock: Clock,
        mailer: Mailer,
        vault: Vault,
        base: str,
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._mailer = mailer
        self._vault = vault
        self._base = base
        mailer.on_sending(MAIL_KIND, self._write)
        mailer.on_sent(MAIL_KIND, self._sent)

    # -- who may use it -----------------------------------------------------------------------------------

    async def update(self, which: Selection, enable: bool) -> list[Failure]:
        """Switch it on or off; tells for which extensions that did not work, with the reason."""

        def work(unit: UnitOfWork) -> list[Failure]:
            numbers = queries.select_numbers(unit.connection, which)
            if enable:
                self._enable(unit, numbers)
            else:
                self._disable(unit, numbers)
            return _missing(which, numbers)

        return await self._store.write("linkus/update_client", work)

    def _enable(self, unit: UnitOfWork, numbers: Sequence[str]) -> None:
        already = _enabled(unit.connection)
        rows = [{"number": n, "enabled_at": self._clock.now()} for n in numbers if n not in already]
        if rows:
            unit.connection.execute(sa.insert(softclient_accounts), rows)

    def _disable(self, unit: UnitOfWork, numbers: Sequence[str]) -> None:
        for some in parts(numbers):
            unit.connection.execute(sa.delete(softclient_accounts).where(_ACCOUNT.number.in_(some)))
        self._mailer.withdraw(unit, MAIL_KIND, numbers)

    async def on_extensions_changed(self, changed: Sequence[ExtensionChanged]) -> None:
        """The account goes with its extension by itself; what goes too is the mail that was not sent yet."""
        gone = [one.number for one in changed if one.operation == "del"]
        if gone:
            await self._store.write("soft client: extensions deleted", lambda unit: self._disable(unit, gone))

    async def query(self, which: Selection) -> list[tuple[str, bool]]:
        """For which of these extensions it is on. Raises ContractError 10006 when one does not exist."""

        def work(connection: sa.Connection) -> list[tuple[str, bool]]:
            numbers = queries.select_numbers(connection, which)
            if _missing(which, numbers):
                raise ContractError(Errno.NO_SUCH_EXTENSION)
            enabled = _enabled(connection)
            return [(number, number in enabled) for number in numbers]

        return await self._store.read(work)

    # -- the way in ---------------------------------------------------------------------------------------

    async def send_email(self, which: Selection) -> list[Failure]:
        """Queue the welcome mail with a new link for each; tells for which extensions not, with the reason.

        An older link of the extension ends. Raises ContractError 10135 when no mail server is set up.
        """

        def look(connection: sa.Connection) -> tuple[tuple[Extension, ...], set[str], str, int]:
            if not self._mailer.is_set_up(connection):
                raise ContractError(Errno.NO_MAIL_SERVER, "no mail server is set up")
            section = self._settings.get_in(connection, SOFTCLIENT)
            base = section["address"].rstrip("/") or self._base
            extensions = queries.select_extensions(connection, which)
            return extensions, _enabled(connection), base, section["linkhours"]

        extensions, enabled, base, hours = await self._store.read(look)
        failed = _missing(which, [extension.number for extension in extensions])
        wanted: list[Extension] = []
        for extension in extensions:
            if extension.number not in enabled:
                failed.append((extension.number, Errno.LINKUS_NOT_ENABLED))
            elif not _can_get_mail(extension):
                failed.append((extension.number, Errno.PARAMETER_EMPTY))
            else:
                wanted.append(extension)
        invitations = await asyncio.to_thread(
            lambda: {one.number: self._invitation(one, base, hours) for one in wanted}
        )
        if not invitations:
            return failed
        late = await self._store.write("linkus/send_email", partial(self._invite, invitations=invitations))
        return failed + [(number, Errno.LINKUS_NOT_ENABLED) for number in late]

    def _invitation(self, extension: Extension, base: str, hours: int) -> tuple[OutgoingMail, Token]:
        token = new_token()
        welcome = Welcome(
            name=extension.username,
            number=extension.number,
            link=f"{base}/phone/login#{token.text}",
            hours=hours,
        )
        mail = OutgoingMail(
            to=extension.email,
            subject=f"Your browser phone: extension {extension.number}",
            text=self._vault.seal(welcome.noted()),
            kind=MAIL_KIND,
            reference=extension.number,
        )
        return mail, token

    def _write(self, sealed: str) -> Content:
        try:
            noted = self._vault.open(sealed)
        except StoreError:
            raise StoreError("its link was sealed with another secret.key; send it anew") from None
        return Welcome.read(noted).content()

    def _invite(self, unit: UnitOfWork, invitations: Mapping[str, tuple[OutgoingMail, Token]]) -> list[str]:
        """Queue mails and store their links; returns for whom not, as the client was disabled meanwhile."""
        connection = unit.connection
        enabled = _enabled(connection)
        numbers = [number for number in invitations if number in enabled]
        self._mailer.withdraw(unit, MAIL_KIND, numbers)
        self._mailer.queue_many(unit, [invitations[number][0] for number in numbers])
        # from the sending on it is `linkhours`, see _sent
        expires = self._clock.now() + self._longest(connection) * _HOUR
        rows = [
            {
                "selector": token.selector,
                "number": number,
                "secret_hash": token.secret_hash,
                "expires": expires,
            }
            for number, (_, token) in invitations.items()
            if number in enabled
        ]
        for some in parts(numbers):
            connection.execute(sa.delete(softclient_links).where(_LINK.number.in_(some)))
        if rows:
            connection.execute(sa.insert(softclient_links), rows)
        return [number for number in invitations if number not in enabled]

    def _longest(self, connection: sa.Connection) -> int:
        """Hours for which a link works at most: its mail may wait before it is sent."""
        hours: int = self._settings.get_in(connection, SOFTCLIENT)["linkhours"]
        waits: int = self._settings.get_in(connection, MAIL)["retryhours"]
        return hours + waits

    async def _sent(self, number: str) -> None:
        """The mail is out: its link works for the time that the mail names."""

        def work(unit: UnitOfWork) -> None:
            hours = self._settings.get_in(unit.connection, SOFTCLIENT)["linkhours"]
            latest = self._clock.now() + hours * _HOUR
            unit.connection.execute(
                sa.update(softclient_links)
                .where(_LINK.number == number, _LINK.expires > latest)
                .values(expires=latest)
            )

        await self._store.write("soft client: mail sent", work)

    async def redeem(self, link: str) -> Login | None:
        """Turn the secret of a link (what stands behind its #) into a login; the link works no more.

        None for a link that is none, was used, is too old, or whose extension has lost the soft client.
        """
        selector = selector_of(link)
        login = new_token()

        def work(unit: UnitOfWork) -> str | None:
            connection, now = unit.connection, self._clock.now()
            row = connection.execute(
                sa.select(softclient_links).where(_LINK.selector == (selector or ""))
            ).one_or_none()
            right = is_right(link, row.secret_hash if row is not None else None)
            if row is None or not right:
                return None
            connection.execute(sa.delete(softclient_links).where(_LINK.selector == row.selector))
            if not now < row.expires <= now + self._longest(connection) * _HOUR:
                return None  # one that lasts longer than any is of a clock that was put back
            connection.execute(
                sa.insert(softclient_logins).values(
                    selector=login.selector,
                    number=row.number,
                    secret_hash=login.secret_hash,
                    created_at=now,
                )
            )
            return str(row.number)

        number = await self._store.write("soft client: redeem", work)
        return None if number is None else Login(number, login.text)

    async def owner(self, secret: str) -> str | None:
        """The extension to which a login's secret belongs; None when it is wrong or was revoked."""
        selector = selector_of(secret) or ""
        row = await self._store.read(
            lambda c: c.execute(sa.select(softclient_logins).where(_LOGIN.selector == selector)).one_or_none()
        )
        right = is_right(secret, row.secret_hash if row is not None else None)
        return str(row.number) if row is not None and right else None


def _enabled(connection: sa.Connection) -> set[str]:
    return set(connection.execute(sa.select(_ACCOUNT.number)).scalars())


def _can_get_mail(extension: Extension) -> bool:
    try:
        checked_address(extension.email)
    except MailRefused as refused:
        log.info("soft client: no mail can go to extension %s: %s", extension.number, refused)
        return False
    return True


def _missing(which: Selection, found: Sequence[str]) -> list[Failure]:
    known = frozenset(found)
    return [(name, Errno.NO_SUCH_EXTENSION) for name in which.names if name not in known]
