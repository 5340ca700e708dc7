"""A dialog of a scripted phone: what is done in a call once it is there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.support.rtp import RtpPort
from tests.support.sip import SipMessage, media_of, tag_of
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.phone import Phone


class Call:
    """One dialog of a phone, called or calling."""

    def __init__(self, phone: Phone, call_id: str, *, incoming: bool) -> None:
        self.phone = phone
        self.call_id = call_id
        self.incoming = incoming
        self.invite: SipMessage | None = None
        self.statuses: list[int] = []  # answers to our INVITE, or ours to theirs
        self.ended = False
        self.ended_by_us = False
        self.taken = False
        self.rtp: RtpPort = phone.make_rtp(phone.frequency, wideband=phone.wideband, sequence=phone.sequence)
        self.local = ""
        self.remote = ""
        self.target = ""
        self.cseq = 1
        self._peer: tuple[str, int] | None = None
        self._version = 1

    @property
    def is_up(self) -> bool:
        """Whether the call is answered and goes on."""
        return 200 in self.statuses and not self.ended

    @property
    def shown(self) -> str:
        """The From header that a called phone shows."""
        return self.invite.get("from") if self.invite else ""

    async def answered(self) -> None:
        """Wait until the call is answered."""
        await eventually(lambda: 200 in self.statuses, f"{self.phone.number}: answered, got {self.statuses}")

    async def refused(self) -> int:
        """Wait until our call is refused; returns the status."""
        await eventually(
            lambda: any(s >= 300 for s in self.statuses), f"{self.phone.number}: refused, got {self.statuses}"
        )
        return next(s for s in self.statuses if s >= 300)

    async def over(self) -> None:
        """Wait until the other side has ended the call."""
        await eventually(lambda: self.ended, f"{self.phone.number}: call over")

    async def hears(self, *frequencies: int) -> None:
        """Wait until this phone hears these tones, at once and in about equal parts."""
        share = 0.5 if len(frequencies) == 1 else 0.5 / len(frequencies)
        await eventually(
            lambda: all(self.rtp.hears(one, share) for one in frequencies),
            f"{self.phone.number} hears {frequencies} Hz",
        )

    async def hears_without(self, frequency: int) -> None:
        """Wait until half a second of what this phone hears lacks a tone; what is not sent is not heard."""
        self.rtp.forget()
        long_enough = time.monotonic() + 0.5
        await eventually(
            lambda: (
                not self.rtp.hears(frequency, 0.1)
                and (self.rtp.packets > 25 or (self.rtp.silent and time.monotonic() > long_enough))
            ),
            f"{self.phone.number} does not hear {frequency} Hz",
        )

    def offer(self, direction: str = "sendrecv") -> str:
        """The SDP of this phone."""
        return self.rtp.describe(self.phone.address, direction, self._version)

    def media(self, body: str) -> None:
        """Send audio where an SDP says."""
        if body:
            self._peer = media_of(body)
            self.rtp.learn(body)
            if self.phone.audio:
                self.rtp.send_to(self._peer)

    async def ring(self) -> None:
        """Answer 180 to the call that came in."""
        self._reply(180)

    async def answer(self) -> None:
        """Answer 200 to the call that came in."""
        invite = self._their_invite()
        await self.rtp.open(self.phone.address)
        self.media(invite.body)
        self._reply(200, body=self.offer())

    async def refuse(self, status: int = 486) -> None:
        """Refuse the call that came in."""
        self._reply(status)
        self.ended = True

    async def redirect(self, contact: str) -> None:
        """Answer 302 to the call that came in: try `contact`, a URI, instead (RFC 3261, section 21.3.3)."""
        self.statuses.append(302)
        self.phone.respond(self._their_invite(), 302, to_tag=tag_of(self.local), contact=contact)
        self.ended = True

    def _their_invite(self) -> SipMessage:
        if self.invite is None:
            raise AssertionError("nobody has called")
        return self.invite

    def _reply(self, status: int, body: str = "") -> None:
        self.statuses.append(status)
        self.phone.respond(self._their_invite(), status, to_tag=tag_of(self.local), body=body)

    async def hangup(self) -> None:
        """End the call: CANCEL before it is answered, BYE after."""
        self.ended_by_us = True
        if not self.incoming and 200 not in self.statuses:
            self.phone.send_cancel(self)
            return
        await self.request("BYE")
        self._end()

    async def hold(self) -> None:
        """Put the other side on hold by a re-INVITE (RFC 3264, section 8.4)."""
        await self._reinvite("sendonly")

    async def unhold(self) -> None:
        """Take the other side back."""
        await self._reinvite("sendrecv")

    async def _reinvite(self, direction: str) -> None:
        self._version += 1
        answer = await self.request("INVITE", self.offer(direction))
        self.phone.send_ack(self, answer)

    async def info_key(self, key: str) -> int:
        """Send a key by SIP INFO; returns the status."""
        body = f"Signal={key}\r\nDuration=100\r\n"
        return (await self.request("INFO", body, kind="application/dtmf-relay")).status

    async def refer(self, number: str, replaces: Call | None = None) -> int:
        """Transfer the other side by REFER (RFC 3515), to whom we talk in `replaces` (RFC 3891); status."""
        target = f"sip:{number}@{self.phone.domain}"
        if replaces is not None:
            tags = f"{replaces.call_id};to-tag={tag_of(replaces.remote)};from-tag={tag_of(replaces.local)}"
            target += f"?Replaces={quote(tags, safe='')}"
        headers = [("refer-to", f"<{target}>"), ("referred-by", f"<{self.phone.contact}>")]
        return (await self.request("REFER", extra=headers)).status

    async def request(
        self,
        method: str,
        body: str = "",
        kind: str = "application/sdp",
        extra: list[tuple[str, str]] | None = None,
    ) -> SipMessage:
        """Send a request within the dialog and return its final answer."""
        self.cseq += 1
        return await self.phone.transact(
            method,
            self.target,
            [("from", self.local), ("to", self.remote), ("call-id", self.call_id), *(extra or [])],
            self.cseq,
            body,
            kind,
        )

    def _end(self) -> None:
        self.ended = True
        self.rtp.close()

    def on_bye(self) -> None:
        """The other side has ended the call."""
        self._end()
