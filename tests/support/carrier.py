"""A scripted SIP carrier: the provider at the other end of a trunk, on a loopback address of its own.

It takes the registrations of the PBX, is called by it and calls it; what it sends as From is up to the test.
"""

from __future__ import annotations

import hashlib
import re
import secrets

from tests.support.phone import Call, Phone, eventually
from tests.support.sip import SipMessage, uri_of

REALM = "carrier"


class Carrier(Phone):
    """A carrier. `accounts` are the user names and passwords that may register; `silent` drops everything."""

    def __init__(
        self,
        registrar: tuple[str, int],
        *,
        address: str = "127.0.0.2",
        frequency: int = 900,
        accounts: dict[str, str] | None = None,
        username: str = "carrier",
        password: str = "",
    ) -> None:
        super().__init__(
            username, password, registrar, username=username, frequency=frequency, address=address
        )
        self.accounts = accounts or {}
        self.registrations: dict[str, str] = {}
        self.requests: list[SipMessage] = []
        self.silent = False
        self.refusing = 0

    async def has_registration(self, username: str) -> str:
        """Wait until the PBX has registered; returns its contact."""
        await eventually(lambda: username in self.registrations, f"{username} registers at the carrier", 15)
        return self.registrations[username]

    async def call_in(
        self,
        did: str,
        caller: str = "12345678",
        *,
        to: str | None = None,
        shown: str | None = None,
        headers: list[tuple[str, str]] | None = None,
    ) -> Call:
        """Call the PBX: `did` stands in the request URI, and in To unless `to` does; `shown` is From."""
        call = Call(self, secrets.token_hex(10), incoming=False)
        self.calls.append(call)
        await call.rtp.open(self.address)
        uri = f"sip:{did}@{self.domain}" if did else f"sip:{self.domain}"
        call.local = f"{shown or f'<sip:{caller}@{self.address}>'};tag={secrets.token_hex(4)}"
        call.remote = f"<sip:{did if to is None else to}@{self.domain}>"
        call.target = uri
        self._keep(self._invite(call, uri, headers or []))
        await eventually(lambda: call.statuses or call.ended, "the PBX answers the carrier's INVITE")
        return call

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a message, unless the carrier is down."""
        if not self.silent:
            super().datagram_received(data, addr)

    def _on_request(self, message: SipMessage) -> None:
        if message.method == "REGISTER":
            self._on_register(message)
            return
        if message.method == "INVITE":
            self.requests.append(message)
            if self.refusing:
                self.respond(message, self.refusing, to_tag=secrets.token_hex(4))
                return
        super()._on_request(message)

    def _on_register(self, message: SipMessage) -> None:
        user = re.sub("^sips?:|@.*$", "", uri_of(message.get("to")))
        if self.refusing:
            self._reply_to(message, self.refusing, [])
        elif not self._proved(message, user):
            nonce = secrets.token_hex(8)
            challenge = f'Digest realm="{REALM}", nonce="{nonce}", algorithm=MD5, qop="auth"'
            self._reply_to(message, 401, [("www-authenticate", challenge)])
        else:
            if message.get("expires") == "0" or "expires=0" in message.get("contact"):
                self.registrations.pop(user, None)
            else:
                self.registrations[user] = uri_of(message.get("contact"))
            self._reply_to(
                message, 200, [("contact", message.get("contact")), ("expires", message.get("expires"))]
            )

    def _proved(self, message: SipMessage, user: str) -> bool:
        fields = dict(re.findall(r'(\w+)="?([^",]*)"?', message.get("authorization")))
        password = self.accounts.get(fields.get("username", ""))
        if password is None or user not in self.accounts:
            return False

        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        ha1 = md5(f"{fields['username']}:{REALM}:{password}")
        ha2 = md5(f"REGISTER:{fields['uri']}")
        wanted = md5(f"{ha1}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:auth:{ha2}")
        return secrets.compare_digest(wanted, fields.get("response", ""))

    def _reply_to(self, request: SipMessage, status: int, headers: list[tuple[str, str]]) -> None:
        names = ("from", "to", "call-id", "cseq")
        copied = [("via", value) for value in request.all("via")]
        copied += [(name, request.get(name)) for name in names]
        self._send(SipMessage(f"SIP/2.0 {status} Answer", [*copied, *headers]))
