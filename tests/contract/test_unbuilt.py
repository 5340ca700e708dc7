"""What of the contract is not built yet answers Failed 10003, and stands in one list."""

from __future__ import annotations

from offhook.contract.unbuilt import CONTRACT_PATHS, unbuilt
from tests.support.api import running_api

CALL_CONTROL = {"call/query", "call/dial", "call/hangup"}


async def test_what_is_not_built_answers_10003() -> None:
    async with running_api() as api:
        missing = [path for path in unbuilt(api.registry) if path not in CALL_CONTROL]
        print("not built yet:", ", ".join(missing))
        assert {endpoint.path for endpoint in api.registry} <= CONTRACT_PATHS, "nothing beyond the contract"
        token = await api.login()
        for path in missing:
            answer = await api.post(f"{path}?token={token}")
            assert (answer["status"], answer["errno"]) == ("Failed", "10003"), path


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
