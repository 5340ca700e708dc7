"""Every parameter of trunks, routes, IVRs, queues, conferences and paging groups, held against the chapters.

The values come from `cases`; each is sent to a PBX that has one object of each kind. A refusal has the
chapter's errno and changes nothing; what is taken is shown as it was sent, and nothing else has changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from offhook.contract.params import declared_params
from tests.contract.cases import KEPT, Case, Param, routes, settings, trunks
from tests.support.contract import CONTRACT
from tests.support.switchboard import Switchboard, running_switchboard

pytestmark = pytest.mark.asyncio(loop_scope="module")

CASES = (*trunks.CASES, *routes.CASES, *settings.CASES)
CHAPTERS = ("trunk/", "inroute/", "outroute/", "ivr/", "queue/", "conference/", "paginggroup/", "hotel/")
LATER = {
    "queue/query_status",
    *(f"conference/{word}_member" for word in ("add", "kick", "mute", "unmute")),
    "conference/query_in_session",
    "paginggroup/hangup/music",
}
"""Of these chapters, what acts on calls and settings of which are not kept; tested with calls."""

BEYOND = {
    # an inbound route names trunks by InrouteInfo's words; these codes stand in no chapter for the endpoint
    "paginggroup/update": {10039},
}
"""Codes that a chapter does not give to the endpoint and that follow from another endpoint's."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def the_api() -> AsyncIterator[Switchboard]:
    async with running_switchboard() as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def api(the_api: Switchboard) -> AsyncIterator[Switchboard]:
    """The switchboard, as it was at first."""
    await the_api.begin_again()
    yield the_api


async def test_every_parameter_of_the_chapters_has_cases(api: Switchboard) -> None:
    wanted = {path for path in CONTRACT if path.startswith(CHAPTERS)} - LATER
    wanted -= {path for path in wanted if not CONTRACT[path]["params"]}
    assert {case.path for case in CASES} == wanted
    for path in wanted:
        endpoint = api.endpoint(path)
        covered = {name for case in CASES if case.path == path for name in case.params}
        assert covered == set(declared_params(endpoint.request)) == set(CONTRACT[path]["params"]), path


async def test_every_errno_is_one_that_the_chapter_gives_to_the_endpoint() -> None:
    for case in CASES:
        known = {*CONTRACT[case.path]["errors"], *BEYOND.get(case.path, set())}
        for name, param in case.params.items():
            said = {errno for _, errno in param.values() if isinstance(errno, int)}
            assert said <= known, f"{case.path} {name}: {said - known}"


PARAMS = [(case, name) for case in CASES for name in case.params]


@pytest.mark.parametrize(
    ("case", "name"), PARAMS, ids=[f"{case.path}-{case.label}-{name}" for case, name in PARAMS]
)
async def test_parameter(api: Switchboard, case: Case, name: str) -> None:
    before = await _shown(api, case, {}, case.base) if name not in {"id", "number"} else None
    wrong = []
    for sent, expected in case.params[name].values():
        problem = await _try(api, case, name, sent, expected, before)
        if problem:
            wrong.append(f"{str(sent)[:60]!r}: {problem}")
    assert not wrong, "\n".join(wrong)


async def _try(
    api: Switchboard, case: Case, name: str, sent: Any, expected: Any, before: dict[str, str] | None
) -> str:
    """One value; what is wrong with the answer, or nothing."""
    param = case.params[name]
    body = {**case.base, **param.more}
    body.pop(name, None)
    body["ofnobody" if sent is None else name] = sent or ""
    answer = await api.ask(case.path, body)
    try:
        if isinstance(expected, int):
            if answer.get("errno") != str(expected):
                return f"{answer}, not {expected}"
            return "it was refused and changed something" if await api.has_changed() else ""
        if answer["status"] != "Success":
            return f"{answer}"
        return await _look(api, case, name, param, answer, body, expected, before)
    finally:
        await api.restore()


async def _look(
    api: Switchboard,
    case: Case,
    name: str,
    param: Param,
    answer: dict[str, Any],
    body: dict[str, Any],
    expected: str | None,
    before: dict[str, str] | None,
) -> str:
    """Whether what was taken is shown, and nothing else has changed."""
    if case.shown is None or expected is None:
        return ""
    shown = await _shown(api, case, answer, body)
    if expected == KEPT:
        if before is None:
            return ""
        expected = before.get(name)
    if shown.get(name) != expected:
        return f"shown as {str(shown.get(name))[:60]!r}, not {str(expected)[:60]!r}"
    if before is None or case.path.endswith(("/add", "add_siptrunk")):
        return ""
    touched = {name, *param.more, *param.also}
    others = {key for key in shown.keys() | before.keys() if shown.get(key) != before.get(key)} - touched
    return f"{sorted(others)} have changed too" if others else ""


async def _shown(api: Switchboard, case: Case, answer: dict[str, Any], body: Any) -> dict[str, str]:
    """The object that the case made or changed, as its query shows it."""
    if case.shown is None:
        return {}
    path, key, items = case.shown
    if case.path.endswith(("/add", "add_siptrunk")) and "id" not in answer and key == "id":
        return {}
    identity = answer.get("id", body.get(key, case.base.get(key)))
    found = await api.ask(path, {key: identity})
    shown: dict[str, str] = found.get(items, [{}])[0]
    return shown


DESTINATIONS = [
    (kind, value, None if good else 10069)
    for kind, (names, others) in routes.DESTINATIONS.items()
    for good, values in ((True, names), (False, [*others, *(routes.NO_DESTINATION if names != [""] else [])]))
    for value in values
    if kind != "hangup" or good
]


async def test_destinations_of_inbound_routes(api: Switchboard) -> None:
    assert set(routes.DESTINATIONS) == set(CONTRACT["inroute/add"]["params"]["desttype"]["enum"])
    wrong = []
    for kind, value, errno in DESTINATIONS:
        for path, base in (("inroute/add", routes.INROUTE), ("inroute/update", {"id": "1"})):
            answer = await api.ask(path, {**base, "desttype": kind, "dest": value})
            if answer.get("errno") != (None if errno is None else str(errno)):
                wrong.append(f"{path} {kind} {str(value)[:40]!r}: {answer}")
            elif errno is None:
                shown = (await api.ask("inroute/query", {"id": answer.get("id", "1")}))["inroutes"][0]
                if (shown["desttype"], shown["dest"]) != (kind, "" if kind == "hangup" else value):
                    wrong.append(f"{path} {kind} {value} is shown as {shown}")
                await api.restore()
            elif await api.has_changed():
                wrong.append(f"{path} {kind} {value} was refused and changed something")
    assert not wrong, "\n".join(wrong)
