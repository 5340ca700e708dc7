"""What clients in the field really send, read into plain parameters (spec 19-tolerances, `requests`). Pure.

Values become text: numbers keep their own digits and never pass through a float, so a callid sent as the
bare number 1556268469.2840 stays what it is.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes

NESTING_MAX = 20
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_METHODS = frozenset({b"GET", b"POST", b"OPTIONS", b"HEAD", b"PUT", b"DELETE", b"PATCH"})
_OTHER_METHOD = b"PUT"


class NotJson(ValueError):
    """The body is no JSON that the contract could mean."""


def normalise_request_line(line: bytes) -> bytes:
    """Repair a request line (without its line end) so that an HTTP parser takes it.

    Raw blanks in the target become %20, a second '?' becomes '&', bytes that URLs cannot hold are escaped.
    A method that no endpoint has becomes PUT, so that it gets its Failed 20001 and not a parser's 400.
    A line that is no HTTP at all is returned as it is.
    """
    method, blank, rest = line.strip().partition(b" ")
    target, blank_2, version = rest.rpartition(b" ")
    if not blank or not blank_2 or not version.upper().startswith(b"HTTP/"):
        return line
    method = method.upper() if method.upper() in _METHODS else _OTHER_METHOD
    return b" ".join((method, _normalise_target(target.strip(b" ")), version.upper()))


def _normalise_target(target: bytes) -> bytes:
    path, mark, query = target.partition(b"?")
    escaped = quote_from_bytes(path, safe=b"%/:;=@!$&'()*+,-._~").encode()
    query = query.replace(b"?", b"&")
    query = quote_from_bytes(query, safe=b"%/:;=@!$&'()*+,-._~?[]{}\"").encode()
    query = query.replace(b'"', b"%22").replace(b"{", b"%7B").replace(b"}", b"%7D")
    return escaped + mark + query


def read_query(query: str) -> dict[str, str]:
    """Parameters of a query string; of a name that stands twice the last counts."""
    return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=200, errors="replace"))


def read_body(body: bytes) -> dict[str, str]:
    """Parameters of a body. No body, `{}` and `[]` mean none.

    Raises NotJson for anything that is no JSON object. A comma before a closing brace is let pass: samples
    of the reference have one.
    """
    text = _text(body).strip().strip("\0")
    if not text:
        return {}
    value = _parse(text)
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise NotJson("the body is no JSON object")
    return {str(name): _plain(item, 0) for name, item in value.items() if item is not None}


def _text(body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NotJson("the body is no text")


def _parse(text: str) -> Any:
    try:
        return _loads(text)
    except ValueError:
        repaired = _TRAILING_COMMA.sub(r"\1", text)
        if repaired == text:
            raise NotJson("the body is no JSON") from None
    except RecursionError:
        raise NotJson("the body is nested too deeply") from None
    try:
        return _loads(repaired)
    except (ValueError, RecursionError):
        raise NotJson("the body is no JSON") from None


def _loads(text: str) -> Any:
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _plain(value: Any, depth: int) -> str:
    """A value as text: lists are joined by commas, objects are kept as JSON for endpoints that read them."""
    if depth > NESTING_MAX:
        raise NotJson("the body is nested too deeply")
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, list):
        return ",".join(_plain(item, depth + 1) for item in value)
    return json.dumps(value, ensure_ascii=False)
