"""`offhook request ENDPOINT [JSON]`: one call to the API as an appliance's client makes it, both ways shown.

Logs in with the MD5 of the password when there is no token yet or the old one has ended (spec 00-access),
keeps the token in the user's cache folder, and prints request and answer.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from offhook.cli.common import add_data_argument, settings_or_exit

_TOKEN_ENDED = {"20004", "20005", "20006"}
_TIMEOUT = aiohttp.ClientTimeout(total=30)


@dataclass(frozen=True, slots=True)
class Account:
    """Where the API is and who calls it; `password` is in clear text and is never printed."""

    url: str
    username: str
    password: str
    port: str  # where `offhook listen` receives events; 0 for none

    @property
    def token_path(self) -> Path:
        """File that keeps the token between two commands, one per address and user."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        name = hashlib.sha256(f"{self.url} {self.username} {self.port}".encode()).hexdigest()[:16]
        return cache / "offhook" / f"token-{name}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("endpoint", help="such as call/dial or extension/query")
    parser.add_argument("body", nargs="?", default="", help='JSON object, such as \'{"number": "1000"}\'')
    parser.add_argument("--url", help="address of the PBX (default: that of the PBX in --data)")
    add_data_argument(parser)
    parser.add_argument("--username", default=os.environ.get("OFFHOOK_API_USERNAME", "api"))
    parser.add_argument("--port", default="8260", help="where events go, see offhook listen; 0 for nowhere")
    parser.add_argument(
        "--password",
        default=os.environ.get("OFFHOOK_API_PASSWORD"),
        help="API password; better in OFFHOOK_API_PASSWORD, else it is asked for",
    )


def run(arguments: argparse.Namespace) -> int:
    """Make the call; the exit status is 0 for Success, 1 for Failed, 2 when no answer came."""
    try:
        json.loads(arguments.body or "{}")
    except ValueError as broken:
        sys.stderr.write(f"offhook request: the body is no JSON: {broken}\n")
        return 2
    password = arguments.password if arguments.password is not None else getpass.getpass("API password: ")
    url = arguments.url or settings_or_exit(arguments).url
    account = Account(url.rstrip("/"), arguments.username, password, arguments.port)
    try:
        answer = asyncio.run(_call(account, arguments.endpoint.strip("/"), arguments.body))
    except aiohttp.ClientConnectorError as failure:
        sys.stderr.write(
            f"offhook request: nothing answers at {account.url} ({failure.strerror}); "
            "start the PBX, or name it by --data or --url\n"
        )
        return 2
    except (aiohttp.ClientError, TimeoutError, ValueError) as failure:
        sys.stderr.write(f"offhook request: no answer from {account.url}: {failure}\n")
        return 2
    return 0 if answer.get("status") == "Success" else 1


async def _call(account: Account, endpoint: str, body: str) -> dict[str, object]:
    async with aiohttp.ClientSession(
        timeout=_TIMEOUT, connector=aiohttp.TCPConnector(ssl=False, force_close=True)
    ) as http:
        token = _kept_token(account)
        if token:
            answer = await _post(http, account, endpoint, token, body)
            if str(answer.get("errno", "")) not in _TOKEN_ENDED:
                return answer
        login = await _login(http, account)
        if login.get("status") != "Success":
            return login
        return await _post(http, account, endpoint, str(login["token"]), body)


async def _login(http: aiohttp.ClientSession, account: Account) -> dict[str, object]:
    digest = hashlib.md5(account.password.encode(), usedforsecurity=False).hexdigest()
    body = {"username": account.username, "password": digest, "port": account.port, "version": "2.0.0"}
    shown = json.dumps({**body, "password": "********"})
    answer = await _post(http, account, "login", "", json.dumps(body), shown=shown)
    if answer.get("status") == "Success":
        _keep_token(account, str(answer["token"]))
    return answer


async def _post(
    http: aiohttp.ClientSession, account: Account, endpoint: str, token: str, body: str, *, shown: str = ""
) -> dict[str, object]:
    query = f"?token={token}" if token else ""
    sys.stdout.write(f"> POST /api/v2.0.0/{endpoint}{'?token=…' if token else ''}\n")
    if body:
        sys.stdout.write(f"> {shown or body}\n")
    async with http.post(
        f"{account.url}/api/v2.0.0/{endpoint}{query}",
        data=body.encode(),
        headers={"Content-Type": "application/json; charset=utf-8"},
    ) as response:
        text = await response.text()
    sys.stdout.write(f"< {_without_tokens(text)}\n")
    answer = json.loads(text)
    if not isinstance(answer, dict):
        raise ValueError("the answer is no JSON object")
    return answer


def _without_tokens(text: str) -> str:
    try:
        answer = json.loads(text)
    except ValueError:
        return text
    for key in ("token", "refreshtoken"):
        if isinstance(answer, dict) and key in answer:
            answer[key] = "…"
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def _kept_token(account: Account) -> str:
    try:
        return account.token_path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _keep_token(account: Account, token: str) -> None:
    path = account.token_path
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token)
