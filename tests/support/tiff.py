"""Fax pages as TIFF files (TIFF 6.0, class F of RFC 2306): made for sending, and read back. Pure."""

from __future__ import annotations

import struct

WIDTH = 1728
"""Pixels of a fax line, see ITU-T T.4."""

_LONG, _SHORT, _RATIONAL = 4, 3, 5
_NEXT = 0


def pages(*lengths: int) -> bytes:
    """A document of black bars on white, uncompressed; each page has so many lines."""
    head, at = struct.pack("<2sHI", b"II", 42, 8), 8
    parts = []
    for number, lines in enumerate(lengths):
        data = b"".join(_line(line) for line in range(lines))
        last = number == len(lengths) - 1
        block = _page(at, data, lines, number, last=last)
        parts.append(block)
        at += len(block)
    return head + b"".join(parts)


def _line(line: int) -> bytes:
    black = line // 40 % 2
    return (b"\xff" * 27 + b"\x00" * 27) * 4 if black else b"\x00" * (WIDTH // 8)


def _page(at: int, data: bytes, lines: int, number: int, *, last: bool) -> bytes:
    """One directory, then its values and its pixels; the next directory follows."""
    count = 15
    values = at + 2 + count * 12 + 4
    pixels = values + 16
    entries = [
        (254, _LONG, 1, 2),  # a page of a document of several
        (256, _LONG, 1, WIDTH),
        (257, _LONG, 1, lines),
        (258, _SHORT, 1, 1),
        (259, _SHORT, 1, 1),  # no compression
        (262, _SHORT, 1, 0),  # 0 is white
        (266, _SHORT, 1, 1),
        (273, _LONG, 1, pixels),
        (274, _SHORT, 1, 1),
        (277, _SHORT, 1, 1),
        (278, _LONG, 1, lines),
        (279, _LONG, 1, len(data)),
        (282, _RATIONAL, 1, values),
        (283, _RATIONAL, 1, values + 8),
        (296, _SHORT, 1, 2),  # per inch
    ]
    block = struct.pack("<H", count)
    for tag, kind, many, value in entries:
        block += struct.pack("<HHI", tag, kind, many) + struct.pack("<I", value)
    following = _NEXT if last else pixels + len(data) + len(data) % 2
    block += struct.pack("<I", following) + struct.pack("<4I", 204, 1, 98, 1)
    return block + data + b"\x00" * (len(data) % 2)


def page_sizes(document: bytes) -> list[tuple[int, int]]:
    """Width and lines of each page. Raises ValueError for what is no whole TIFF file."""
    if document[:4] not in (b"II*\x00", b"MM\x00*"):
        raise ValueError("no TIFF file")
    order = "<" if document[:2] == b"II" else ">"
    found = []
    (at,) = struct.unpack_from(f"{order}I", document, 4)
    while at:
        (count,) = struct.unpack_from(f"{order}H", document, at)
        tags = {}
        for entry in range(count):
            tag, kind, _ = struct.unpack_from(f"{order}HHI", document, at + 2 + entry * 12)
            form = "H" if kind == _SHORT else "I"
            (tags[tag],) = struct.unpack_from(f"{order}{form}", document, at + 10 + entry * 12)
        if tags.get(273, 0) + tags.get(279, 0) > len(document) or not tags.get(279):
            raise ValueError("the pixels of a page are missing")
        found.append((tags[256], tags[257]))
        (at,) = struct.unpack_from(f"{order}I", document, at + 2 + count * 12)
    return found
