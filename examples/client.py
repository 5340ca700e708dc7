"""A small client of the API 2.0, with Python's standard library alone: requests go out, events come in.

    with Client(address, "api", password) as pbx:
        callid = pbx.post("call/dial", caller="1000", callee="1001")["callid"]
        record = pbx.wait("NewCdr", callid=callid)

The programs beside this file show it in use.
"""

from __future__ import annotations

import hashlib
import json
import queue
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Event = dict[str, Any]
_TOLD_APART = {"event", "members", "sn"}
PATIENCE = 60.0
HEARTBEAT = 600.0
"""Seconds between two signs of life; the PBX forgets a token after 30 minutes of silence."""


class Refused(Exception):
    """The PBX has answered Failed; `errno` says why (a string of digits)."""

    def __init__(self, endpoint: str, errno: str) -> None:
        super().__init__(f"{endpoint} was refused with errno {errno}")
        self.errno = errno


class Unexpected(Exception):
    """Something else happened than the application is made for."""


def say(text: str) -> None:
    """Tell the reader at once, also when the output goes into a file."""
    print(text, flush=True)


def members(event: Event) -> list[Event]:
    """The parties of an event; `kind` says ext, inbound or outbound, `who` is the number that people know."""
    parties = []
    for member in event.get("members", []):
        for kind, party in member.items():
            who = party["number"] if kind == "ext" else party["to" if kind == "outbound" else "from"]
            parties.append({**party, "kind": kind, "who": who})
    return parties


def told(event: Event) -> str:
    """An event as one line."""
    parties = ", ".join(f"{party['who']} {party.get('memberstatus', '')}".strip() for party in members(event))
    rest = [f"{key}={value}" for key, value in event.items() if key not in _TOLD_APART and value]
    return " ".join([event["event"], *([f"[{parties}]"] if parties else []), *rest])


def matches(event: Event, fields: Event) -> bool:
    """Whether an event has all these fields."""
    return all(event.get(key) == value for key, value in fields.items())


class Client:
    """An application that has logged in.

    `address` is such as https://192.168.5.150:8088; `receive` the port for events, 0 for any that is free.
    """

    def __init__(self, address: str, user: str, password: str, receive: int = 0) -> None:
        self.address, self.user, self.password = address, user, password
        self.token = ""
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False  # a PBX has a certificate of its own making
        self._tls.verify_mode = ssl.CERT_NONE
        self._inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._unclaimed: list[Event] = []
        self._receiver = ThreadingHTTPServer(("", receive), self._handler())
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._receiver.serve_forever, daemon=True).start()
        md5 = hashlib.md5(self.password.encode(), usedforsecurity=False).hexdigest()
        port = str(self._receiver.server_port)
        self.token = self.post("login", username=self.user, password=md5, version="2.0.0", port=port)["token"]
        threading.Thread(target=self._stay_alive, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self.post("logout")
        self._receiver.shutdown()
        self._receiver.server_close()

    def post(self, endpoint: str, **fields: Any) -> Event:
        """One request; returns the answer. Raises Refused."""
        url = f"{self.address}/api/v2.0.0/{endpoint}" + (f"?token={self.token}" if self.token else "")
        headers = {"Content-Type": "application/json; charset=utf-8"}
        request = urllib.request.Request(url, json.dumps(fields).encode(), headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30, context=self._tls) as response:  # noqa: S310
            answer: Event = json.load(response)
        if answer["status"] != "Success":
            raise Refused(endpoint, answer["errno"])
        return answer

    def take(self, seconds: float) -> Event | None:
        """The next event, printed, or None when none has come in time."""
        try:
            event = self._inbox.get(timeout=max(seconds, 0.001))
        except queue.Empty:
            return None
        say(f"  < {told(event)}")
        return event

    def wait(
        self,
        name: str,
        where: Callable[[Event], bool] = lambda _event: True,
        seconds: float = PATIENCE,
        **fields: Any,
    ) -> Event:
        """Wait for an event with that name and those fields. Each is given out once. Raises Unexpected."""

        def fits(event: Event) -> bool:
            return event["event"] == name and matches(event, fields) and where(event)

        deadline = time.monotonic() + seconds
        event = next((one for one in self._unclaimed if fits(one)), None)
        if event is not None:
            self._unclaimed.remove(event)
            return event
        while event := self.take(deadline - time.monotonic()):
            if fits(event):
                return event
            self._unclaimed.append(event)
        wanted = " ".join([name, *(f"{key}={value}" for key, value in fields.items())])
        raise Unexpected(f"no {wanted} within {seconds:g} seconds")

    def wait_state(self, callid: str, number: str, state: str, seconds: float = PATIENCE) -> Event:
        """Wait until a party of a call has a state such as ANSWER; returns the party. Raises Unexpected."""

        def party(event: Event) -> Event | None:
            both = (one for one in members(event) if (one["who"], one["memberstatus"]) == (number, state))
            return next(both, None)

        event = self.wait("CallStatus", lambda event: party(event) is not None, seconds, callid=callid)
        self._unclaimed.append(event)  # it may tell of other parties too
        return party(event) or {}

    def has(self, name: str, **fields: Any) -> bool:
        """Whether such an event has been read and nobody has waited for it."""
        return any(event["event"] == name and matches(event, fields) for event in self._unclaimed)

    def forget(self) -> None:
        """Let go of the events that nobody has waited for."""
        self._unclaimed.clear()

    def _stay_alive(self) -> None:
        while not self._closed.wait(HEARTBEAT):
            self.post("heartbeat")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        inbox = self._inbox

        class Handler(BaseHTTPRequestHandler):
            """Takes an event and answers 200, as the PBX wants it."""

            def do_POST(self) -> None:
                inbox.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Events are printed when they are taken from the inbox."""

        return Handler
