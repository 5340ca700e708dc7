"""The misprinted and older paths of the reference are served, and counted."""

from __future__ import annotations

import pytest

from offhook.contract.endpoint import ALIASES
from tests.support.api import running_api


@pytest.mark.parametrize(("alias", "path"), ALIASES.items())
async def test_an_alias_does_what_its_endpoint_does(alias: str, path: str) -> None:
    async with running_api() as api:
        token = await api.login()
        asked = [await api.post(f"{one}?token={token}", {"number": ""}) for one in (alias, path)]
        if api.registry.get(path) is None:
            assert asked[0]["errno"] == "10003"
            return
        assert asked[0] == asked[1]
        assert api.registry.alias_uses == {alias: 1}
