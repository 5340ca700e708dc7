"""What calls cost that wait for an application's word, and how soon many words at once are heard.

PYTHONPATH=src:. python -m bench.deciding [calls]
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter

from tests.support.crowd import Crowd
from tests.support.pbx import Receiver, free_range
from tests.support.phone import eventually
from tests.support.process import up_process

from bench.__main__ import cpu_seconds

CALLS = 400
WINDOW = 3.0

DECLARED = """
trunks:
- {{trunkname: siptrunk, trunktype: peer, host: 127.0.0.2, domain: 127.0.0.2, port: {port}, {asking}: on}}
inroutes:
- {{name: in, trunks: siptrunk, desttype: hangup}}
"""


async def measure(asking: str, event: str, calls: int) -> None:
    """Let so many calls wait, and print what they cost the engine and us."""
    async with up_process() as up:
        up.rtp = free_range(2 * calls + 40)
        await up.start()
        client, receiver = await up.client(), Receiver()
        await receiver.start()
        await client.login(version="2.0.0", port=str(receiver.port))
        async with Crowd(("127.0.0.1", up.sip_port)) as crowd:
            declared = up.data / "declared.yaml"
            declared.write_text(DECLARED.format(port=crowd.port, asking=asking))
            status, output = await up.command("apply", str(declared))
            if status:
                raise SystemExit(output)
            await asyncio.sleep(2)
            rest = cpu_seconds(up.engine_pid), cpu_seconds(up.pid)
            await asyncio.sleep(WINDOW)
            rest = cpu_seconds(up.engine_pid) - rest[0], cpu_seconds(up.pid) - rest[1]
            begin = time.perf_counter()
            await crowd.call("5503301", [str(10_000 + one) for one in range(calls)], rate=250)
            await eventually(lambda: len(receiver.named(event)) == calls, f"{event} of every call", 20)
            print(f"{event} of {calls} calls is told within {time.perf_counter() - begin:.1f} s")
            begin = time.perf_counter()
            before = cpu_seconds(up.engine_pid), cpu_seconds(up.pid)
            await asyncio.sleep(WINDOW)
            seconds = time.perf_counter() - begin
            engine, ours = cpu_seconds(up.engine_pid) - before[0], cpu_seconds(up.pid) - before[1]
            waiting = sum(not caller.ended for caller in crowd.callers.values())
            print(
                f"{event}: {waiting} calls wait: engine {100 * engine / seconds:.1f} % of a core "
                f"(at rest {100 * rest[0] / WINDOW:.1f} %), "
                f"control plane {100 * ours / seconds:.1f} % (at rest {100 * rest[1] / WINDOW:.1f} %)"
            )
            if event == "Invite":
                channels = [one["members"][0]["inbound"]["channelid"] for one in receiver.named("Invite")]
                begin = time.perf_counter()
                answers = await asyncio.gather(
                    *(client.post("call/refuse_inbound", {"channelid": one}) for one in channels)
                )
                taken = time.perf_counter() - begin
                counts = Counter(str(answer.get("errno", answer["status"])) for answer in answers)
                print(f"{calls} words at once: {dict(counts)}, all answered in {taken:.2f} s")
        await client.close()
        await receiver.close()


async def main(calls: int) -> None:
    """Both questions."""
    await measure("control_answering", "Invite", calls)
    await measure("control_destination", "Incoming", calls)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else CALLS))
