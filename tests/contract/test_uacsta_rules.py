"""uacstacall/* without a phone: what is missing, who does not exist, and 10153 while it is off (spec 14)."""

from __future__ import annotations

import pytest

from tests.support.api import running_api

GOOD = {"extnumber": "1000", "cstacallid": "32784", "ipaddress": "192.168.66.70:5060"}


@pytest.mark.parametrize("path", ["accept_inbound", "refuse_inbound", "hangup"])
async def test_refusals(path: str) -> None:
    async with running_api() as api:
        token = await api.login()

        async def errno(**changes: object) -> str:
            body = {name: value for name, value in (GOOD | changes).items() if value is not None}
            return str((await api.post(f"uacstacall/{path}?token={token}", body)).get("errno"))

        for name in GOOD:
            assert await errno(**{name: ""}) == "10004"
            assert await errno(**{name: None}) == "10004"
        assert await errno() == "10006"
        extension = {"username": "Ann", "registerpassword": "v0S*ZrB6Y3g~1-oe", "registername": "1000"}
        added = await api.post(f"extension/add?token={token}", {**extension, "number": "1000"})
        assert added["status"] == "Success"
        assert await errno() == "10153"
        assert await errno(cstacallid=32784) == "10153"
        assert await errno(cstacallid="a b") == "10153"
        assert await errno(ipaddress="a b") == "10153"
        assert await errno(extnumber="1001") == "10006"
