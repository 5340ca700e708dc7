"""kill -9 while events are fetched and posted: feeds get each once, webhooks at least once."""

from __future__ import annotations

import asyncio
import random

import aiohttp
from aiohttp import web
from standardwebhooks.webhooks import Webhook

from offhook.areas.webhooks.signing import new_secret
from tests.support.pbx import STRONG, Client, free_port
from tests.support.phone import eventually
from tests.support.process import up_process

KILLS = 1
CHANGES = 40
NUMBERS = [str(number) for number in range(1000, 1010)]


class _Got:
    """What the two kinds of receivers have got: numbers in the journal."""

    def __init__(self, secret: str) -> None:
        self.by_feed: list[int] = []
        self.by_hook: dict[str, int] = {}
        self.again = 0
        self.last_id = ""
        self._hook = Webhook(secret)

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = self._hook.verify(await request.read(), headers)
        self.again += headers["webhook-id"] in self.by_hook
        self.by_hook.setdefault(headers["webhook-id"], int(body["id"]))
        return web.Response()

    async def follow(self, url: str, token: str) -> None:
        """Read the feed for ever, each time behind the last event."""
        async with aiohttp.ClientSession() as http:
            while True:
                headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": self.last_id}
                try:
                    async with http.get(url, headers=headers) as response:
                        name = ""
                        async for line in response.content:
                            name = line[7:].decode().strip() if line.startswith(b"event: ") else name
                            if line.startswith(b"id: "):
                                number = line[4:].decode().strip()
                            elif line == b"\n":
                                self.last_id = number
                                if name:
                                    self.by_feed.append(int(number))
                                name = ""
                except (aiohttp.ClientError, ConnectionError):
                    await asyncio.sleep(0.1)


async def _change(client: Client, dice: random.Random) -> int:
    """Change extensions until nobody answers; how many changes were acknowledged."""
    done = 0
    while done < CHANGES:
        try:
            answer = await client.post(
                "extension/update",
                {"number": dice.choice(NUMBERS), "username": f"User {dice.randrange(1 << 30)}"},
            )
        except (aiohttp.ClientError, ConnectionError):
            return done
        assert answer["status"] == "Success", answer
        done += 1
    return done


async def test_killed_while_events_are_on_their_way() -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    dice, secret, port = random.Random(seed), new_secret(), free_port()
    got = _Got(secret)
    runner = web.ServerRunner(web.Server(got.take, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    acknowledged = 0
    async with up_process() as up:
        await up.start()
        client = await up.client()
        await client.login()
        for number in NUMBERS:
            extension = {"number": number, "username": number, "registername": number}
            await client.ok("extension/add", {**extension, "registerpassword": STRONG})
        (first,) = await up.rows("select max(seq) from event_journal")
        got.last_id = str(first[0])
        document = f"webhooks: [{{name: crm, url: 'http://127.0.0.1:{port}/', secret: {secret}}}]"
        status, output = await up.command("apply", "-", stdin=document)
        assert status == 0, output
        url = f"http://127.0.0.1:{up.http_port}/api/events"
        reader = asyncio.create_task(got.follow(url, client.token))
        try:
            for _ in range(KILLS):
                work = asyncio.create_task(_change(client, dice))
                await asyncio.sleep(dice.uniform(0.1, 0.8))
                await up.kill()
                acknowledged += await work
                await up.start()
            acknowledged += await _change(client, dice)
            rows = await up.rows(f"select seq from event_journal where seq > {first[0]} order by seq")
            kept = [row[0] for row in rows]
            assert len(kept) >= acknowledged >= CHANGES
            await eventually(lambda: len(got.by_feed) >= len(kept), "the feed has all", 10)
            await eventually(lambda: len(got.by_hook) >= len(kept), "the webhook has all", 10)
            assert got.by_feed == kept
            assert list(got.by_hook.values()) == kept
            print(f"{acknowledged} acknowledged, {len(kept)} told, {got.again} posted twice")
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            await client.close()
            await runner.cleanup()
