"""The picture's tables: as mappings they are dicts, and none changes later, however much they share."""

from __future__ import annotations

import time
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from offhook.callstate import Picture, fold
from offhook.callstate.layers import Layers
from tests.unit.test_callstate_deciding import TRUNK, arrival, hangup, user

KEYS = st.sampled_from([str(n) for n in range(40)])
CHANGES = st.lists(st.tuples(KEYS, st.none() | st.integers(0, 9)), max_size=200)


@given(CHANGES, st.integers(1, 9))
def test_layers_are_dicts_and_never_change(changes: list[tuple[str, int | None]], at_once: int) -> None:
    layers, plain = Layers[int](), dict[str, int]()
    earlier = [(layers, dict(plain))]
    for at in range(0, len(changes), at_once):
        layers = layers.successor()
        for key, value in changes[at : at + at_once]:
            if value is None:
                layers.drop(key)
                plain.pop(key, None)
            else:
                layers.put(key, value)
                plain[key] = value
        earlier.append((layers, dict(plain)))
    for known, expected in earlier:
        assert known == expected
        assert len(known) == len(expected)
        assert sorted(known) == sorted(expected)
        assert [known.get(str(n), -1) for n in range(40)] == [expected.get(str(n), -1) for n in range(40)]
        assert [str(n) in known for n in range(40)] == [str(n) in expected for n in range(40)]


def test_the_order_is_that_of_coming() -> None:
    layers = Layers[int]()
    for number in range(1000):
        layers = layers.successor()
        layers.put(str(number), number)
        if number % 3 == 0:
            layers.drop(str(number // 2))
    gone = {number // 2 for number in range(0, 1000, 3)}
    assert list(layers.values()) == [number for number in range(1000) if number not in gone]


def _wait(calls: int) -> tuple[Picture, float]:
    """A picture in which so many calls wait for a word; CPU seconds per event."""
    picture, begin = Picture(), time.process_time()
    for number in range(calls):
        for event in (*arrival(number), user("OffhookInvite", number)):
            picture, _ = fold(picture, event)
    return picture, (time.process_time() - begin) / (3 * calls)


def _find(picture: Picture, calls: int) -> float:
    """CPU seconds per search of a call by its channel."""
    begin = time.process_time()
    for number in range(calls):
        call = picture.by_channel(f"{TRUNK}{number:08x}")
        assert call is not None
        assert call.callid == f"1700000000.{number}"
    return (time.process_time() - begin) / calls


def test_ten_thousand_calls_wait_at_no_more_cost_each_than_a_thousand() -> None:
    few, each_of_few = _wait(1_000)
    found_of_few = _find(few, 1_000)
    tracemalloc.start()
    try:
        grown, _ = _wait(300)
        assert len(grown.calls) == 300
        assert tracemalloc.get_traced_memory()[0] < 300 * 10_000, "bytes for three hundred waiting calls"
    finally:
        tracemalloc.stop()
    many, each = _wait(10_000)
    assert len(many.calls) == 10_000
    assert each < 2.5 * each_of_few
    assert _find(many, 10_000) < 3 * found_of_few
    begin = time.process_time()
    for number in range(10_000):
        for event in hangup(number):
            many, _ = fold(many, event)
    assert not many.calls
    assert not many.names
    assert (time.process_time() - begin) / 20_000 < 3 * each_of_few
