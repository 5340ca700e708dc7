"""The operators' stop of calls to the outside and the view of what was used, without an engine."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from offhook.operations import Operations
from tests.support.admin import Admin
from tests.support.api import TestApi, running_api

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api() -> AsyncIterator[TestApi]:
    async with running_api() as api:
        yield api


async def _stopped(api: TestApi) -> tuple[bool, str]:
    """As it is asked for, and as the dialplan sees it."""
    query = "SELECT stop FROM v_spenders WHERE caller = 'transit'"
    seen = await api.core.store.read(lambda connection: connection.exec_driver_sql(query).scalar_one())
    return await api.core.outside_stop.stopped(), str(seen)


async def test_the_stop_by_the_api_and_by_command(api: TestApi) -> None:
    admin, operations = Admin(api.port, api.core.first_passwords.console), Operations(api.core)
    assert await _stopped(api) == (False, "0")
    assert await admin.ok("POST", "/spending/stop", {"endcalls": False}) == {"ended": 0}
    assert await _stopped(api) == (True, "1")
    assert (await operations.perform("outbound-show", {}))["lines"] == ["Calls to the outside are stopped."]
    assert (await operations.perform("outbound-resume", {}))["lines"]
    assert await _stopped(api) == (False, "0")
    # the running calls cannot be ended where no engine answers; no new one begins all the same
    await admin.refused(409, "POST", "/spending/stop", {"endcalls": True})
    assert await _stopped(api) == (True, "1")
    assert (await admin.ask("POST", "/spending/resume")).status == 204
    assert await _stopped(api) == (False, "0")
    await admin.refused(400, "POST", "/spending/stop", {"endcalls": "perhaps"})
    await admin.refused(400, "POST", "/spending/stop", {"all": True})
    assert await admin.ok("GET", "/spending") == {"stopped": False, "known": False, "items": []}
    await admin.refused(409, "DELETE", "/spending/1001")
    await admin.refused(404, "DELETE", "/spending/..%2f1001")
    await admin.refused(405, "DELETE", "/spending")
    assert await _stopped(api) == (False, "0")
