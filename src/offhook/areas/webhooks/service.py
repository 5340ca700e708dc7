"""All webhooks: a worker for each, and what operators do with them."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import secrets
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from offhook.areas.objects.errors import Missing
from offhook.areas.webhooks import queries
from offhook.areas.webhooks.model import Delivery, Progress, Settings, State
from offhook.areas.webhooks.sender import Answer, Sender
from offhook.areas.webhooks.signing import key_of, new_secret
from offhook.areas.webhooks.worker import Worker
from offhook.clock import Clock
from offhook.contract.errors import ContractError, Errno
from offhook.contract.feed import moment
from offhook.events.feed import Feed
from offhook.store.errors import StoreError
from offhook.store.unit import Store
from offhook.store.vault import Vault
from offhook.tasks import stop

log = logging.getLogger(__name__)

OVERLAP_HOURS = 24
_STORE_PAUSE = 2.0

RaiseAlarm = Callable[[str, str], None]
"""Tells people of a webhook by its name; an empty text: it is well again."""


class Webhooks:
    """Make it once; `start` when events can be told, `refresh` when webhooks were changed."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        clock: Clock,
        *,
        feed: Feed,
        sender: Sender,
        sn: Callable[[], str],
        alarm: RaiseAlarm,
    ) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._feed = feed
        self._sender = sender
        self._sn = sn
        self._alarm = alarm
        self._workers: dict[int, Worker] = {}
        self._changing = asyncio.Lock()
        self._unwritten: dict[int, Progress] = {}
        self._to_write = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None

    @property
    def workers(self) -> Sequence[Worker]:
        """One for each webhook."""
        return tuple(self._workers.values())

    async def start(self) -> None:
        """Begin."""
        self._writing = asyncio.create_task(self._write_forever(), name="webhooks")
        await self.refresh()

    async def close(self) -> None:
        """End; what is under way gets a moment, and how far each has come is written."""
        if self._writing is None:
            return
        async with self._changing:
            await asyncio.gather(*(worker.close() for worker in self._workers.values()))
            writing, self._writing = self._writing, None
            await stop(writing)
            await self._write()
            await self._sender.close()

    # -- what there is ------------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Bring the workers in line with what is stored."""
        if self._writing is None:
            return
        async with self._changing:
            last = self._feed.last()
            await self._store.write("webhooks begin", lambda unit: queries.add_missing_states(unit, last))
            rows = {row["id"]: row for row in await self._store.read(queries.all_webhooks)}
            for identity in [one for one in self._workers if one not in rows]:
                gone = self._workers.pop(identity)
                await gone.close()
                self._unwritten.pop(identity, None)
                self._alarm(gone.settings.name, "")
            for identity, row in rows.items():
                try:
                    settings = self._settings(row)
                except StoreError:  # the key of the store is another one
                    self._alarm(row["name"], "its secret cannot be read; delete the webhook, make it anew")
                    continue
                await self._renew(identity, row, settings)

    async def _renew(self, identity: int, row: sa.RowMapping, settings: Settings) -> None:
        known = self._workers.get(identity)
        if known is not None and known.settings == settings:
            return
        if known is None:
            progress = queries.progress_of(row)
        else:
            await known.close()
            progress = known.progress  # newer than what is stored
            if known.settings.name != settings.name:
                self._alarm(known.settings.name, "")
        self._begin(settings, progress)

    def _begin(self, settings: Settings, progress: Progress) -> None:
        worker = self._workers[settings.id] = Worker(
            settings,
            progress,
            feed=self._feed,
            sender=self._sender,
            clock=self._clock,
            moved=lambda: self._moved(settings.id),
            alarm=lambda text: self._alarm(settings.name, text),
        )
        worker.start()

    def _settings(self, row: sa.RowMapping) -> Settings:
        sealed = [secret for secret in (row["secret"], row["old_secret"]) if secret]
        return Settings(
            id=row["id"],
            name=row["name"],
            url=row["url"],
            kinds=row["kinds"],
            extension=row["extension"],
            verify=row["verify"],
            keys=tuple(key_of(self._vault.open(secret)) for secret in sealed),
            old_until=row["old_until"],
        )

    # -- how far they are ---------------------------------------------------------------------------------

    def _moved(self, identity: int) -> None:
        self._unwritten[identity] = self._workers[identity].progress
        self._to_write.set()

    async def _write_forever(self) -> None:
        # At once: what was delivered and not noted when we are killed is delivered again.
        while True:
            await self._to_write.wait()
            self._to_write.clear()
            try:
                await self._write()
            except Exception as failure:
                log.error("webhooks: how far they are could not be stored: %s", failure)
                await asyncio.sleep(_STORE_PAUSE)
                self._to_write.set()

    async def _write(self) -> None:
        progress = {one: dataclasses.replace(known) for one, known in self._unwritten.items()}
        if not progress:
            return
        await self._store.write("webhooks moved", lambda unit: queries.write_progress(unit, progress))
        for identity, written in progress.items():
            if self._unwritten.get(identity) == written:
                del self._unwritten[identity]

    # -- what operators do --------------------------------------------------------------------------------

    def worker(self, identity: int) -> Worker:
        """The worker of a webhook. Raises Missing."""
        worker = self._workers.get(identity)
        if worker is None:
            raise Missing(Errno.PARAMETER_EMPTY, "no webhook has this id")
        return worker

    def behind(self, worker: Worker) -> int:
        """How many numbers of the journal are still before it."""
        return max(0, self._feed.last() - worker.progress.position)

    async def rotate(self, identity: int, hours: int = OVERLAP_HOURS) -> str:
        """A new secret, returned this once; for some hours the one before signs as well. Raises Missing."""
        self.worker(identity)
        secret = new_secret()
        sealed, until = self._vault.seal(secret), self._clock.now() + hours * 3600.0
        await self._store.write("webhook secret", lambda unit: queries.rotate(unit, identity, sealed, until))
        await self.refresh()
        return secret

    async def pause(self, identity: int) -> None:
        """Send nothing until `resume`; the place in the journal is kept. Raises Missing."""
        await self._restart(identity, State.PAUSED)

    async def resume(self, identity: int) -> None:
        """Go on where it was, also one that has failed. Raises Missing."""
        await self._restart(identity, State.ACTIVE)

    async def replay(self, identity: int, *, after: int | None = None, since: float | None = None) -> int:
        """Send again what comes after a number, or what has happened since a time; returns the number.

        Ids of deliveries are those of the first time. Raises Missing, ContractError for a number to come.
        """
        last = self._feed.last()
        if since is not None:
            at = since
            after = await self._store.read(lambda connection: queries.position_at(connection, at, last))
        if after is None or not 0 <= after <= last:
            raise ContractError(Errno.PARAMETER_EMPTY, f"after must be a number from 0 to {last}")
        await self._restart(identity, None, after)
        return after

    async def _restart(self, identity: int, state: State | None, position: int | None = None) -> None:
        async with self._changing:
            worker = self.worker(identity)
            await worker.close()
            progress = worker.progress
            if state is not None:
                progress.state, progress.failing_since = state, 0.0
                self._alarm(worker.settings.name, "")
            if position is not None:
                progress.position = position
            self._begin(worker.settings, progress)
            self._moved(identity)
            await self._write()

    async def test(self, identity: int) -> Answer:
        """Send one request now that tells of nothing. Raises Missing."""
        worker, now = self.worker(identity), self._clock.now()
        body = {
            "id": "0",
            "type": "test",
            "timestamp": moment(now),
            "data": {"event": "test", "sn": self._sn()},
        }
        return await worker.try_once(
            Delivery(f"test_{identity}_{secrets.token_hex(8)}", json.dumps(body).encode())
        )
