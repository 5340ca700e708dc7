"""Announcements: an operator speaks to a group of phones, then a file is played to them.

The members' phones have to open by themselves; the group and its members belong to the site.
"""

from __future__ import annotations

import argparse
import sys
import time

from application import options, run
from client import Client, Unexpected, members, say


def dispatch(pbx: Client, given: argparse.Namespace) -> None:
    """Make the group, use it in every way, and delete it."""
    group: str = given.group
    pbx.post(
        "paginggroup/add",
        number=group,
        name=given.name,
        type="paging",
        member=given.members,
        membergroup="",
        enabledialtoanswer="no",
    )
    try:
        for one in pbx.post("paginggroup/query", number=group)["paginggroup"]:
            say(f"Group {one['number']} {one['name']}: {one['type']} to {one['member'].rstrip(',')}.")
        live_announcement(pbx, given)
        announcement_from_file(pbx, given)
        stopped_announcement(pbx, given)
    finally:
        pbx.post("paginggroup/delete", number=group)
        say(f"Group {group} is deleted.")


def live_announcement(pbx: Client, given: argparse.Namespace) -> None:
    """The operator's phone rings; who picks it up speaks to all until he hangs up, or time is over."""
    say(f"Pick up the phone of {given.operator}, speak, and hang up.")
    callid = pbx.post("call/dial", caller=given.operator, callee=given.group)["callid"]
    pbx.wait_state(callid, given.operator, "ANSWERED", given.patience)
    for member in given.members.split(","):
        pbx.wait_state(callid, member, "ANSWER", given.patience)
        say(f"{member} listens.")
    if given.talk:
        time.sleep(given.talk)
        pbx.post("paginggroup/hangup/music", number=given.group)
    record = pbx.wait("NewCdr", callid=callid, seconds=given.patience)
    say(f"The announcement took {record['talkduraction']} s.")


def announcement_from_file(pbx: Client, given: argparse.Namespace) -> None:
    """The PBX calls the members itself and plays the prompt as often as it was told to."""
    say(f"Playing {given.prompt} {given.count} times to {given.group}.")
    callid = play(pbx, given, given.count)
    end = pbx.wait("PlayPromptEnd", callid=callid, seconds=given.patience)
    say(f"All of it was heard by {', '.join(sorted(party['who'] for party in members(end)))}.")
    pbx.wait("NewCdr", callid=callid, seconds=given.patience)


def stopped_announcement(pbx: Client, given: argparse.Namespace) -> None:
    """The same, ended before its time."""
    say(f"Playing {given.prompt} for long, and stopping it.")
    callid = play(pbx, given, "99")
    pbx.wait_state(callid, given.members.split(",")[0], "ANSWER", given.patience)
    pbx.post("paginggroup/hangup/music", number=given.group)
    pbx.wait("NewCdr", callid=callid, seconds=given.patience)
    if pbx.has("PlayPromptEnd", callid=callid):
        raise Unexpected("a stopped announcement was told to have been played")
    say("It was stopped.")


def play(pbx: Client, given: argparse.Namespace, count: str) -> str:
    """Have the prompt played to the group; returns the callid."""
    wanted = {"number": given.group, "prompt": given.prompt, "volume": given.volume}
    answer = pbx.post("call/playprompt", **wanted, count=count)
    return str(answer["callid"])


def command_line() -> argparse.ArgumentParser:
    """What can be said about the site."""
    line = options("Announcements to a group of phones, spoken and from a file.")
    line.add_argument("--group", default="6301", help="number of the paging group, which must be free")
    line.add_argument("--name", default="Site", help="name of the group")
    line.add_argument("--members", default="3001,3002", help="extensions of the group")
    line.add_argument("--operator", default="3000", help="extension of who speaks")
    line.add_argument("--talk", type=float, default=0, help="seconds until we end it; 0: the operator does")
    line.add_argument("--prompt", default="welcome", help="custom prompt that is the announcement")
    line.add_argument("--count", default="2", help="how often it is played")
    line.add_argument("--volume", default="10", help="0 to 20; 10 as it was recorded")
    return line


if __name__ == "__main__":
    sys.exit(run(dispatch, command_line()))
