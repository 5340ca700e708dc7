"""What offhook is connected to goes away: the engine's AMI, a receiver, a carrier."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial

from tests.support.carrier import Carrier
from tests.support.pbx import STRONG
from tests.support.phone import Phone, eventually

from chaos.house import House, TimedReceiver, hang_up, until
from chaos.outcome import Outcome
from chaos.proxy import Proxy
from chaos.trial import Trial, again_and_again, trial

OUTSIDER = "29999"

AmiFault = Callable[[Trial, Proxy], Awaitable[None]]


@contextlib.asynccontextmanager
async def ami_proxy(at: House) -> AsyncIterator[Proxy]:
    """Lead offhook's link to the engine through a proxy: a control plane that starts takes the port from
    the file that its forerunner has left."""
    state = at.up.seen / "run/engine.json"
    known = json.loads(state.read_text())
    async with Proxy(known["ami_port"]) as proxy:
        await at.up.kill()
        state.write_text(json.dumps({**known, "ami_port": proxy.port}))
        await at.up.start()
        yield proxy


async def ami_cut(chance: random.Random, times: int = 20, rate: float = 20.0) -> Outcome:
    """The AMI is cut and refuses new connections for a while; calls go on, the API says 30002."""
    return await _ami("AMI cut", chance, times, rate, cut)


async def cut(one: Trial, proxy: Proxy) -> None:
    """Cut the AMI once."""
    proxy.closed = True
    proxy.cut()
    await asyncio.sleep(one.chance.uniform(0.1, 3.0))
    proxy.closed = False


async def ami_slow(chance: random.Random, times: int = 3, rate: float = 20.0, delay: float = 5.0) -> Outcome:
    """All that goes over the AMI comes 5 s later, for some time."""
    return await _ami(f"AMI delayed {delay:g} s", chance, times, rate, partial(slow, delay))


async def slow(delay: float, _one: Trial, proxy: Proxy) -> None:
    """Delay what goes over the AMI by so much, three times as long."""
    proxy.delay = delay
    await asyncio.sleep(3 * delay)
    proxy.delay = 0.0


async def ami_torn(chance: random.Random, times: int = 20, rate: float = 20.0) -> Outcome:
    """What the engine sends ends in the middle of a line, again and again."""
    return await _ami("AMI half-written", chance, times, rate, tear)


async def tear(one: Trial, proxy: Proxy) -> None:
    """Have each connection of the AMI end within its first piece."""
    proxy.torn = True
    await asyncio.sleep(one.chance.uniform(0.5, 3.0))
    proxy.torn = False


async def _ami(name: str, chance: random.Random, times: int, rate: float, fault: AmiFault) -> Outcome:
    async with trial(name, chance, rate=rate) as one:
        await on_ami(one, [fault] * times)
    return one.outcome


async def on_ami(one: Trial, faults: Sequence[AmiFault]) -> None:
    """Do these to the AMI, one after the other; at the end all calls have ended."""
    async with contextlib.AsyncExitStack() as stack:
        with one.house.outage():
            proxy = await stack.enter_async_context(ami_proxy(one.house))
        for fault in faults:
            await asyncio.sleep(one.chance.uniform(0.5, 2.0))
            async with one.fault():
                await fault(one, proxy)
                one.mended()
                await one.load.dials_again()
        await one.finish()  # as long as the proxy is there


async def receiver_away(
    chance: random.Random, times: int = 1, rate: float = 20.0, seconds: float = 600.0
) -> Outcome:
    """The receiver refuses connections under load; when it is back it gets every record it has missed."""
    return await again_and_again(
        f"receiver away {seconds:g} s", chance, times, rate, partial(leave, seconds=seconds)
    )


async def leave(one: Trial, seconds: float) -> None:
    """Have the receiver refuse connections for so long."""
    receiver = one.house.receiver
    async with one.fault():
        await receiver.close()
        await asyncio.sleep(seconds)
        missed = await one.house.recorded() - _told(receiver)
        await receiver.start(receiver.port)
        one.mended()
        await until(partial(_has_heard, receiver, missed), "what was missed is told", 300)
        # live events wait behind that, or are lost where they are too many
        await until(partial(_keeps_up, one), "the receiver gets what is told now", 120)
    one.outcome.notes.append(f"{len(missed)} records told after the receiver was back")


async def _keeps_up(one: Trial) -> bool:
    stored = await one.house.recorded()
    await asyncio.sleep(1.0)
    return stored <= _told(one.house.receiver)


async def _has_heard(receiver: TimedReceiver, callids: set[str]) -> bool:
    return callids <= _told(receiver)


def _told(receiver: TimedReceiver) -> set[str]:
    return {event["callid"] for event in receiver.named("NewCdr")}


async def trunk_dead(
    chance: random.Random, times: int = 3, rate: float = 20.0, seconds: float = 15.0
) -> Outcome:
    """The carrier answers nothing at all; calls within go on, calls out are refused, until it is back."""
    async with (
        trial("trunk dead", chance, rate=rate) as one,
        Carrier(("127.0.0.1", one.house.up.sip_port)) as carrier,
    ):
        carrier.auto_answer, carrier.audio = True, False
        phone = await _outside_caller(one.house, carrier)
        for _ in range(times):
            await _calls_out(phone)
            async with one.fault():
                carrier.silent = True
                carrier.forget_calls()
                await _is_refused(one, phone, seconds)
                carrier.silent = False
                one.mended()
                await until(lambda: _calls_out(phone), "calls go out again", 40, 0.5)
    return one.outcome


async def _outside_caller(at: House, carrier: Carrier) -> Phone:
    trunk = {"trunkname": "dead", "trunktype": "peer", "host": carrier.address, "domain": carrier.address}
    await at.client.ok("trunk/add_siptrunk", {**trunk, "port": str(carrier.port)})
    body = {"number": OUTSIDER, "username": "Out", "registername": OUTSIDER, "registerpassword": STRONG}
    await at.client.ok("extension/add", body)
    route = {"name": "out", "prefix": "9X.", "strip": "1", "trunks": "dead", "extensions": OUTSIDER}
    await at.client.ok("outroute/add", route)
    phone = await at.phone(OUTSIDER, audio=False)
    await until(lambda: _calls_out(phone), "the carrier can be called", 40, 0.5)
    return phone


async def _calls_out(phone: Phone) -> bool:
    call = await phone.call("95551234")
    await eventually(lambda: call.is_up or call.ended, "the carrier answers", 5)
    answered = call.is_up
    await hang_up(call)
    return answered


async def _is_refused(one: Trial, phone: Phone, seconds: float) -> None:
    """A call out must not wait for ever for a carrier that is silent."""
    begin = time.monotonic()
    call = await phone.call("95551234")
    await eventually(lambda: call.ended or call.is_up, "the call out is refused", 40)
    if call.is_up:
        one.outcome.broken.append("a dead carrier has answered")
    one.outcome.notes.append(f"a call to the dead carrier was refused after {time.monotonic() - begin:.0f} s")
    await asyncio.sleep(max(0.0, begin + seconds - time.monotonic()))
