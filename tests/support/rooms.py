"""Rooms with phones in them: what the tests of conferences share."""

from __future__ import annotations

from offhook.asterisk.ami import actions
from tests.support.carrier import Carrier
from tests.support.pbx import Json, TestPbx, steps
from tests.support.phone import Call, Phone, eventually

TONES = {"1000": 440, "1001": 570, "1002": 700, "1003": 850}
ROOM = (
    "conferences: [{number: 6400, name: Board, moderators: 1000, moderatorpassword: '99', announcements: off,"
    " musiconhold: yes%s}, {number: 6401, name: Other, announcements: off}]"
)
OUT = "outroutes: [{name: out, prefix: 9X., strip: 1, trunks: siptrunk, extensions: '1000'}]\n"


class Rooms:
    """The phones 1000 to 1003 and the rooms 6400 (moderator 1000) and 6401."""

    def __init__(self, pbx: TestPbx, phones: dict[str, Phone]) -> None:
        self.pbx, self.phones = pbx, phones

    async def enter(self, number: str, room: str = "6400", keys: str = "") -> Call:
        """Let an extension dial a room; 6400 asks for a password unless `keys` are its moderator's."""
        call = await self.phones[number].call(room)
        await call.answered()
        if room == "6400" and number != "1000":
            await call.rtp.press(f"{keys}#")
        await self.inside(room, number)
        return call

    async def inside(self, room: str, *numbers: str) -> None:
        """Wait until these are among those in a room."""

        def there() -> bool:
            found = self.pbx.pbx.live.picture.rooms.get(room)
            calls = self.pbx.pbx.live.picture.calls.values()
            legs = [
                leg for call in calls for leg in call.legs.values() if found and leg.uniqueid in found.inside
            ]
            names = {leg.channelid.rpartition("-")[0] for leg in legs}
            return {f"PJSIP/{number}" for number in numbers} <= names

        await eventually(there, f"{numbers} are in {room}")

    async def told(self, step: str) -> None:
        """Wait for an event."""
        events = self.pbx.receiver.events
        await eventually(lambda: step in steps(events), f"{step} in {steps(events)}", 12)

    async def session(self, number: str = "6400") -> list[str]:
        """Who query_in_session says is in the room: number and status."""
        found = (await self.pbx.client.ok("conference/query_in_session", {"number": number}))["conference"]
        return [_short(member) for room in found for member in room["members"]]

    async def do(self, what: str, member: str, operator: str = "1000", number: str = "6400") -> None:
        """Kick, mute or unmute."""
        body = {"number": number, "operator": operator, "membernumber": member}
        await self.pbx.client.ok(f"conference/{what}_member", body)

    async def no(self, what: str, member: str, operator: str = "1000", number: str = "6400") -> str:
        """The errno of a refused kick, mute or unmute."""
        body = {"number": number, "operator": operator, "membernumber": member}
        return await self.pbx.client.errno(f"conference/{what}_member", body)

    def invitation(self, members: str, **fields: str) -> Json:
        """A request of conference/add_member."""
        body = {"number": "6400", "operator": "1000", "invitemember": members, "dialpermission": "1000"}
        return {**body, **fields}

    async def invite(self, members: str, **fields: str) -> None:
        """conference/add_member that succeeds."""
        await self.pbx.client.ok("conference/add_member", self.invitation(members, **fields))

    async def over(self) -> list[Json]:
        """Wait until nothing is left in the engine; each callid has one record, which are returned."""
        await self.pbx.quiet()
        assert not (await self.pbx.pbx.switch.snapshot()).channels
        assert await self.pbx.pbx.switch.items(actions.ConfbridgeListRooms()) == ()
        records = self.pbx.receiver.named("NewCdr")
        assert len({cdr["callid"] for cdr in records}) == len(records)
        told = {event["callid"] for event in self.pbx.receiver.named("CallStatus")}
        assert told <= {cdr["callid"] for cdr in records}
        return records


def _short(member: Json) -> str:
    (body,) = member.values()
    assert "callpath" not in body
    return f"{body.get('number') or body['from'] + '>' + body['to']} {body['memberstatus']}"


async def rooms(pbx: TestPbx, *numbers: str, settings: str = "", before: str = "") -> Rooms:
    """Make phones and rooms."""
    phones = {}
    for number in numbers or ("1000", "1001", "1002"):
        await pbx.extension(number)
        phones[number] = await pbx.phone(number, frequency=TONES[number])
    await pbx.apply(before + ROOM % settings)
    await pbx.quiet()
    pbx.receiver.clear()
    return Rooms(pbx, phones)


async def carrier_of(pbx: TestPbx) -> Carrier:
    """A carrier with a trunk."""
    carrier = await pbx.carrier()
    await pbx.trunk(carrier)
    return carrier
