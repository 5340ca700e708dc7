"""The link to the engine against a small server that speaks AMI and does what a test wants."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import AsyncIterator

import pytest

from offhook.asterisk.ami import client as client_module
from offhook.asterisk.ami.client import (
    AmiClient,
    AmiRefused,
    AmiTimeout,
    AmiUnreachable,
    State,
)
from offhook.asterisk.ami.link import UNSENT_MAX
from offhook.asterisk.ami.pending import PendingActions
from offhook.asterisk.ami.wire import Message, WireError
from tests.support.ami_server import FAST, SECRET, Engine, Link, say, silent, until


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine()
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
async def link(engine: Engine) -> AsyncIterator[Link]:
    link = Link(engine)
    link.client.start()
    await until(lambda: link.client.up)
    yield link
    await link.client.close()


async def test_it_logs_in_without_sending_the_secret(engine: Engine, link: Link) -> None:
    assert engine.names()[:2] == ["Challenge", "Login"]
    assert not any(SECRET in value for action in engine.actions for value in action.values())
    assert link.told[0] == "connected"


async def test_an_action_gets_its_own_answer(engine: Engine, link: Link) -> None:
    kept: list[Message] = []
    engine.replies["Slow"] = lambda _engine, action, _writer: kept.append(action)
    slow = asyncio.create_task(link.client.action("Slow"))
    await until(lambda: kept)
    assert (await link.client.action("Ping"))["Ping"] == "Pong"
    assert not slow.done()
    say(engine.writers[-1], kept[0], "Response: Success; Message: at last")
    assert (await slow)["Message"] == "at last"


async def test_a_refusal_carries_the_engines_words(link: Link) -> None:
    with pytest.raises(AmiRefused, match="Invalid/unknown command"):
        await link.client.action("Nonsense")


async def test_no_answer_in_time(engine: Engine, link: Link) -> None:
    engine.replies["Slow"] = silent
    with pytest.raises(AmiTimeout, match=r"Slow: no answer in 0\.02 s"):
        await link.client.action("Slow", seconds=0.02)


async def test_a_header_that_cannot_be_sent_reaches_nobody(engine: Engine, link: Link) -> None:
    before = len(engine.actions)
    with pytest.raises(WireError):
        await link.client.action("Ping", [("Variable", "x\r\nAction: Hangup")])
    await link.client.action("Ping")
    assert engine.names()[before:] == ["Ping"]


async def test_a_list_is_gathered_with_events_in_between(engine: Engine, link: Link) -> None:
    def reply(engine: Engine, action: Message, writer: asyncio.StreamWriter) -> None:
        say(writer, action, "Response: Success; EventList: start", "Event: Item; Name: a")
        engine.event("Hangup; Uniqueid: 1")
        say(writer, action, "Event: Item; Name: b", "Event: Done; EventList: Complete; ListItems: 2")

    engine.replies["List"] = reply
    assert [item["Name"] for item in await link.client.list_action("List")] == ["a", "b"]
    assert link.seen() == ["Hangup"]


async def test_a_list_that_is_refused(engine: Engine, link: Link) -> None:
    engine.replies["List"] = lambda _engine, action, writer: say(
        writer, action, "Response: Error; Message: No"
    )
    with pytest.raises(AmiRefused, match="No"):
        await link.client.list_action("List")


async def test_originate_response_is_an_event_and_no_answer(engine: Engine, link: Link) -> None:
    def reply(_engine: Engine, action: Message, writer: asyncio.StreamWriter) -> None:
        say(writer, action, "Event: OriginateResponse; Response: Failure; Uniqueid: 1.1")
        say(writer, action, "Response: Success; Message: Originate successfully queued")

    engine.replies["Originate"] = reply
    assert (await link.client.action("Originate"))["Message"] == "Originate successfully queued"
    await until(link.seen)
    assert link.seen() == ["OriginateResponse"]


async def test_what_comes_late_of_a_list_is_no_news(engine: Engine, link: Link) -> None:
    kept: list[Message] = []
    engine.replies["List"] = lambda _engine, action, _writer: kept.append(action)
    with pytest.raises(AmiTimeout):
        await link.client.list_action("List", seconds=0.02)
    writer = engine.writers[-1]
    say(
        writer,
        kept[0],
        "Response: Success; EventList: start",
        "Event: Item",
        "Event: Done; EventList: Complete",
    )
    engine.event("Hangup; Uniqueid: 1")
    await until(link.seen)
    assert link.seen() == ["Hangup"]


async def test_the_dialplan_cannot_answer_for_the_engine(engine: Engine, link: Link) -> None:
    kept: list[Message] = []
    engine.replies["List"] = lambda _engine, action, _writer: kept.append(action)
    waiting = asyncio.create_task(link.client.list_action("List"))
    await until(lambda: kept)
    for number in range(20):
        engine.event(f"UserEvent; ActionID: {number}; EventList: Complete")
    await until(lambda: len(link.seen()) == 20)
    assert not waiting.done()
    say(engine.writers[-1], kept[0], "Response: Success", "Event: Done; EventList: Complete")
    assert await waiting == []


async def test_ids_of_actions_cannot_be_guessed() -> None:
    one, other = PendingActions().open(wants_list=False), PendingActions().open(wants_list=False)
    assert one.key != other.key
    assert min(len(one.key), len(other.key)) >= 12


async def test_events_wait_until_the_snapshot_is_taken(engine: Engine) -> None:
    link = Link(engine)
    go_on = asyncio.Event()
    snapshot: list[str] = []

    async def connected() -> None:
        engine.event("Newchannel; Uniqueid: 1")
        snapshot.extend(item["Name"] for item in await link.client.list_action("List"))
        engine.event("Hangup; Uniqueid: 1")
        await go_on.wait()

    link.on_connected = connected
    link.client.start()
    await until(lambda: snapshot)
    assert (link.client.state, link.batches, snapshot) == (State.SYNCING, [], ["a", "b"])
    go_on.set()
    await until(lambda: "Hangup" in link.seen())
    assert link.seen() == ["Newchannel", "Hangup"]
    assert link.told[:2] == ["connected", "events"]
    await link.client.close()


async def test_too_many_waiting_events_begin_anew(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "WAITING_MAX", 10_000)
    link = Link(engine)
    never = asyncio.Event()

    async def connected() -> None:
        if link.told.count("connected") == 1:
            for _ in range(200):
                engine.event("Newchannel; Padding: " + "x" * 100)
            await never.wait()

    link.on_connected = connected
    link.client.start()
    await until(lambda: link.client.up)
    assert link.told.count("connected") == 2
    assert link.seen() == []
    await link.client.close()


async def test_the_engine_has_to_finish_booting(engine: Engine) -> None:
    def reply(_engine: Engine, action: Message, writer: asyncio.StreamWriter) -> None:
        say(writer, action, "Response: Success; Message: Authentication accepted")

    engine.replies["Login"] = reply
    link = Link(engine)
    link.client.start()
    await until(lambda: "Login" in engine.names())
    assert (link.client.state, link.told) == (State.LOGGING_IN, [])
    engine.event("FullyBooted; Status: Fully Booted")
    await until(lambda: link.client.up)
    await link.client.close()


async def test_a_wrong_secret_is_told_once_and_tried_again(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.secret = "another"
    link = Link(engine)
    with caplog.at_level(logging.WARNING):
        link.client.start()
        await until(lambda: engine.names().count("Login") >= 3)
        assert [record.getMessage() for record in caplog.records] == ["ami: no link: Authentication failed"]
        engine.secret = SECRET
        await until(lambda: link.client.up)
    assert SECRET not in caplog.text
    assert "lost" not in link.told
    await link.client.close()


async def test_a_lost_link_is_made_anew_and_fails_what_waits(engine: Engine, link: Link) -> None:
    engine.replies["Slow"] = silent
    waiting = asyncio.create_task(link.client.action("Slow"))
    await until(lambda: "Slow" in engine.names())
    await engine.stop()
    with pytest.raises(AmiUnreachable):
        await waiting
    await until(lambda: "lost" in link.told)
    with pytest.raises(AmiUnreachable):
        await link.client.action("Ping")
    await engine.start()
    await until(lambda: link.client.up)
    assert [word for word in link.told if word != "events"] == ["connected", "lost", "connected"]
    engine.event("Hangup; Uniqueid: 1")
    await until(link.seen)


async def test_a_late_pong_is_loss_of_sync(engine: Engine, link: Link) -> None:
    engine.stalled = True
    link.client.busy = True
    await until(lambda: "lost" in link.told)
    engine.stalled = False
    await until(lambda: link.client.up)
    assert [word for word in link.told if word != "events"] == ["connected", "lost", "connected"]


async def test_busy_ends_the_rest_between_pings(engine: Engine, link: Link) -> None:
    # At rest the next Ping would come in 30 s.
    assert "Ping" not in engine.names()
    link.client.busy = True
    await until(lambda: engine.names().count("Ping") > 3)
    assert link.client.busy


async def test_an_answer_that_came_while_the_loop_was_held_up_counts(engine: Engine, link: Link) -> None:
    kept: list[Message] = []
    engine.replies["Slow"] = lambda _engine, action, _writer: kept.append(action)
    asked = asyncio.create_task(link.client.action("Slow", seconds=0.1))
    await until(lambda: kept)
    # Already in the socket's buffer when the loop comes back, long after the time-out.
    say(engine.writers[-1], kept[0], "Response: Success; Message: in time")
    time.sleep(0.2)  # noqa: ASYNC251 - the loop has to be held up
    assert (await asked)["Message"] == "in time"


async def test_a_stranger_on_the_port_is_no_engine(caplog: pytest.LogCaptureFixture) -> None:
    def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n")
        strangers.append(writer)

    strangers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    engine = Engine()
    engine.port = server.sockets[0].getsockname()[1]
    link = Link(engine)
    link.client.start()
    await until(lambda: "greet" in caplog.text)
    assert link.told == []
    await link.client.close()
    for stranger in strangers:
        stranger.close()
    server.close()


async def test_no_address_is_no_reason_to_give_up(engine: Engine) -> None:
    asked = 0

    def address() -> tuple[str, int, str, str]:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise RuntimeError("the engine does not run")
        return "127.0.0.1", engine.port, "offhook", SECRET

    link = Link(engine)
    client = AmiClient(
        address,
        on_events=lambda _events: None,
        on_connected=link.on_connected,
        on_lost=lambda: None,
        timing=FAST,
    )
    client.start()
    await until(lambda: client.up)
    await client.close()


async def test_a_failing_snapshot_is_taken_again(engine: Engine) -> None:
    link = Link(engine)

    async def connected() -> None:
        if link.told.count("connected") < 3:
            raise RuntimeError("the store is away")

    link.on_connected = connected
    link.client.start()
    await until(lambda: link.client.up)
    assert link.told.count("connected") == 3
    await link.client.close()


async def test_a_consumer_that_fails_does_not_stop_the_link(
    engine: Engine, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_events: list[Message]) -> None:
        raise RuntimeError("misread")

    with monkeypatch.context() as patch:
        patch.setattr(link.client, "_on_events", fail)
        engine.event("Newchannel; Uniqueid: 1")
        await link.client.action("Ping")
    engine.event("Hangup; Uniqueid: 1")
    await until(link.seen)
    assert (link.seen(), link.client.up) == (["Hangup"], True)


async def test_events_that_follow_each_other_gather(engine: Engine) -> None:
    """Two hundred events, a millisecond or so apart, wake the consumer far less than two hundred times."""
    link = Link(engine, dataclasses.replace(FAST, gather=0.05))
    link.client.start()
    await until(lambda: link.client.up)
    writer = engine.writers[-1]
    for number in range(200):
        engine.event(f"Newstate; Number: {number}")
        await writer.drain()
        await asyncio.sleep(0.0002)
    await until(lambda: len(link.seen()) == 200)
    numbers = [event["Number"] for batch in link.batches for event in batch if event.event == "Newstate"]
    assert numbers == [str(number) for number in range(200)]
    assert len(link.batches) < 100
    await link.client.close()


async def test_an_engine_that_reads_nothing_gets_no_more_actions(engine: Engine, link: Link) -> None:
    engine.writers[-1].transport.pause_reading()  # type: ignore[attr-defined]
    filler = [("Data", "x" * 900)] * 90
    # one after the other, and with time: a machine that is slow must not be taken for an engine that is
    asked: list[asyncio.Task[Message]] = []
    while len(asked) < 400 and not any(task.done() for task in asked):
        asked.append(asyncio.create_task(link.client.action("Slow", filler, seconds=60)))
        await asyncio.sleep(0)
    *taken, refused = asked
    assert "takes no more" in str(refused.exception())
    assert len(taken) * 90 * 900 > UNSENT_MAX, "as many as may wait are taken"
    await link.client.close()
    for task in asked:
        with pytest.raises(AmiUnreachable):
            await task
    assert "Slow" not in engine.names()


async def test_close_ends_what_waits_and_tells_nobody(engine: Engine) -> None:
    engine.replies["Slow"] = silent
    link = Link(engine)
    link.client.start()
    await until(lambda: link.client.up)
    waiting = asyncio.create_task(link.client.action("Slow"))
    await until(lambda: "Slow" in engine.names())
    await link.client.close()
    with pytest.raises(AmiUnreachable):
        await waiting
    assert (link.client.state, "lost" in link.told) == (State.CLOSED, False)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("ami")]
    link.client.start()
    with pytest.raises(RuntimeError):
        link.client.start()
    await until(lambda: link.client.up)
    await link.client.close()
    await link.client.close()
