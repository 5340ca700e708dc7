"""The link to a real engine: actions, lists, events in order, and what happens when either side goes away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from offhook.asterisk.ami import actions
from offhook.asterisk.ami.action import Action, ListAction
from offhook.asterisk.ami.client import AmiClient, AmiRefused
from offhook.asterisk.ami.wire import ACTION_LINE_MAX, WireError
from offhook.asterisk.fetch import obtain_engine
from offhook.asterisk.process import EngineProcess, free_port
from offhook.asterisk.static import AMI_UNREAD, AMI_USER, EngineSettings
from offhook.asterisk.switch import (
    EngineRefused,
    EngineUnreachable,
    OriginateRequest,
    SwitchBusy,
)
from tests.support.ami_watch import Proxy, Watch, freeze, nothing_left, request, watching
from tests.support.pbx import free_range
from tests.support.phone import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

DIALPLAN = """\
[ami]
exten => listen,1,Answer()
 same => n,Wait(60)
exten => stay,1,Answer()
 same => n,Wait(60)
exten => hold,1,Answer()
 same => n,MusicOnHold(default)
exten => brief,1,Answer()
 same => n,Hangup()
exten => told,1,Answer()
 same => n,UserEvent(Told,Number: 1)
 same => n,UserEvent(Told,Number: 2)
 same => n,UserEvent(Told,Number: 3)
 same => n,Hangup()
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[EngineProcess]:
    """An engine of this module's own: it is killed and started again."""
    with tempfile.TemporaryDirectory(prefix="ami-", ignore_cleanup_errors=True) as folder:
        data = Path(folder)
        settings = EngineSettings(
            tree=await asyncio.to_thread(obtain_engine),
            data=data,
            store=data / "empty.db",
            dialplan=DIALPLAN,
            bind="127.0.0.1",
            sip_port=free_port(),
            tls_port=free_port(),
            rtp_ports=free_range(40),
        )
        settings.store.touch()
        process = EngineProcess(settings)
        await process.start()
        yield process
        await process.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def watch(engine: EngineProcess) -> AsyncIterator[Watch]:
    """A switch on the engine, for one test; no channel is left behind."""
    async with watching(engine) as watch:
        yield watch


@pytest_asyncio.fixture(loop_scope="module")
async def proxy(engine: EngineProcess) -> AsyncIterator[Proxy]:
    """A proxy in front of the engine's AMI."""
    proxy = Proxy(engine)
    await proxy.start()
    yield proxy
    await proxy.close()


async def test_it_is_the_engine_that_answers(watch: Watch) -> None:
    status = await watch.switch.act(actions.CoreStatus())
    assert status["CoreCurrentCalls"] == "0"
    assert await watch.switch.module_runs("chan_pjsip.so")
    assert not await watch.switch.module_runs("chan_nothing.so")
    await watch.switch.reload("res_parking.so")


async def test_the_engine_knows_every_action(engine: EngineProcess, watch: Watch) -> None:
    class ListCommands(Action):
        NAME = "ListCommands"

    known = set(await watch.switch.act(ListCommands()))
    made = {
        value for value in vars(actions).values() if isinstance(value, type) and issubclass(value, Action)
    }
    assert {action.NAME for action in made - {Action, ListAction}} <= known


async def test_a_call_has_the_ids_that_it_was_given(watch: Watch) -> None:
    callid = watch.switch.next_call_id()
    asked = request(watch.switch, callid, "stay")
    await watch.switch.originate(asked)
    await watch.seen("OriginateResponse", Uniqueid=callid, Response="Success")
    channels = (await watch.switch.snapshot()).channels
    assert {channel["Uniqueid"] for channel in channels} == {callid, asked.other_channel_id}
    assert {channel["Linkedid"] for channel in channels} == {callid}


async def test_a_call_that_cannot_begin_is_told_by_an_event(watch: Watch) -> None:
    callid = watch.switch.next_call_id()
    await watch.switch.originate(
        OriginateRequest(callid=callid, channel="PJSIP/nobody", context="ami", exten="stay", timeout=5)
    )
    assert (await watch.seen("OriginateResponse", Uniqueid=callid))["Response"] == "Failure"


async def test_events_come_in_the_engines_order(watch: Watch) -> None:
    calls = [await watch.call("told") for _ in range(10)]
    for callid in calls:
        await watch.seen("Hangup", Uniqueid=callid)
        told = [
            event["Number"]
            for event in watch.events
            if event.get("UserEvent") == "Told" and event.get("Uniqueid") == callid
        ]
        assert told == ["1", "2", "3"]
        names = watch.of(callid)
        assert (names[0], names[-1]) == ("Newchannel", "Hangup")


async def test_events_of_calls_come_soon(watch: Watch) -> None:
    """Not only with the next Ping at rest: the originate makes the link busy."""
    loop = asyncio.get_running_loop()
    slowest = 0.0
    for _ in range(20):
        watch.switch.set_busy(False)
        begin = loop.time()
        callid = await watch.call("brief")
        await watch.seen("Hangup", Uniqueid=callid)
        slowest = max(slowest, loop.time() - begin)
    assert slowest < 1.0
    assert not {event["Event"] for event in watch.events} & set(AMI_UNREAD)


