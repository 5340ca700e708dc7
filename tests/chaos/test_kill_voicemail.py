"""Killed while a caller speaks, or before the mail: nothing is lost or comes twice, and the box works on."""

from __future__ import annotations

import os
import signal

from tests.support.mailserver import running_mail_server
from tests.support.pbx import STRONG, Receiver
from tests.support.phone import Phone, eventually
from tests.support.process import UpProcess, up_process
from tests.support.voicemail import folder, lamp_shows, leave, recorded, speak, tone_of

DECLARED = """\
extensions:
- {number: 1000, username: Ann, registername: 1000, registerpassword: %(password)s}
- number: 1001
  username: Bob
  registername: 1001
  registerpassword: %(password)s
  enablevmtoemail: on
  email: bob@example.com
- {number: 1002, username: Carl, registername: 1002, registerpassword: %(password)s}
mailboxes: [{extension: 1001, deletemailed: on}]
mail: {host: 127.0.0.1, port: %(port)d, security: none, fromaddress: pbx@example.com}
"""


async def test_killing_the_control_plane_loses_and_doubles_no_message() -> None:
    async with running_mail_server() as server, up_process() as up:
        await up.start()
        status, output = await up.command(
            "apply", "-", stdin=DECLARED % {"password": STRONG, "port": server.port}
        )
        assert status == 0, output
        async with Phone("1000", STRONG, ("127.0.0.1", up.sip_port), frequency=910) as phone:
            assert await phone.register() == 200
            call = await phone.call("#1001")
            await speak(up.data, call, "1001", 1.0)
            await up.kill()
            before = recorded(up.data, "1001")
            await eventually(lambda: recorded(up.data, "1001") > before + 1, "the recording goes on")
            await call.hangup()
            inbox = folder(up.data, "1001")
            await eventually(lambda: (inbox / "msg0000.txt").exists(), "the message lies in the box")
            await leave(up.data, phone, "1001")
            await up.start()
            await server.mail(2, 20)
            await eventually(lambda: not list(inbox.glob("msg*")), "what was mailed is deleted", 20)
            # between the message and its mail
            await leave(up.data, phone, "1001")
            await up.kill()
            await up.start()
            await eventually(lambda: not list(inbox.glob("msg*")), "what was mailed is deleted", 20)
            assert [tone_of(mail.attachments[0][2]) for mail in server.received] == [910, 910, 910]
            assert len({mail.message["Message-ID"] for mail in server.received}) == 3
            await _kill_the_engine_while_one_speaks(up, phone)


async def _kill_the_engine_while_one_speaks(up: UpProcess, caller: Phone) -> None:
    """What was left before is there, the broken message is whole or no message, and the next one is taken."""
    receiver, client = Receiver(), await up.client()
    await receiver.start()
    inbox = folder(up.data, "1002")

    async def names() -> list[str]:
        answer = await client.ok("voicemail/query", {"number": "1002"})
        return [one["voicemailfile"] for box in answer["voicemails"] for one in box["voicemail"]]

    async with Phone("1002", STRONG, ("127.0.0.1", up.sip_port)) as owner:
        await client.login(version="2.0.0", port=str(receiver.port))
        await leave(up.data, caller, "1002", 1.0)
        before = (inbox / "msg0000.wav").read_bytes()
        await speak(up.data, await caller.call("#1002"), "1002", 0.5)
        os.kill(up.engine_pid, signal.SIGKILL)
        caller.forget_calls()
        await eventually(lambda: receiver.named("BootUp"), "the engine runs again", 30)
        await client.login(version="2.0.0", port=str(receiver.port))
        assert await caller.register() == 200
        assert await owner.register() == 200
        left = await names()
        assert left in (["msg0000.wav"], ["msg0000.wav", "msg0001.wav"])
        assert (inbox / "msg0000.wav").read_bytes() == before
        await lamp_shows(owner, len(left), 0)
        assert not list(folder(up.data, "1002", "tmp").iterdir()), "nothing is left of the broken one"
        await leave(up.data, caller, "1002", 1.0)
        await lamp_shows(owner, len(left) + 1, 0)
        assert len(await names()) == len(left) + 1
        assert len(list(inbox.glob("msg*.txt"))) == len(list(inbox.glob("msg*.wav"))) == len(left) + 1
    await client.close()
    await receiver.close()
