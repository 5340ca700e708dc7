"""Basic authentication (RFC 7617)."""

from __future__ import annotations

import base64
import binascii

from aiohttp import web


def credentials(value: str) -> tuple[str, str] | None:
    """User name and password of what stands behind `Basic`; None for what is not readable."""
    try:
        username, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return username, password


def peer_port(request: web.BaseRequest) -> int:
    """The port from which a request comes, 0 where it is not known."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return int(peer[1]) if peer else 0
