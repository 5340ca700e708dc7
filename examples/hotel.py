"""The front desk of a hotel: a guest checks in, makes a call, takes something from the minibar, and leaves.

A room is an extension. The custom dialplan of the guide has to be in force (see README.md): room service
dials 778 on the room's phone, the cleaner 777, and what they key in comes as the event DTMF.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field
from decimal import Decimal

from application import options, run
from client import Client, Event, Unexpected, members, say


@dataclass
class Stay:
    """What the desk knows of a room while a guest lives there."""

    room: str
    prices: dict[str, Decimal]
    per_minute: Decimal
    state: str = ""
    calls: list[tuple[str, Decimal]] = field(default_factory=list)
    minibar: list[tuple[str, Decimal]] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Book what an event says of this room."""
        if event["event"] == "NewCdr":
            self._take_call(event)
        elif event["event"] == "DTMF" and any(party["who"] == self.room for party in members(event)):
            self._take_keys(event.get("infos", ""))

    def _take_call(self, record: Event) -> None:
        if (record["callfrom"], record["type"], record["status"]) != (self.room, "Outbound", "ANSWERED"):
            return
        minutes = max(1, -(-int(record["talkduraction"]) // 60))  # each one begun is paid
        self.calls.append((record["callto"], minutes * self.per_minute))
        say(f"Room {self.room} called {record['callto']}: {self.calls[-1][1]} on the bill.")

    def _take_keys(self, infos: str) -> None:
        match infos.split("*"):
            case ["778", product, count] if product in self.prices and count.isdigit():
                self.minibar.append((f"{count} of {product}", int(count) * self.prices[product]))
                say(f"Minibar of room {self.room}, {self.minibar[-1][0]}: {self.minibar[-1][1]} on the bill.")
            case ["778", *rest]:
                say(f"Minibar of room {self.room}: what is {'*'.join(rest)}? Somebody has to look.")
            case ["777", state] if state in {"00", "01"}:
                self.state = "clean" if state == "01" else "not clean"
                say(f"Room {self.room} is {self.state}.")
            case _:
                pass

    @property
    def complete(self) -> bool:
        """Whether everything has happened that this example is to show."""
        return bool(self.state and self.calls and self.minibar)


def hotel(pbx: Client, given: argparse.Namespace) -> None:
    """One guest, from arrival to departure."""
    room: str = given.room
    rooms = [one["number"] for one in pbx.post("extension/list")["extlist"]]
    say(f"Rooms: {', '.join(rooms)}")
    if room not in rooms:
        raise Unexpected(f"there is no extension {room} for the room")

    say(f"{given.guest} checks in to room {room}.")
    rights = {"selectoutroute": given.route} if given.route else {}
    pbx.post("extension/update", number=room, username=given.guest, callrestriction="off", **rights)
    wake_up(pbx, given)

    prices = {name: Decimal(price) for name, _, price in (one.partition("=") for one in given.price)}
    stay = Stay(room, prices, Decimal(given.per_minute))
    say(f"Use the phone of room {room}: an outside call, 778 for the minibar, 777 for the room's state.")
    deadline = time.monotonic() + given.patience
    while not stay.complete:
        event = pbx.take(deadline - time.monotonic())
        if event is None:
            raise Unexpected(f"within {given.patience:g} seconds there was not a call, a 778 and a 777")
        stay.take(event)

    say(f"{given.guest} leaves. The bill:")
    for what, price in [*stay.calls, *stay.minibar]:
        say(f"  {what:<20} {price:>8}")
    say(f"  {'total':<20} {sum(price for _, price in [*stay.calls, *stay.minibar]):>8}")
    pbx.post("hotel/checkout", number=room)
    now = pbx.post("extension/query", number=room)["extinfos"][0]
    if now["username"] != room:
        raise Unexpected(f"room {room} is still named {now['username']}")
    say(f"Room {room} is free again.")


def wake_up(pbx: Client, given: argparse.Namespace) -> None:
    """Set a wake-up call, put it off, and have it rung, or deleted again."""
    room: str = given.room
    alarm = {"time": given.wakeup, "type": "onetime"}
    pbx.post("wakeupcall/create", number=room, wakeup=[{**alarm, "repeats": "1", "repeatinterval": "5"}])
    for one in wake_up_calls(pbx, room):
        pbx.post("wakeupcall/update", number=room, wakeupid=one, wakeup={**alarm, "time": given.later})
    (one,) = wake_up_calls(pbx, room)
    if given.woken:
        pbx.wait("NewCdr", seconds=given.patience, callto=room)
        if wake_up_calls(pbx, room):
            raise Unexpected(f"room {room} was rung and is to be woken still")
        say(f"The guest of room {room} is awake.")
    else:
        pbx.post("wakeupcall/delete", number=room, wakeupid=one)
        say("The guest would rather sleep: the wake-up call is deleted.")


def wake_up_calls(pbx: Client, room: str) -> list[str]:
    """The ids of a room's wake-up calls, each shown. Without any the answer lacks the key."""
    found = [
        one
        for rooms in pbx.post("wakeupcall/query", number=room).get("wakeups", [])
        for one in rooms["wakeup"]
    ]
    for one in found:
        say(f"Room {room} is woken at {one['time']}.")
    return [one["wakeupid"] for one in found]


def command_line() -> argparse.ArgumentParser:
    """What can be said about the hotel."""
    line = options("A hotel's front desk: check-in, charges, minibar, room state, check-out.")
    line.add_argument("--room", default="2003", help="extension of the room")
    line.add_argument("--guest", default="Ada Lovelace")
    line.add_argument("--route", default="", help="outbound route that the guest may use")
    line.add_argument("--per-minute", default="0.20", help="price of a minute")
    line.add_argument("--price", nargs="*", default=["123456789=4.50"], help="PRODUCT=PRICE of the minibar")
    line.add_argument("--wakeup", default="06:45", help="when the guest wants to be woken")
    line.add_argument("--later", default="07:45", help="when the guest wants to be woken after all")
    line.add_argument("--woken", action="store_true", help="wait for it; else it is deleted")
    return line


if __name__ == "__main__":
    sys.exit(run(hotel, command_line()))
