"""What has to hold after a fault: of every call one end and one record, told in order; no change is lost."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Sequence

from tests.support.pbx import Json

from chaos.house import House, until
from chaos.load import Load
from chaos.outcome import Outcome

_RANK = {"ALERT": 0, "RING": 0, "ANSWER": 1, "ANSWERED": 1, "BYE": 2}
_QUIET_SECONDS = 60.0


async def settle(house: House, load: Load, outcome: Outcome) -> None:
    """Wait until all is over, and count what is not as it has to be."""
    try:
        await until(lambda: _over(house), "no call runs and every record is told", _QUIET_SECONDS, 0.3)
    except TimeoutError:
        outcome.endless += [str(call["callid"]) for call in await house.running()]
        outcome.missing += await _without_record(house)
    await asyncio.sleep(0.5)  # what is doubled comes late
    outcome.calls += load.calls
    outcome.acknowledged += load.changes
    outcome.lost += await load.lost_changes()
    await _records(house, load, outcome)
    _order(house.receiver.events, outcome)
    _ends(house, outcome)


async def _over(house: House) -> bool:
    if await house.running() or await _without_record(house):
        return False
    stored = await house.recorded()
    return stored <= {event["callid"] for event in house.receiver.named("NewCdr")}


async def _without_record(house: House) -> list[str]:
    """Calls that were promised or told and have no record in the store."""
    stored = await house.recorded()
    promised = {row[0] for row in await house.up.rows("SELECT callid FROM call_intents")}
    begun = {event["callid"] for event in house.receiver.named("CallStatus")}
    return sorted((promised | begun) - stored)


async def _records(house: House, load: Load, outcome: Outcome) -> None:
    rows = await house.up.rows("SELECT callid, callfrom, callto FROM cdr")
    stored = {str(callid) for callid, _, _ in rows}
    told = [event["callid"] for event in house.receiver.named("NewCdr")]
    outcome.missing += sorted(stored - set(told))
    outcome.missing += sorted({c for pair in load.pairs for c in pair.promised} - stored)
    by_pair = Counter((caller, callee) for _, caller, callee in rows)
    for pair in load.pairs:
        name = (pair.caller.number, pair.callee.number)
        count = by_pair[name]
        outcome.missing += [f"{name[0]} to {name[1]}"] * (pair.certain - count)
        outcome.doubled += [f"{name[0]} to {name[1]}"] * (count - pair.certain - pair.unknown)
    first: dict[str, Json] = {}
    for event in house.receiver.named("NewCdr"):
        known = first.setdefault(event["callid"], event)
        if known is not event:
            if known == event:
                outcome.repeated += 1
            else:
                outcome.doubled.append(event["callid"])


def _order(events: Sequence[Json], outcome: Outcome) -> None:
    """Within a call no party goes back to an earlier state, and nothing but its repetition follows NewCdr."""
    ranks: dict[tuple[str, str], int] = {}
    over: set[str] = set()
    wrong: set[str] = set()
    for event in events:
        callid = event.get("callid", "")
        if event["event"] == "NewCdr":
            over.add(callid)
        elif event["event"] == "CallStatus":
            if callid in over:
                wrong.add(f"{callid} after NewCdr: {json.dumps(event['members'])}")
            for body in (body for member in event["members"] for body in member.values()):
                key, rank = (callid, body.get("channelid", "")), _RANK.get(body["memberstatus"], 1)
                if rank < ranks.get(key, 0):
                    wrong.add(f"{callid} {key[1]} goes back to {body['memberstatus']}")
                ranks[key] = rank
    outcome.disorder += sorted(wrong)


def _ends(house: House, outcome: Outcome) -> None:
    """Each party that was told leaves once; of a call that a fault met the end may be told by NewCdr only."""
    gone: Counter[tuple[str, str]] = Counter()
    seen: dict[str, set[str]] = defaultdict(set)
    begin: dict[str, float] = {}
    end: dict[str, float] = {}
    for event, when in zip(house.receiver.events, house.receiver.times, strict=False):
        callid = event.get("callid")
        if not callid:
            continue
        begin.setdefault(callid, when)
        end[callid] = when
        if event["event"] == "CallStatus":
            for body in (body for member in event["members"] for body in member.values()):
                seen[callid].add(body["channelid"])
                gone[(callid, body["channelid"])] += body["memberstatus"] == "BYE"
    outcome.ended_twice += sorted({callid for (callid, _), count in gone.items() if count > 1})
    outcome.endless += sorted(
        callid
        for callid, channels in seen.items()
        if any(not gone[(callid, one)] for one in channels) and not house.touched(begin[callid], end[callid])
    )
