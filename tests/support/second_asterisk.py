"""A second Asterisk that plays the provider: a process of its own with a hand-written configuration.

    outside phone ── SIP ──► second Asterisk ── trunk ──► the PBX under test ──► its extensions

    async with SecondAsterisk(pbx.registrar) as provider:
        caller = await provider.phone("5551000")
        call = await caller.call("5503301")          # what the phone dials goes over the trunk

It is nothing of offhook's but the engine's program, so what the two agree on is SIP and not our own mistake.
What it is called for by the PBX (`from-pbx`): 600 echoes, 70<Hz> plays a tone, 486…, 503…, 404… refuse with
that status, 180… rings, the number of one of its phones rings there.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import datetime
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from offhook.asterisk.fetch import obtain_engine
from offhook.web.tls import ensure_certificate
from tests.support.pbx import free_port, free_range
from tests.support.phone import Phone

PASSWORD = "Pajsjx9183"
"""Of every account: the phones' own, `acct` for a register trunk, `gateway` for an account trunk."""

PHONES = ("5551000", "5551001", "99887766")
ACCOUNT = "acct"
GATEWAY = "gateway"
FAX = "5559999"

_MODULES = """
res_sorcery_config res_sorcery_astdb res_sorcery_memory pbx_config res_crypto res_pjproject res_pjsip
res_pjsip_session res_pjsip_pubsub res_pjsip_authenticator_digest res_pjsip_outbound_authenticator_digest
res_pjsip_outbound_registration res_pjsip_registrar res_pjsip_endpoint_identifier_ip
res_pjsip_endpoint_identifier_user res_pjsip_caller_id res_pjsip_nat res_pjsip_sdp_rtp res_pjsip_t38
res_pjsip_rfc3326 res_pjsip_dtmf_info res_pjsip_header_funcs res_rtp_asterisk res_srtp chan_pjsip
bridge_simple bridge_native_rtp codec_alaw codec_ulaw codec_a_mu format_pcm format_sln format_wav
res_timing_timerfd app_dial app_stack app_echo app_playtones app_verbose func_callerid func_channel
func_logic func_strings res_clioriginate res_fax res_fax_spandsp
"""

_DIALPLAN = """\
[globals]
LINE=pbx
[from-phone]
exten => _[+0-9a-zA-Z]!,1,NoOp()
 same => n,Dial(PJSIP/${IF($["${LINE}" = "account"]?%(account)s:${EXTEN}@${LINE})},60)
 same => n,Hangup(${HANGUPCAUSE})
[from-pbx]
exten => 600,1,Answer()
 same => n,Echo()
exten => _70XXXX,1,Answer()
 same => n,PlayTones(${EXTEN:2})
 same => n,WaitExten(60)
exten => _486!,1,Hangup(17)
exten => _503!,1,Hangup(34)
exten => _404!,1,Hangup(1)
exten => _180!,1,Ringing()
 same => n,WaitExten(60)
exten => _00X!,1,Goto(${EXTEN:2},1)
exten => _[+0-9a-zA-Z]!,1,Set(__ENDPOINT=${CHANNEL(endpoint)})
 same => n,Set(__FROM=${PJSIP_HEADER(read,From)})
 same => n,Set(__URI=${CHANNEL(pjsip,request_uri)})
 same => n,Set(__VIA=${PJSIP_HEADER(read,Via)})
 same => n,Dial(${PJSIP_DIAL_CONTACTS(phone-${FILTER(0-9,${EXTEN})})},60,b(told^s^1))
 same => n,Hangup(${HANGUPCAUSE})
; what the PBX has sent is shown to the phone
[told]
exten => s,1,Set(PJSIP_HEADER(add,X-From)=${FROM})
 same => n,Set(PJSIP_HEADER(add,X-Uri)=${URI})
 same => n,Set(PJSIP_HEADER(add,X-Via)=${VIA})
 same => n,Set(PJSIP_HEADER(add,X-Endpoint)=${ENDPOINT})
 same => n,Return()
"""


