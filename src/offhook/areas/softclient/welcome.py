"""The welcome mail: how to get into the soft client. Pure."""

from __future__ import annotations

import dataclasses
import io
import json
from dataclasses import dataclass, field

import segno

from offhook.areas.mail.message import Content, Part

_TEXT = """\
Hello {name},

the browser phone of your extension {number} is ready. Open this address on the computer or mobile phone
with which you want to make calls, or scan the attached code with a mobile phone:

{link}

The address works once, for {hours} hours. Do not pass it on: whoever opens it can make calls as you.
If it has been used or is too old, ask for a new one.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """What the mail is written from; `hours` is how long the link works once it is sent."""

    name: str
    number: str
    link: str = field(repr=False)
    hours: int

    def noted(self) -> str:
        """As a text that `read` understands. It holds the link."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def read(cls, noted: str) -> Welcome:
        """What `noted` has made."""
        return cls(**json.loads(noted))

    def content(self) -> Content:
        """The mail's text and the QR code: tens of milliseconds of work, and always the same."""
        text = _TEXT.format(name=self.name, number=self.number, link=self.link, hours=self.hours)
        return Content(text, (Part("login.png", "image/png", qr_png(self.link)),))


def qr_png(link: str) -> bytes:
    """The link as a QR code, a PNG image (ISO/IEC 18004)."""
    target = io.BytesIO()
    segno.make_qr(link, error="m").save(target, kind="png", scale=6)
    return target.getvalue()
