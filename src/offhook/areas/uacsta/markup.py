"""Reads the XML of phones, hostile until shown otherwise: no DTD, no entities, bounds on all. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

MAX_BYTES = 16_384
MAX_DEPTH = 16
MAX_ELEMENTS = 512


class MarkupError(ValueError):
    """The bytes are no XML that we take; the text never quotes them."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element by its local name; `text` is its own text without blanks at the ends."""

    name: str
    text: str
    children: tuple[Element, ...]

    def child(self, name: str) -> Element | None:
        """The first child of that name."""
        return next((child for child in self.children if child.name == name), None)

    def value(self, name: str) -> str:
        """The text of the first child of that name; empty when there is none."""
        found = self.child(name)
        return found.text if found else ""

    def walk(self) -> Iterator[Element]:
        """This element and all below it, in the order of the document."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(slots=True)
class _Open:
    name: str
    text: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)


class _Builder:
    def __init__(self) -> None:
        self.root: Element | None = None
        self.namespace = ""
        self._open: list[_Open] = []
        self._count = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._open) >= MAX_DEPTH:
            raise MarkupError("too many elements, or nested too deeply")
        prefix, _, local = name.rpartition(":")
        if not self._open:
            self.namespace = attributes.get(f"xmlns:{prefix}" if prefix else "xmlns", "")
        self._open.append(_Open(local))

    def text(self, data: str) -> None:
        if self._open:
            self._open[-1].text.append(data)

    def end(self, _name: str) -> None:
        done = self._open.pop()
        element = Element(done.name, "".join(done.text).strip(), tuple(done.children))
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element

    def refuse(self, *_: object) -> int:
        raise MarkupError("document types and entities are not taken")


def read_markup(data: bytes) -> tuple[Element, str]:
    """The root element and its namespace; prefixes are dropped, as phones differ in them.

    Raises MarkupError for anything that is not well-formed, has a document type, or exceeds the bounds.
    """
    if len(data) > MAX_BYTES:
        raise MarkupError(f"more than {MAX_BYTES} bytes")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.EntityDeclHandler = builder.refuse
    parser.ExternalEntityRefHandler = builder.refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as broken:
        raise MarkupError(f"not well-formed: {expat.ErrorString(broken.code)}") from None
    except (LookupError, UnicodeError, ValueError) as broken:
        if isinstance(broken, MarkupError):
            raise
        raise MarkupError("an encoding that nobody knows") from None
    if builder.root is None:
        raise MarkupError("there is no element")
    return builder.root, builder.namespace
