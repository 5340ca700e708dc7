"""The welcome mail: how to get into the soft client. Pure."""

from __future__ import annotations

import io

import segno

_TEXT = """\
Hello {name},

the browser phone of your extension {number} is ready. Open this address on the computer or mobile phone
with which you want to make calls, or scan the attached code with a mobile phone:

{link}

The address works once, for {hours} hours. Do not pass it on: whoever opens it can make calls as you.
If it has been used or is too old, ask for a new one.
"""


def welcome_text(name: str, number: str, link: str, hours: int) -> str:
    """The text of the mail; `hours` is how long the link works once the mail is sent."""
    return _TEXT.format(name=name, number=number, link=link, hours=hours)


def qr_png(link: str) -> bytes:
    """The link as a QR code, a PNG image (ISO/IEC 18004)."""
    target = io.BytesIO()
    segno.make_qr(link, error="m").save(target, kind="png", scale=6)
    return target.getvalue()
