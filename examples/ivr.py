"""Calls that the PBX makes by itself: `notify` plays a reminder to many, `verify` asks somebody for a code.

`notify` needs an IVR with a prompt. `verify` needs the IVRs 6500 to 6503 and the custom dialplan of the
guide that stands before them (see README.md).
"""

from __future__ import annotations

import argparse
import sys
import time

from application import options, run
from client import Client, Unexpected, members, say


def notify(pbx: Client, given: argparse.Namespace) -> None:
    """Call each number until it has heard the prompt; the unreached are called again after the others."""
    waiting = given.numbers.split(",")
    for attempt in range(1, given.attempts + 1):
        unreached = [number for number in waiting if not notified(pbx, given, number)]
        if not unreached:
            say("Everybody has been told.")
            return
        waiting = unreached
        if attempt < given.attempts:
            say(f"Calling again in {given.pause:g} s: {', '.join(waiting)}")
            time.sleep(given.pause)
    raise Unexpected(f"not reached in {given.attempts} attempts: {', '.join(waiting)}")


def notified(pbx: Client, given: argparse.Namespace, number: str) -> bool:
    """One call; returns whether the prompt was heard to its end."""
    say(f"Calling {number}.")
    callid = dial(pbx, given, number)
    record = pbx.wait("NewCdr", callid=callid, seconds=given.patience)
    heard = pbx.has("PlayPromptEnd", callid=callid)
    pbx.forget()
    if record["status"] == "ANSWERED" and heard:
        say(f"{number} has heard it.")
        return True
    say(
        f"{number} hung up too early." if record["status"] == "ANSWERED" else f"{number}: {record['status']}."
    )
    return False


def verify(pbx: Client, given: argparse.Namespace) -> None:
    """Ask for a code until it is right; the application says what is right, the PBX collects the keys."""
    ask, right, wrong = given.ask, given.right, given.wrong
    number = given.numbers.split(",")[0]
    say(f"Calling {number}; press 1 after the notice, then the code and #.")
    callid = dial(pbx, given, number)
    pbx.wait("PlayPromptEnd", callid=callid, ivr={"number": given.ivr}, seconds=given.patience)
    say("The notice was heard.")
    pbx.wait("PlayPromptEnd", callid=callid, ivr={"number": ask}, seconds=given.patience)
    say("The code was asked for.")
    for _ in range(given.attempts):
        keyed = pbx.wait("DTMF", lambda event: "infos" in event, given.patience, callid=callid)
        (customer,) = members(keyed)
        code_is_right = keyed["infos"].rstrip("#") == given.code
        say(f"The code is {'right' if code_is_right else 'wrong'}.")
        target = right if code_is_right else wrong
        pbx.post("call/transfer", channelid=customer["channelid"], number=target)
        pbx.wait("PlayPromptEnd", callid=callid, ivr={"number": target}, seconds=given.patience)
        if code_is_right:
            record = pbx.wait("NewCdr", callid=callid, seconds=given.patience)
            say(f"{number} is verified; the call took {record['callduraction']} s.")
            return
        say("The customer has been asked again.")
    pbx.post("call/hangup", channelid=customer["channelid"])
    raise Unexpected(f"{number} keyed in {given.attempts} wrong codes")


def dial(pbx: Client, given: argparse.Namespace, number: str) -> str:
    """Let the IVR call a number, with the rights of an extension; returns the callid."""
    wanted = {"caller": given.ivr, "callee": number, "dialpermission": given.permission}
    return str(pbx.post("call/dial", **wanted)["callid"])


def work(pbx: Client, given: argparse.Namespace) -> None:
    """What the command line asks for."""
    given.ivr = given.ivr or ("6504" if given.what == "notify" else "6500")
    (notify if given.what == "notify" else verify)(pbx, given)


def command_line() -> argparse.ArgumentParser:
    """What can be said about the calls."""
    line = options("Calls that an IVR makes.")
    line.add_argument("what", choices=("notify", "verify"))
    line.add_argument(
        "--numbers", default="95550001", help="whom to call, joined by commas; verify: the first"
    )
    line.add_argument("--permission", default="1000", help="extension whose outbound rights are used")
    line.add_argument("--ivr", help="IVR that calls (default: 6504 to notify, 6500 to verify)")
    line.add_argument("--attempts", type=int, default=3, help="calls per number, or codes per call")
    line.add_argument(
        "--pause", type=float, default=60, help="seconds before unreached numbers are called again"
    )
    line.add_argument("--code", default="4711", help="the right code")
    line.add_argument("--ask", default="6501", help="IVR that asks for the code")
    line.add_argument("--right", default="6502", help="IVR of a right code")
    line.add_argument("--wrong", default="6503", help="IVR of a wrong code, which asks again")
    return line


if __name__ == "__main__":
    sys.exit(run(work, command_line()))