class SecondAsterisk:
    """The provider. `registers` has it register at the PBX, as the far end of an account trunk does."""

    def __init__(
        self,
        pbx: tuple[str, int],
        *,
        address: str = "127.0.0.5",
        port: int = 0,
        transport: str = "udp",
        pbx_port: int = 0,
        registers: bool = False,
    ) -> None:
        self.pbx = pbx
        self.address = address
        self.port = port or free_port(socket.SOCK_DGRAM, address)
        self.tls_port = free_port(address=address)
        self.transport = transport
        self.registers = registers
        self.pbx_port = pbx_port or pbx[1]
        self.folder = Path(tempfile.mkdtemp(prefix="provider-"))
        self._tree = obtain_engine()
        self._process: asyncio.subprocess.Process | None = None
        self._phones = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._phones.aclose()
        await self.kill()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    # -- its life ---------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start it and wait until it takes calls."""
        await asyncio.to_thread(self._write)
        with (self.folder / "console").open("ab") as console:
            self._process = await asyncio.create_subprocess_exec(
                *self._tree.command("usr/sbin/asterisk"),
                "-f",
                "-C",
                str(self.folder / "asterisk.conf"),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                cwd=self.folder,
                preexec_fn=_die_with_us,
            )
        booted = False
        async with asyncio.timeout(40):
            while not booted:
                booted = "fully booted" in await self.command("core waitfullybooted")
                if self._process.returncode is not None:
                    raise AssertionError((self.folder / "console").read_text()[-2000:])

    async def kill(self) -> None:
        """Let it die without a word to anybody."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def restart(self) -> None:
        """Die and come back; who had registered here is forgotten."""
        await self.kill()
        for name in ("astdb.sqlite3", "asterisk.ctl", "asterisk.pid"):
            (self.folder / name).unlink(missing_ok=True)
        await self.start()

    def freeze(self) -> None:
        """Stop it as a host that hangs: its ports stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise AssertionError("it does not run")
        os.kill(self._process.pid, number)

    async def command(self, text: str) -> str:
        """One command on its console; returns what it says."""
        process = await asyncio.create_subprocess_exec(
            *self._tree.command("usr/sbin/asterisk"),
            "-C",
            str(self.folder / "asterisk.conf"),
            "-rx",
            text,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return output.decode("utf-8", "replace")

    # -- what it does -----------------------------------------------------------------------------------

    async def phone(self, number: str = PHONES[0], *, frequency: int = 900, **options: Any) -> Phone:
        """A scripted phone in the outside world, registered here until the end."""
        phone = await self._phones.enter_async_context(
            Phone(
                number,
                PASSWORD,
                (self.address, self.port),
                username=f"phone-{number}",
                frequency=frequency,
                address=self.address,
                **options,
            )
        )
        if (status := await phone.register()) != 200:
            raise AssertionError(f"{number} cannot register at the provider: {status}")
        return phone

    async def unplug(self) -> None:
        """Unregister its phones, so that a next test begins without any."""
        await self._phones.aclose()
        self._phones = contextlib.AsyncExitStack()

    async def line(self, name: str) -> None:
        """How calls reach the PBX: `pbx` (its address), `acct` (dialled at the contact that the PBX has
        registered), `account` (that contact as it is) or `gateway` (with our login there)."""
        await self.command(f"dialplan set global LINE {name}")

    async def contact(self, name: str = ACCOUNT) -> str:
        """Where `name` is registered from; empty when it is not."""
        told = await self.command(f"pjsip show aor {name}")
        return next((line.split()[1] for line in told.splitlines() if f"{name}/sip" in line), "")

    async def unregistered(self, name: str = ACCOUNT, seconds: float = 5.0) -> None:
        """Wait until `name` is registered no more."""
        deadline = asyncio.get_running_loop().time() + seconds
        while contact := await self.contact(name):
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(f"in {seconds:g} s {contact} was not unregistered")
            await asyncio.sleep(0.1)

    async def registered(self, name: str = ACCOUNT, seconds: float = 15.0) -> str:
        """Wait until somebody has registered as `name`; returns the contact."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not (contact := await self.contact(name)):
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(f"in {seconds:g} s nobody registered as {name}")
            await asyncio.sleep(0.1)
        return contact

    async def send_fax(self, number: str, document: Path, *, t38: bool = True) -> None:
        """Begin to send a fax to the PBX."""
        endpoint = "fax" if t38 else "fax-audio"
        await self.command(f"channel originate PJSIP/{number}@{endpoint} application SendFAX {document},f")

    async def quiet(self) -> None:
        """Wait until no call is up here."""

        async def count() -> int:
            return int((await self.command("core show channels count")).split()[0])

        deadline = asyncio.get_running_loop().time() + 10
        while await count():
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(await self.command("core show channels"))
            await asyncio.sleep(0.1)

    # -- its configuration ------------------------------------------------------------------------------

    def _write(self) -> None:
        folder, tree = self.folder, self._tree
        names = ("etc", "varlib", "db", "key", "agi", "spool", "run", "log")
        directories = "".join(f"ast{name}dir => {folder}\n" for name in names)
        low, high = free_range(300)
        files = {
            "asterisk.conf": f"[directories]\n{directories}astmoddir => {tree.modules}\n"
            f"astdatadir => {tree.data}\n",
            "modules.conf": "[modules]\nautoload=no\n"
            + "".join(f"load={name}.so\n" for name in _MODULES.split()),
            "logger.conf": "[logfiles]\nmessages => notice,warning,error\n",
            "rtp.conf": f"[general]\nrtpstart={low}\nrtpend={high}\n",
            "udptl.conf": f"[general]\nudptlstart={low}\nudptlend={high}\n",
            "cdr.conf": "[general]\nenable=no\n",
            "extensions.conf": _DIALPLAN % {"account": ACCOUNT},
            "pjsip.conf": self._pjsip(),
        }
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")

    def _pjsip(self) -> str:
        certificate, key = ensure_certificate(self.folder, datetime.datetime.now(datetime.UTC))
        host, _ = self.pbx
        suffix = "" if self.transport == "udp" else f"\\;transport={self.transport}"
        pbx = f"sip:{host}:{self.pbx_port}{suffix}"
        media = "allow=!all,ulaw,alaw\ncontext=from-pbx\nt38_udptl=yes\nt38_udptl_ec=redundancy\n"
        text = f"""\
[global]
type=global
user_agent=provider
endpoint_identifier_order=username,ip
[udp]
type=transport
protocol=udp
bind={self.address}:{self.port}
[tcp]
type=transport
protocol=tcp
bind={self.address}:{self.port}
[tls]
type=transport
protocol=tls
bind={self.address}:{self.tls_port}
cert_file={certificate}
priv_key_file={key}
method=tlsv1_2
[pbx]
type=endpoint
aors=pbx
{media}[pbx]
type=aor
contact={pbx}
[pbx]
type=identify
endpoint=pbx
match={host}
[fax]
type=endpoint
aors=pbx
from_user={FAX}
{media}[fax-audio]
type=endpoint
aors=pbx
from_user={FAX}
context=from-pbx
allow=!all,ulaw
t38_udptl=no
[{GATEWAY}]
type=endpoint
aors=pbx
outbound_auth={GATEWAY}-login
{media}"""
        text += self._login(f"{GATEWAY}-login", GATEWAY)
        text += self._account(ACCOUNT, media)
        for number in PHONES:
            # not by the number: the PBX may well show it as the caller of what it sends on
            text += self._account(
                f"phone-{number}", f"context=from-phone\nallow=!all,ulaw\ncallerid={number}\n"
            )
        if self.registers:
            text += f"""\
[{GATEWAY}-registration]
type=registration
server_uri={pbx}
client_uri=sip:{GATEWAY}@{host}:{self.pbx_port}
contact_user={GATEWAY}
outbound_auth={GATEWAY}-login
retry_interval=1
expiration=60
"""
        return text

    def _login(self, section: str, name: str) -> str:
        return f"[{section}]\ntype=auth\nauth_type=userpass\nusername={name}\npassword={PASSWORD}\n"

    def _account(self, name: str, options: str) -> str:
        aor = f"[{name}]\ntype=aor\nmax_contacts=1\nremove_existing=yes\n"
        endpoint = f"[{name}]\ntype=endpoint\naors={name}\nauth={name}\n{options}"
        return endpoint + aor + self._login(name, name)


def _die_with_us() -> None:
    """Have the kernel end the process when the tests' own one ends, however it does: see prctl(2)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
