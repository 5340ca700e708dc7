"""Addresses to which nobody is led through us, whatever they are called."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest

from offhook.events.addresses import Addresses, AddressRefused
from offhook.events.api import Target
from offhook.events.http_push import Outcome, Pusher, Try, judge
from tests.support.pbx import Receiver

FORBIDDEN = (
    "169.254.169.254",
    "169.254.1.1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "ff02::1",
    "100.100.100.200",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
)


class Names:
    """A resolver of our own that counts."""

    def __init__(self, **names: Sequence[str]) -> None:
        self.names = names
        self.asked: list[str] = []

    def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        if host not in self.names:
            raise OSError("no such name")
        return self.names[host]


async def pushed(pusher: Pusher, target: Target, seconds: float = 1.0) -> Try:
    """One request, and what became of it."""
    done: asyncio.Future[Try] = asyncio.get_running_loop().create_future()
    pusher.push(target, b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", seconds, done.set_result)
    return await done


@pytest.mark.parametrize("address", FORBIDDEN)
async def test_forbidden_by_number_and_by_name(address: str) -> None:
    addresses = Addresses([8088], Names(evil=[address]))
    assert addresses.refuses(address, 80)
    with pytest.raises(AddressRefused):
        await addresses.resolve("evil", 80)
    result = await pushed(Pusher(addresses), Target("http", "evil", 80, "/"))
    assert result.outcome is Outcome.FORBIDDEN


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"])
async def test_our_own_ports_are_no_receivers_and_others_of_this_machine_are(host: str) -> None:
    addresses = Addresses([8088], Names(localhost=["::1", "127.0.0.1"]))
    with pytest.raises(AddressRefused, match="our own port"):
        await addresses.resolve(host, 8088)
    assert addresses.refuses(host, 8088)
    assert await addresses.resolve(host, 8089)
    assert addresses.refuses(host, 8089) is None


async def test_of_many_addresses_only_possible_ones_are_tried() -> None:
    addresses = Addresses([], Names(mixed=["169.254.169.254", "192.0.2.1"]))
    assert await addresses.resolve("mixed", 80) == ["192.0.2.1"]


async def test_a_name_is_resolved_once_for_a_delivery_and_not_again_for_the_connection() -> None:
    """Else a name could be judged by one address, and lead to another."""
    names = Names(receiver=["127.0.0.1"])
    receiver = Receiver()
    await receiver.start()
    pusher = Pusher(Addresses([], names))
    target = Target("http", "receiver", receiver.port, "/")
    assert (await pushed(pusher, target)).outcome is Outcome.OK
    assert names.asked == ["receiver"]
    names.names = {"receiver": ["169.254.169.254"]}
    pusher._addresses._fresh.clear()
    assert (await pushed(pusher, target)).outcome is Outcome.FORBIDDEN
    await receiver.close()


async def test_the_next_address_is_tried_when_nobody_is_at_the_first() -> None:
    receiver = Receiver()
    await receiver.start()
    pusher = Pusher(Addresses([], Names(two=["::1", "127.0.0.1"])))
    assert (await pushed(pusher, Target("http", "two", receiver.port, "/"))).outcome is Outcome.OK
    await receiver.close()


async def test_names_that_nobody_answers_for_hold_up_no_others() -> None:
    enough = threading.Event()

    def lookup(host: str) -> Sequence[str]:
        if host != "good":
            enough.wait(10)
        return ["127.0.0.1"]

    addresses = Addresses([], lookup)
    stuck = [asyncio.create_task(addresses.resolve(f"slow{at % 10}", 80)) for at in range(200)]
    await asyncio.sleep(0)
    began = time.monotonic()
    assert await addresses.resolve("good", 80) == ["127.0.0.1"]
    assert time.monotonic() - began < 2
    enough.set()
    await asyncio.gather(*stuck)
    addresses.close()


@pytest.mark.parametrize("host", ["no-such", "a" * 70 + ".example", "xn--" + "-" * 60])
async def test_a_name_that_has_no_address(host: str) -> None:
    result = await pushed(Pusher(Addresses()), Target("http", f"{host}.invalid", 80, "/"))
    assert result.outcome is Outcome.UNREACHABLE


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"HTTP/1.1 200 OK\r\n", Outcome.OK),
        (b"HTTP/1.0 204\r\n", Outcome.OK),
        (b"http/1.1 200", Outcome.OK),
        (b"HTTP/1.1 404 No\r\n", Outcome.REFUSED),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n", Outcome.FAILED),
        (b"HTTP/1.1 500 No\r\n", Outcome.FAILED),
        (b"HTTP/1.1 20 OK\r\n", Outcome.FAILED),
        (b"HTTP/1.1 \xb2\xb0\xb0 OK\r\n", Outcome.FAILED),
        (b"HTTP/1.1\r\n", Outcome.TAKEN),
        (b"", Outcome.TAKEN),
        (b"\x00\xff" * 3000, Outcome.TAKEN),
    ],
)
def test_what_an_answer_means(answer: bytes, outcome: Outcome) -> None:
    assert judge(answer).outcome is outcome
