"""From the appliances' dialplan to Asterisk 22's: checked line by line, `Macro` turned into `Gosub`. Pure.

A macro returns to its caller by running off the end of an extension, or by jumping to an extension that its
context lacks. Gosub would hang up in both cases, so a Return is put behind each extension of a macro, and an
extension `i`, to which the engine sends such jumps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from offhook.areas.customdialplan.lines import (
    Application,
    LineError,
    Priority,
    Section,
    closing,
    read_line,
    split_arguments,
)

MEDIA = "/tmp/media/"  # noqa: S108 - where the appliances mount network drives, as their files write it
_OURS = re.compile(
    r"offhook.*|from-extension|from-trunk|outbound|hold|silent|parkedcalls|ring-extension"
    r"|voicemail-(deposit|check|told)|general|globals|ivrs|always-Hangup",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,79}")
_INNER = re.compile(r"\bMacro\(", re.IGNORECASE)
_ENDS = frozenset({"return", "goto", "hangup", "congestion", "busy"})
_MACRO = "macro-"


class DialplanError(Exception):
    """A file is refused; the text begins with file and line."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}")
        self.file, self.line, self.reason = file, line, reason


@dataclass(frozen=True, slots=True)
class Translated:
    """The dialplan as text, and the contexts that it defines."""

    text: str
    contexts: frozenset[str]


@dataclass(slots=True)
class _Context:
    """What has been read of the context in work."""

    name: str = ""
    exten: str = ""
    numbered: int = 0  # the last priority when it was written as a number
    ended: bool = True
    has_invalid: bool = False


@dataclass(slots=True)
class _Work:
    media: str
    applications: frozenset[str]
    out: list[str] = field(default_factory=list)
    contexts: set[str] = field(default_factory=set)
    macros: list[tuple[str, int, str]] = field(default_factory=list)
    context: _Context = field(default_factory=_Context)


def translate(files: Sequence[tuple[str, str]], *, media: str, applications: frozenset[str]) -> Translated:
    """Translate files, given as name and text.

    `media` is the folder that stands for /tmp/media/; `applications` are the lower-case names of what the
    engine has. Raises DialplanError for the first line that is wrong.
    """
    work = _Work(media.rstrip("/") + "/", applications)
    for name, text in files:
        work.out.append(f"; from {name}")
        _file(work, name, text.removeprefix("\ufeff"))
        _close(work)
    for file, line, macro in work.macros:
        if _MACRO + macro not in work.contexts:
            raise DialplanError(file, line, f"there is no context {_MACRO}{macro}")
    return Translated("\n".join(work.out) + "\n", frozenset(work.contexts))


def _file(work: _Work, name: str, text: str) -> None:
    hidden = False
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.removesuffix("\r")
        if hidden or line.lstrip().startswith(";--"):
            hidden = "--;" not in line
            continue
        try:
            _line(work, name, number, line)
        except LineError as wrong:
            raise DialplanError(name, number, str(wrong)) from None


def _line(work: _Work, file: str, number: int, line: str) -> None:
    said = read_line(line)
    if said is None:
        return
    if isinstance(said, Section):
        _close(work)
        if not _NAME.fullmatch(said.name):
            raise LineError("a context's name has letters, digits and _ . - only")
        if _OURS.fullmatch(said.name):
            raise LineError(f"the context {said.name} belongs to the PBX")
        work.context = _Context(said.name)
        work.contexts.add(said.name)
        work.out.append(f"[{said.name}]")
        return
    if not work.context.name:
        raise LineError("this stands before the first [context]")
    if isinstance(said, Priority):
        _step(work, file, number, said)
    elif said.key in {"include", "ignorepat"}:
        if not re.fullmatch(r"[A-Za-z0-9_.*#+\[\]-]{1,79}", said.value):
            raise LineError(f"{said.key} names a context or pattern")
        work.out.append(f"{said.key} => {said.value}")
    else:
        raise LineError(f"{said.key} is not known here; known are exten, same, include and ignorepat")


def _step(work: _Work, file: str, number: int, said: Priority) -> None:
    context = work.context
    if said.exten and said.exten != context.exten:
        _end_extension(work)
        if said.priority == "n":
            raise LineError("the first priority of an extension is 1")
        context.exten, context.numbered = said.exten, 0
    elif not said.exten and not context.exten:
        raise LineError("same stands before the first exten of the context")
    if said.exten == "i":
        context.has_invalid = True
    if said.priority == "hint":
        work.out.append(f"exten => {said.exten or context.exten},hint,{said.application.arguments}")
        return
    done = _application(work, file, number, said.application)
    context.ended = done.name.lower() in _ENDS
    context.numbered = int(said.priority) if said.priority != "n" else 0
    label = f"({said.label})" if said.label else ""
    head = f"exten => {said.exten}," if said.exten else " same => "
    work.out.append(f"{head}{said.priority}{label},{done}")


def _application(work: _Work, file: str, number: int, said: Application) -> Application:
    arguments = said.arguments.replace(MEDIA, work.media)
    name = said.name.lower()
    if "MACRO_" in arguments:
        raise LineError("variables of Macro (MACRO_EXTEN, MACRO_CONTEXT, …) are not there any more")
    if name == "macro":
        return _gosub(work, file, number, arguments)
    if name == "macroexit":
        return Application("Return", "")
    if name not in work.applications:
        raise LineError(f"the engine has no application {said.name}")
    return Application(said.name, _inner_macros(work, file, number, arguments))


def _gosub(work: _Work, file: str, number: int, arguments: str) -> Application:
    macro, *values = split_arguments(arguments)
    macro = macro.strip()
    if not _NAME.fullmatch(_MACRO + macro):
        raise LineError("the name of a macro has letters, digits and _ . - only")
    work.macros.append((file, number, macro))
    given = f"({','.join(values)})" if values else ""
    return Application("Gosub", f"{_MACRO}{macro},s,1{given}")


def _inner_macros(work: _Work, file: str, number: int, arguments: str) -> str:
    """Macros as the application of ExecIf and the like."""
    while (match := _INNER.search(arguments)) is not None:
        end = closing(arguments, match.end() - 1)
        inner = _gosub(work, file, number, arguments[match.end() : end])
        arguments = f"{arguments[: match.start()]}{inner}{arguments[end + 1 :]}"
    return arguments


def _end_extension(work: _Work) -> None:
    """A macro comes back from the end of each of its extensions."""
    context = work.context
    if context.exten and context.name.startswith(_MACRO) and not context.ended and context.exten != "h":
        priority = str(context.numbered + 1) if context.numbered else "n"
        work.out.append(f" same => {priority},Return()")
    context.ended = True


def _close(work: _Work) -> None:
    context = work.context
    _end_extension(work)
    if context.name.startswith(_MACRO) and not context.has_invalid:
        work.out.append("exten => i,1,Return()")
    work.context = _Context()
