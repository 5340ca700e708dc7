"""What the programs beside this file have in common: their command line and their end."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from client import PATIENCE, Client, Refused, Unexpected, say


def options(purpose: str) -> argparse.ArgumentParser:
    """A command line that says where the PBX is and who we are."""
    line = argparse.ArgumentParser(
        description=purpose, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    line.add_argument("--host", default=os.environ.get("OFFHOOK_HOST", "127.0.0.1"), help="the PBX")
    line.add_argument("--port", default=os.environ.get("OFFHOOK_API_PORT", "8088"), help="port of its API")
    line.add_argument("--https", action="store_true", help="as the appliances have it at first")
    line.add_argument("--user", default=os.environ.get("OFFHOOK_API_USERNAME", "api"), help="of the API")
    line.add_argument("--password", default=os.environ.get("OFFHOOK_API_PASSWORD"), help="of the API")
    line.add_argument("--receive", type=int, default=0, help="our port for events; 0: any")
    line.add_argument("--patience", type=float, default=PATIENCE, help="seconds to wait for people")
    return line


def run(application: Callable[[Client, argparse.Namespace], None], line: argparse.ArgumentParser) -> int:
    """Log in, let the application work, and return the exit status: 0 when all went as it should."""
    given = line.parse_args()
    if given.password is None:
        line.error("say the API's password with --password or OFFHOOK_API_PASSWORD")
    address = f"http{'s' if given.https else ''}://{given.host}:{given.port}"
    try:
        with Client(address, given.user, given.password, given.receive) as pbx:
            application(pbx, given)
    except (Refused, Unexpected, OSError) as problem:
        print(f"FAILED: {problem}", file=sys.stderr, flush=True)
        return 1
    say("All went as it should.")
    return 0
