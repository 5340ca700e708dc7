"""Prints what happens on the PBX, a JSON object on each line, and misses nothing: the id of the last event is
noted in a file, and the next start, or the next connection, goes on behind it (see docs/events.md)."""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path


def events(url: str, token: str, place: Path) -> Iterator[str]:
    """The events as JSON, for ever. One is noted as seen when the next is asked for, so none is lost."""
    while True:
        headers = {"Authorization": f"Bearer {token}"}
        if place.exists():
            headers["Last-Event-ID"] = place.read_text()
        try:
            request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the address is yours
            with urllib.request.urlopen(request, timeout=60) as lines:  # noqa: S310
                for line in lines:
                    name, _, value = line.decode().strip().partition(": ")
                    if name == "id":
                        number = value
                    elif name == "data":
                        yield value
                    elif not name:  # the end of an event, or only a new place
                        place.write_text(number)
        except urllib.error.HTTPError as refused:
            if refused.code < 500:
                raise
        except OSError:
            pass  # the PBX restarts, or the network does
        time.sleep(1)


if __name__ == "__main__":
    base = os.environ.get("OFFHOOK_URL", "http://127.0.0.1:8088")
    query = f"?{sys.argv[2]}" if len(sys.argv) > 2 else ""
    for event in events(f"{base}/api/events{query}", os.environ["OFFHOOK_API_KEY"], Path(sys.argv[1])):
        print(event, flush=True)
