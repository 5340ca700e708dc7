"""What the PBX says of itself: identity kept in the store, clock and uptime (spec 01, deviceinfo/query)."""

from __future__ import annotations

import re
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from offhook.areas.system.tables import identity
from offhook.clock import Clock
from offhook.store.unit import Store, UnitOfWork

_TEXT = re.compile(r"[\x20-\x7e]{1,63}")


class IdentityRefused(ValueError):
    """A value is not allowed; the text says what would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Serial number (12 digits), product name, firmware version."""

    sn: str
    devicename: str = "offhook"
    firmwarever: str = "80.13.0.30"


class SystemService:
    """The identity, and how long the PBX has run."""

    def __init__(self, store: Store, clock: Clock, zone: ZoneInfo) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone
        self._started = clock.monotonic()
        self.identity = Identity(sn="0" * 12)

    async def load(self) -> None:
        """Read the identity; at the first start make a serial number, once for ever."""
        first = Identity(sn="".join(secrets.choice("123456789") for _ in range(12)))

        def work(unit: UnitOfWork) -> Identity:
            row = unit.connection.execute(sa.select(identity)).mappings().first()
            if row is not None:
                return Identity(**{name: value for name, value in row.items() if name != "id"})
            unit.connection.execute(sa.insert(identity).values(id=1, **asdict(first)))
            return first

        self.identity = await self._store.write("identity", work)

    async def set_identity(self, *, sn: str = "", devicename: str = "", firmwarever: str = "") -> Identity:
        """Take over the identity of an appliance that is replaced; an empty value stays as it is.

        Raises IdentityRefused.
        """
        if sn and not re.fullmatch(r"[0-9]{12}", sn, re.ASCII):
            raise IdentityRefused("sn has to be 12 digits")
        for value in (devicename, firmwarever):
            if value and not _TEXT.fullmatch(value):
                raise IdentityRefused("devicename and firmwarever have to be 1 to 63 printable characters")
        given = {"sn": sn, "devicename": devicename, "firmwarever": firmwarever}
        new = replace(self.identity, **{name: value for name, value in given.items() if value})
        await self._store.write(
            "identity",
            lambda unit: unit.connection.execute(sa.update(identity).values(**asdict(new))).rowcount,
        )
        self.identity = new
        return new

    def system_time(self) -> str:
        """The PBX's clock as the contract writes it, such as `2019-10-22 17:09:43 UTC-8`."""
        now = datetime.fromtimestamp(self._clock.now(), self._zone)
        return f"{now:%Y-%m-%d %H:%M:%S} UTC{utc_offset(now)}"

    def uptime(self) -> str:
        """Time since the start, `HH:MM:SS`, from the first day on with the days in front."""
        return uptime_text(int(self._clock.monotonic() - self._started))


def utc_offset(moment: datetime) -> str:
    """The offset as `+8`, `-8`, `+5:30`, `+0`."""
    offset = moment.utcoffset()
    minutes = int(offset.total_seconds()) // 60 if offset is not None else 0
    sign, minutes = ("-" if minutes < 0 else "+"), abs(minutes)
    return f"{sign}{minutes // 60}" + (f":{minutes % 60:02d}" if minutes % 60 else "")


def uptime_text(seconds: int) -> str:
    """`00:20:59`, or `3days 03:57:42` as other models of the appliances write it."""
    days, rest = divmod(seconds, 86400)
    clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days}days {clock}" if days else clock
