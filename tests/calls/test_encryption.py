"""TLS of today only, and audio that is encrypted or not there at all."""

from __future__ import annotations

import asyncio
import datetime
import shutil
import socket
import ssl
import time
import warnings
from pathlib import Path

import pytest

from offhook.web.tls import ensure_certificate
from tests.support.pbx import STRONG, TestPbx, steps
from tests.support.phone import eventually
from tests.support.srtp import SrtpPhone, SrtpPort
from tests.support.useragents import baresip

pytestmark = pytest.mark.asyncio(loop_scope="session")


def handshake(port: int, version: ssl.TLSVersion, ciphers: str) -> str:
    """The cipher that is agreed on, or nothing. The client itself would take the weakest."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = client.maximum_version = version
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            client.wrap_socket(plain) as secured,
        ):
            return (secured.cipher() or ("",))[0]
    except ssl.SSLError:
        return ""


@pytest.mark.parametrize(
    ("version", "ciphers", "taken"),
    [
        (ssl.TLSVersion.TLSv1_2, "DEFAULT", True),
        (ssl.TLSVersion.TLSv1, "ALL", False),
        (ssl.TLSVersion.TLSv1_1, "ALL", False),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA", False),
        (ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256:AES128-SHA", False),
        (ssl.TLSVersion.TLSv1_2, "eNULL", False),
        (ssl.TLSVersion.TLSv1_2, "aNULL", False),
    ],
)
async def test_only_tls_of_today_is_taken(
    pbx: TestPbx, version: ssl.TLSVersion, ciphers: str, taken: bool
) -> None:
    agreed = await asyncio.to_thread(handshake, pbx.settings.tls_port, version, ciphers)
    assert bool(agreed) is taken, agreed
    assert not taken or "GCM" in agreed


async def test_a_phone_that_insists_on_srtp_calls_and_is_called(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    await pbx.apply("sip: {srtponly: 1001}")
    plain = await pbx.phone("1000", frequency=440)
    async with SrtpPhone("1001", STRONG, pbx.registrar, frequency=1000) as secret:
        await secret.register()
        secret.auto_answer = True
        call = await plain.call("1001")
        await call.answered()
        await call.hears(1000)
        (taken,) = secret.calls
        await taken.hears(440)
        assert isinstance(taken.rtp, SrtpPort)
        assert taken.rtp.plain == 0
        await call.hangup()
        await taken.over()
        plain.auto_answer = True
        back = await secret.call("1000")
        await back.answered()
        await back.hears(440)
        assert isinstance(back.rtp, SrtpPort)
        assert back.rtp.plain == 0


async def test_where_srtp_is_insisted_on_nothing_else_is_taken(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    await pbx.apply("sip: {srtponly: all}")
    phone = await pbx.phone("1000")
    await pbx.phone("1001")
    call = await phone.call("1001")
    assert await call.refused() == 488


async def test_without_it_srtp_is_taken_where_it_is_offered(pbx: TestPbx) -> None:
    await pbx.extension("1000")
    await pbx.extension("1001")
    other = await pbx.phone("1001", frequency=440)
    other.auto_answer = True
    async with SrtpPhone("1000", STRONG, pbx.registrar, frequency=1000) as secret:
        await secret.register()
        call = await secret.call("1001")
        await call.answered()
        await call.hears(440)
        assert isinstance(call.rtp, SrtpPort)
        assert call.rtp.plain == 0
        await other.calls[0].hears(1000)


def shown(port: int) -> bytes | None:
    """The certificate that a client is shown."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        client.wrap_socket(plain) as secured,
    ):
        return secured.getpeercert(True)


def renewed(port: int, old: bytes | None) -> None:
    """Wait until a port shows another certificate; it may be closed for a moment, and no longer."""
    closed, until = 0.0, time.monotonic() + 15
    while time.monotonic() < until:
        try:
            if shown(port) != old:
                return
            closed = 0.0
        except ConnectionRefusedError:
            closed = closed or time.monotonic()
            assert time.monotonic() - closed < 1.0
        time.sleep(0.02)
    raise AssertionError("it stays the old one")


async def test_a_new_certificate_is_in_use_and_calls_go_on(pbx: TestPbx, tmp_path: Path) -> None:
    """On a connection of TLS that is there already, too."""
    await pbx.extension("1000")
    await pbx.extension("1001")
    settings = pbx.settings
    account = (
        f"<sip:1001@127.0.0.1:{settings.tls_port};transport=tls>;auth_pass={STRONG};answermode=auto;"
        "regint=60;mediaenc=srtp"
    )
    phone = await pbx.phone("1000")
    old = await asyncio.to_thread(shown, settings.tls_port)
    ports = (settings.tls_port, settings.http_port)
    async with baresip(tmp_path, [account]):
        await eventually(lambda: "1001 Registered" in steps(pbx.receiver.events), "it registers", 20)
        call = await phone.call("1001")
        await call.answered()
        for made in ensure_certificate(tmp_path / "new", datetime.datetime.now(datetime.UTC)):
            shutil.copy(made, settings.data / "tls")
        for port in ports:
            await asyncio.to_thread(renewed, port, old)
        assert not pbx.receiver.named("NewCdr"), "the call goes on"
        await call.hangup()
        await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
        assert pbx.receiver.named("NewCdr")[0]["status"] == "ANSWERED"
        again = await phone.call("1001")
        await again.answered()
        await again.hangup()
    assert await asyncio.to_thread(shown, ports[0]) == await asyncio.to_thread(shown, ports[1])
