"""Limits and password rules are settings of the API."""

from __future__ import annotations

from tests.support.api import running_api


async def test_limits_and_password_rules_are_settings() -> None:
    async with running_api() as api:
        token = await api.login()
        await api.core.api_settings.change(max_extensions=1, max_extension_groups=1, max_contacts=1)
        extension = {"username": "Ann", "registerpassword": "short"}

        async def add(number: str) -> str:
            body = {**extension, "number": number, "registername": number}
            answer = await api.post(f"extension/add?token={token}", body)
            return str(answer.get("errno", answer["status"]))

        assert await add("1000") == "10017", "a weak password"
        await api.core.api_settings.change(weak_passwords=True)
        extension["registerpassword"] = "only8chr"
        assert await add("1000") == "Success"
        assert await add("1001") == "10017", "no more extensions"
        group = {"name": "one", "members": "1000"}
        assert (await api.post(f"extensiongroup/add?token={token}", group))["status"] == "Success"
        group["name"] = "two"
        assert (await api.post(f"extensiongroup/add?token={token}", group))["errno"] == "10148"
        contact = {"firstname": "a", "lastname": "b", "mobile": "1"}
        assert (await api.post(f"companycontacts/add?token={token}", contact))["status"] == "Success"
        assert (await api.post(f"companycontacts/add?token={token}", contact))["errno"] == "10142"
        answer = await api.post(f"deviceinfo/query?token={token}")
        assert answer["deviceinfo"]["extensionstatus"] == "1/1"
