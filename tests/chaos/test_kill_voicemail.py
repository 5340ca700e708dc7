"""The control plane killed while a caller speaks, or before the mail: no message is lost or comes twice."""

from __future__ import annotations

from tests.support.mailserver import running_mail_server
from tests.support.pbx import STRONG
from tests.support.phone import Phone, eventually
from tests.support.process import up_process
from tests.support.voicemail import folder, leave, recorded, speak, tone_of

DECLARED = """\
extensions:
- {number: 1000, username: Ann, registername: 1000, registerpassword: %(password)s}
- number: 1001
  username: Bob
  registername: 1001
  registerpassword: %(password)s
  enablevmtoemail: on
  email: bob@example.com
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
