"""A dialog of ours with a phone (RFC 3261, section 12): what its requests carry. No I/O."""

from __future__ import annotations

import secrets

from offhook.areas.uacsta.csta import CONTENT_TYPE
from offhook.areas.uacsta.sip import Address, Contact, Message, SipError, bracketed, written

USER_AGENT = "offhook"


class Dialog:
    """One dialog. `own` is where the phone reaches us, `user` by which name it is registered.

    Datagrams go to the registered address and nowhere else, whatever the phone's answers say.
    """

    def __init__(self, contact: Contact, own: Address, user: str) -> None:
        self.contact = contact
        self.call_id = secrets.token_hex(16)
        self.local_tag = secrets.token_hex(8)
        self.remote_tag = ""
        self.confirmed = False
        self._own = own
        self._local = f"<sip:{user}@{bracketed(own[0])}>;tag={self.local_tag}"
        self._remote = f"<sip:{user}@{written(contact.address)}>"
        self._cseq = 0
        self._remote_cseq = -1

    def request(
        self, method: str, body: bytes = b"", authorization: tuple[str, str] | None = None
    ) -> Message:
        """The next request of the dialog; `authorization` is header and value that answer a challenge."""
        self._cseq += 1
        headers = [
            ("via", self._via()),
            ("max-forwards", "70"),
            ("from", self._local),
            ("to", self._to()),
            ("call-id", self.call_id),
            ("cseq", f"{self._cseq} {method}"),
            ("contact", f"<sip:{written(self._own)}>"),
            ("user-agent", USER_AGENT),
            ("allow", "INVITE, ACK, BYE, CANCEL, INFO, NOTIFY, OPTIONS"),
            ("accept", CONTENT_TYPE),
        ]
        if authorization is not None:
            headers.append(authorization)
        if body:
            headers += [("content-type", CONTENT_TYPE), ("content-disposition", "signal;handling=required")]
        return Message(tuple(headers), body, method, self.contact.uri)

    def _via(self) -> str:
        return f"SIP/2.0/UDP {written(self._own)};branch=z9hG4bK{secrets.token_hex(12)};rport"

    def _to(self) -> str:
        return f"{self._remote};tag={self.remote_tag}" if self.remote_tag else self._remote

    def confirm(self, answer: Message) -> None:
        """Take the phone's tag from the 200 that opened the dialog."""
        self.remote_tag = answer.tag("to")
        self.confirmed = True

    def ack(self, invite: Message, answer: Message) -> Message:
        """The ACK of a final answer: of a refusal within the INVITE's transaction (RFC 3261, 17.1.1.3)."""
        via = invite.get("via") if answer.status >= 300 else self._via()
        headers = [
            ("via", via),
            ("max-forwards", "70"),
            ("from", invite.get("from")),
            ("to", answer.get("to")),
            ("call-id", self.call_id),
            ("cseq", f"{invite.cseq[0]} ACK"),
        ]
        return Message(tuple(headers), method="ACK", uri=self.contact.uri)

    def cancel(self, invite: Message) -> Message:
        """The CANCEL of our INVITE (RFC 3261, section 9.1)."""
        names = ("via", "max-forwards", "from", "to", "call-id")
        headers = [(name, invite.get(name)) for name in names]
        headers.append(("cseq", f"{invite.cseq[0]} CANCEL"))
        return Message(tuple(headers), method="CANCEL", uri=self.contact.uri)

    def accepts(self, request: Message) -> bool:
        """Whether a request of the phone belongs here and is newer than the last one (section 12.2.2).

        Raises SipError when its CSeq cannot be read.
        """
        if request.tag("to") != self.local_tag or request.tag("from") != self.remote_tag:
            raise SipError("the tags are those of another dialog")
        number, _ = request.cseq
        if number <= self._remote_cseq:
            return False
        self._remote_cseq = number
        return True