@pytest.mark.parametrize(
    "value",
    ["1,OTHER=stolen", '"quoted" (and [more', "back\\slash,", "${EPOCH}", "a=b,,c", "Jürgen & Söhne", "))]]"],
)
async def test_no_value_becomes_a_second_variable(watch: Watch, value: str) -> None:
    callid = await watch.call("stay", FIRST=value, LAST="last")
    assert await watch.switch.getvar(callid, "FIRST") == value
    assert await watch.switch.getvar(callid, "OTHER") == ""
    assert await watch.switch.getvar(callid, "LAST") == "last"
    await watch.switch.setvar(callid, "OTHER", value)
    assert await watch.switch.getvar(callid, "OTHER") == value
    await watch.switch.setvar(callid, "OTHER", "")
    assert await watch.switch.getvar(callid, "OTHER") == ""


async def test_lists(watch: Watch) -> None:
    switch = watch.switch
    assert await switch.items(actions.PJSIPShowContacts()) == ()
    assert await switch.items(actions.ConfbridgeListRooms()) == ()
    assert await switch.items(actions.ConfbridgeList(conference="6400")) == ()
    assert await switch.items(actions.ParkedCalls()) == ()
    assert await switch.items(actions.QueueStatus()) == ()
    assert await switch.items(actions.PJSIPShowEndpoint(endpoint="1000")) == ()
    assert await switch.items(actions.PJSIPShowRegistrationsOutbound()) == ()
    assert await switch.items(actions.DBGet(family="test", key="none")) == ()
    await switch.act(actions.DBPut(family="test", key="1000;@x", val='Jürgen, "x"'))
    (entry,) = await switch.items(actions.DBGet(family="test", key="1000;@x"))
    assert entry["Val"] == 'Jürgen, "x"'
    await switch.act(actions.DBDel(family="test", key="1000;@x"))
    assert (await switch.act(actions.MailboxCount(mailbox="1000@default")))["NewMessages"] == "0"


async def test_two_calls_are_moved_and_joined(watch: Watch) -> None:
    switch = watch.switch
    one, two = await watch.call(), await watch.call()
    first, second = await watch.name(one), await watch.name(two)
    await switch.bridge(first, second)
    bridge = (await watch.seen("BridgeEnter", Uniqueid=two))["BridgeUniqueid"]
    await watch.seen("BridgeEnter", Uniqueid=one, BridgeUniqueid=bridge)
    await switch.mute(first, "in", on=True)
    await switch.mute(first, "in", on=False)
    await switch.redirect(first, ("ami", "hold"), (second, "ami", "stay"))
    await watch.seen("MusicOnHoldStart", Uniqueid=one)
    await watch.seen("BridgeLeave", Uniqueid=two)
    await switch.hangup(first, 17)
    assert (await watch.seen("Hangup", Uniqueid=one))["Cause"] == "17"
    assert "Hangup" not in watch.of(two)


async def test_what_the_engine_refuses(watch: Watch) -> None:
    switch = watch.switch
    with pytest.raises(EngineRefused, match="No such channel"):
        await switch.hangup("PJSIP/1000-ffffffff", 16)
    with pytest.raises(EngineRefused):
        await switch.redirect("PJSIP/1000-ffffffff", ("ami", "stay"))
    with pytest.raises(EngineRefused):
        await switch.bridge("PJSIP/1000-ffffffff", "PJSIP/1001-ffffffff")
    with pytest.raises(EngineRefused):
        await switch.reload("res_nothing.so")


async def test_a_regular_expression_hangs_nobody_up(watch: Watch) -> None:
    callid = await watch.call()
    with pytest.raises(EngineRefused):
        await watch.switch.hangup("/^Local.*/", 16)
    assert await watch.switch.getvar(callid, "ANYTHING") == ""
    assert "Hangup" not in watch.of(callid)


async def test_the_longest_line_is_what_the_engine_reads(engine: EngineProcess) -> None:
    async def connected() -> None:
        return

    client = AmiClient(
        lambda: ("127.0.0.1", engine.ami[0], AMI_USER, engine.ami[1]),
        on_events=lambda _events: None,
        on_connected=connected,
        on_lost=lambda: None,
    )
    client.start()
    await eventually(lambda: client.up, "the link is up")
    filler = "a" * (ACTION_LINE_MAX - len("Filler: "))
    assert (await client.action("Ping", [("Filler", filler)]))["Ping"] == "Pong"
    with pytest.raises(WireError):
        await client.action("Ping", [("Filler", filler + "a")])
    with pytest.raises(AmiRefused):
        await client.action("Nonsense")
    assert (await client.action("Ping"))["Ping"] == "Pong"
    await client.close()


