"""Dialplan files of old appliances made text for Asterisk 22, which has no Macro any more.

A macro becomes a subroutine. A macro came back to its caller when it ran off the end of an extension or
jumped to one that it lacks; a subroutine comes back only by `Return`, so each of these ways gets one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from offhook.areas.customdialplan.calls import (
    BLANKS,
    Call,
    Refused,
    is_dynamic,
    parse_call,
    shown,
    split_once,
)
from offhook.areas.customdialplan.parse import (
    Blank,
    DialplanError,
    Header,
    Hint,
    Ignorepat,
    Include,
    Line,
    Step,
    escape,
    parse,
)

__all__ = ["DialplanError", "Translated", "translate"]

# Asterisk reads a line of a configuration file into 8192 bytes and takes the rest for another line.
LINE_BYTES = 8000
NESTED_CALLS = 20
MACRO = "macro-"

_MEDIA = re.compile(r"(?<![A-Za-z0-9_./-])/tmp/media/")
_MACRO_VARIABLE = re.compile(r"(?<!\w)_{0,2}(MACRO_(?:EXTEN|CONTEXT|PRIORITY|OFFSET|DEPTH))\b")
_ENDS = frozenset({"return", "goto", "hangup"})


@dataclass(frozen=True, slots=True)
class Translated:
    """Dialplan for Asterisk 22, the contexts that it defines and, for each of them, those it includes."""

    text: str
    contexts: frozenset[str]
    includes: Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class _Block:
    """The lines from a `[context]` to the next one, numbered as in the file.

    `added` is to come right behind the line of that number, `tail` behind all lines of the block.
    """

    file: str
    context: str
    lines: list[tuple[int, Line]] = field(default_factory=list)
    added: dict[int, str] = field(default_factory=dict)
    tail: list[str] = field(default_factory=list)

    def end(self) -> int:
        """The number of the last line that says something."""
        return max(number for number, line in self.lines if not isinstance(line, Blank))


def translate(files: Sequence[tuple[str, str]], *, media: str, applications: frozenset[str]) -> Translated:
    """Check `files` (name, text) and make one dialplan of them, in their order.

    `media` is the absolute folder that stands for the appliance's `/tmp/media/`; `applications` are the
    applications of the engine, in lower case. Raises DialplanError for a line that cannot be taken.
    """
    parsed = [(name, parse(name, text)) for name, text in files]
    contexts = frozenset(line.context for _, lines in parsed for line in lines if isinstance(line, Header))
    calls = _Calls(media, applications, contexts)
    heads: list[tuple[str, int, list[_Block]]] = []
    for name, lines in parsed:
        blocks = _blocks(name, [calls.line(name, number, line) for number, line in enumerate(lines, 1)])
        blank = blocks[0].lines[0][0] - 1 if blocks else len(lines)
        heads.append((name, blank, blocks))
    every = [block for _, _, blocks in heads for block in blocks]
    for context in sorted(contexts):
        if context.startswith(MACRO):
            _add_returns([block for block in every if block.context == context])
    text: list[str] = []
    for name, blank, blocks in heads:
        text += [_from(name), *[""] * blank]
        for block in blocks:
            text += _written(block)
    return Translated("".join(f"{line}\n" for line in text), contexts, _includes(every))


class _Calls:
    """Checks and translates calls of applications."""

    def __init__(self, media: str, applications: frozenset[str], contexts: frozenset[str]) -> None:
        self._media = media.rstrip("/") + "/"
        self._applications = applications
        self._contexts = contexts

    def line(self, file: str, number: int, line: Line) -> Line:
        """The line with its call translated. Raises DialplanError."""
        if not isinstance(line, Step):
            return line
        try:
            if used := _MACRO_VARIABLE.search(line.call.arguments):
                raise Refused(
                    f"${{{used.group(1)}}} is not supported: give the macro what it needs as an argument"
                )
            call = self._translated(line.call, 0)
        except Refused as error:
            raise DialplanError(file, number, str(error)) from None
        call = Call(call.name, _MEDIA.sub(lambda _: self._media, call.arguments))
        return Step(line.extension, line.same, line.priority, line.number, line.relative, call)

    def _translated(self, call: Call, depth: int) -> Call:
        if depth > NESTED_CALLS:
            raise Refused("applications stand too deep inside each other")
        name = call.name.lower()
        if name == "macro":
            return self._gosub(call)
        if name == "macroexit":
            return Call("Return", "")
        if name not in self._applications:
            raise Refused(f"the engine has no application {shown(call.name)}")
        if name in {"exec", "tryexec"}:
            return Call(call.name, self._inner(call.arguments, depth))
        if name in {"execif", "execiftime"}:
            condition, branches = split_once(call.arguments, "?")
            if branches is None:
                raise Refused(f"{call.name} without '?': write {call.name}(condition?Application(arguments))")
            first, second = split_once(branches, ":")
            text = f"{condition}?{self._inner(first, depth)}"
            return Call(call.name, text if second is None else f"{text}:{self._inner(second, depth)}")
        return call

    def _inner(self, text: str, depth: int) -> str:
        """The translation of an application that stands in the arguments of another."""
        text = text.strip(BLANKS)
        if not text or is_dynamic(text.partition("(")[0]):
            return text
        return str(self._translated(parse_call(text), depth + 1))

    def _gosub(self, call: Call) -> Call:
        name, arguments = split_once(call.arguments, ",")
        name = name.strip(BLANKS)
        if not name:
            raise Refused("Macro without the name of a macro")
        if not is_dynamic(name) and f"{MACRO}{name}" not in self._contexts:
            raise Refused(f"no file defines the macro {shown(name)}: [{MACRO}{name[:79]}] is missing")
        given = f"({arguments})" if arguments else ""
        return Call("Gosub", f"{MACRO}{name},s,1{given}")


def _blocks(file: str, lines: Sequence[Line]) -> list[_Block]:
    blocks: list[_Block] = []
    for number, line in enumerate(lines, 1):
        if isinstance(line, Header):
            blocks.append(_Block(file, line.context))
        if blocks:
            blocks[-1].lines.append((number, line))
    return blocks


def _add_returns(blocks: Sequence[_Block]) -> None:
    """Have each extension of a macro return where it ends. `blocks` are all of one context."""
    taken: dict[str, set[int]] = {}
    for block in blocks:
        for _, line in block.lines:
            if isinstance(line, Step):
                taken.setdefault(line.extension, set()).add(line.number)
    for block in blocks:
        for number, step, following in _steps(block):
            after = step.number + 1
            # `h` runs when the call is over: there is no caller to return to.
            if step.extension == "h" or after in taken[step.extension] or step.call.name.lower() in _ENDS:
                continue
            taken[step.extension].add(after)
            written = f"exten => {step.extension},{after},Return()"
            # A line between two would be what a relative priority counts from.
            if following is not None and following.relative:
                block.tail.append(written)
            else:
                block.added[number] = " same => n,Return()" if step.relative else written
    if "i" not in taken:
        # Asterisk sends a jump to an extension that is missing to `i`.
        blocks[-1].tail.append("exten => i,1,Return()")


def _steps(block: _Block) -> Iterator[tuple[int, Step, Step | None]]:
    """The steps of a block, the number of their line, and the step after."""
    steps = [(number, line) for number, line in block.lines if isinstance(line, Step)]
    for place, (number, step) in enumerate(steps):
        yield number, step, steps[place + 1][1] if place + 1 < len(steps) else None


def _written(block: _Block) -> Iterator[str]:
    end = block.end()
    for number, line in block.lines:
        text = escape(_text(line))
        if len(text.encode()) > LINE_BYTES:
            raise DialplanError(block.file, number, f"a line of more than {LINE_BYTES} bytes")
        yield text
        if number in block.added:
            yield block.added[number]
        if number == end:
            yield from block.tail


def _text(line: Line) -> str:
    match line:
        case Header(context):
            return f"[{context}]"
        case Include(context):
            return f"include => {context}"
        case Ignorepat(pattern):
            return f"ignorepat => {pattern}"
        case Hint(extension, same, devices):
            return f"{_begun(extension, same=same)}hint,{devices}"
        case Step(extension, same, priority, _, _, call):
            return f"{_begun(extension, same=same)}{priority},{call}"
        case Blank():
            return ""


def _begun(extension: str, *, same: bool) -> str:
    return " same => " if same else f"exten => {extension},"


def _from(name: str) -> str:
    # A name with a line break in it would end the comment.
    shown_name = "".join(character if character.isprintable() else "?" for character in name[:200])
    return f"; from {shown_name}"


def _includes(blocks: Sequence[_Block]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for block in blocks:
        names = found.setdefault(block.context, {})
        names.update((line.context, None) for _, line in block.lines if isinstance(line, Include))
    return {context: tuple(names) for context, names in found.items()}