async def test_calls_begin_at_the_set_rate(engine: EngineProcess, watch: Watch) -> None:
    """At 200 a second no more than two seconds' worth waits; the rest is told to come later."""
    loop = asyncio.get_running_loop()
    watch.switch._pace._longest = 0.1
    begin = loop.time()
    asked = [request(watch.switch, watch.switch.next_call_id(), "brief") for _ in range(40)]
    outcomes = await asyncio.gather(*map(watch.switch.originate, asked), return_exceptions=True)
    begun = [one.callid for one, outcome in zip(asked, outcomes, strict=True) if outcome is None]
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [SwitchBusy] * (40 - len(begun))
    seconds = loop.time() - begin
    # a tenth of a second's worth waits, and more may begin while the machine takes its time to ask
    assert 20 <= len(begun) <= 22 + 200 * seconds
    assert seconds >= (len(begun) - 1) / 200
    for callid in begun:
        await watch.seen("Hangup", Uniqueid=callid)


async def test_the_engine_dies_while_an_action_waits(engine: EngineProcess) -> None:
    async with watching(engine) as watch:
        await watch.call()
        assert engine.running is not None
        pid = engine.running.pid
        await freeze(pid)
        waiting = asyncio.create_task(watch.switch.act(actions.CoreStatus()))
        listing = asyncio.create_task(watch.switch.snapshot())
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        for task in (waiting, listing):
            with pytest.raises(EngineUnreachable):
                await task
        await eventually(lambda: watch.told[-1] == "lost", "the loss is told")
        with pytest.raises(EngineUnreachable):
            await watch.switch.hangup("PJSIP/1000-00000001", 16)
        with pytest.raises(EngineUnreachable):
            await watch.switch.wait_healthy(0.05)
        await eventually(lambda: not engine.alive, "the engine is gone")
        await engine.start()
        await watch.switch.wait_healthy(30)
        assert watch.told == ["connected", "lost", "connected"]
        assert watch.snapshots[-1].channels == ()
        callid = await watch.call("brief")
        await watch.seen("Hangup", Uniqueid=callid)


async def test_a_stopped_engine_is_found_out(engine: EngineProcess) -> None:
    """Its socket stays open and nothing answers; when it goes on, so do we."""
    async with watching(engine) as watch:
        assert engine.running is not None
        await freeze(engine.running.pid)
        try:
            await eventually(lambda: watch.told[-1] == "lost", "the silence is noticed", 5)
        finally:
            os.kill(engine.running.pid, signal.SIGCONT)
        await watch.switch.wait_healthy(20)
        assert await watch.call("brief")


async def test_a_stalled_socket_is_found_out_and_nothing_is_missed(
    engine: EngineProcess, proxy: Proxy
) -> None:
    async with watching(engine) as other, watching(engine, lambda: proxy.port) as watch:
        before = await other.call()
        await watch.seen("Newchannel", Uniqueid=before)
        proxy.stall()
        during = await other.call()
        await other.switch.hangup(before, 16)
        await other.seen("Hangup", Uniqueid=before)
        await eventually(lambda: watch.told[-1] == "lost", "the silence is noticed", 5)
        assert not watch.switch.healthy
        proxy.flow()
        await watch.switch.wait_healthy(20)
        known = {channel["Linkedid"] for channel in watch.snapshots[-1].channels}
        assert known == {during}
        after = await other.call("brief")
        await watch.seen("Hangup", Uniqueid=after)


async def reconnected(watch: Watch, times: int) -> None:
    await eventually(lambda: len(watch.snapshots) >= times and watch.switch.healthy, "in step again")


class Living:
    """The channels that are up, by snapshot and events alone."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._snapshots = 0
        self._events = 0
        self.channels: set[str] = set()

    def take(self) -> None:
        """Bring it up to date."""
        if len(self._watch.snapshots) > self._snapshots:
            self._snapshots = len(self._watch.snapshots)
            self.channels = {channel["Uniqueid"] for channel in self._watch.snapshots[-1].channels}
        for event in self._watch.events[self._events :]:
            if event["Event"] == "Newchannel":
                self.channels.add(event["Uniqueid"])
            elif event["Event"] == "Hangup":
                self.channels.discard(event["Uniqueid"])
        self._events = len(self._watch.events)


async def test_snapshot_and_events_leave_no_gap(engine: EngineProcess) -> None:
    """Calls come and go while the link is cut again and again: what is known stays what is true."""
    async with watching(engine) as other, watching(engine) as watch:
        living = Living(watch)
        take = watch._take

        def follow(events: Sequence[Mapping[str, str]]) -> None:
            take(events)
            living.take()

        watch.switch._client._on_events = follow
        for cut in range(8):
            calls = [
                asyncio.create_task(other.call("stay" if number % 2 else "brief")) for number in range(6)
            ]
            link = watch.switch._client._link
            assert link is not None
            link.end("cut by the test")
            await reconnected(watch, cut + 2)
            for callid in await asyncio.gather(*calls):
                with contextlib.suppress(EngineRefused):
                    await other.switch.hangup(callid, 16)
        await nothing_left(other.switch)
        living.take()
        await eventually(lambda: not living.channels, "all that began has ended")
        assert watch.told.count("connected") == 9
