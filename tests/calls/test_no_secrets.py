"""No secret leaves: a PBX does many things with secrets that are known, and all that it says is read.

All that it says: logs of ours and of the engine, answers, the operators' answers, events, the journal, CEL,
the exported state. All that it keeps: the store, in which what is a password to us is hashed or sealed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from offhook.areas.apply.document import ApplyError
from tests.support.pbx import STRONG, TestPbx
from tests.support.phone import Phone

pytestmark = pytest.mark.asyncio(loop_scope="session")

API_PASSWORD = "ApiTest2019"
KEPT_HASHED_OR_SEALED = {
    "account": "Kx7marked1Account",
    "login": "Kx7marked2Login",
    "trunk": "Kx7marked3Trunk",
    "mail": "Kx7marked4Mail",
    "register": "Kx7marked5Register",
}
KEPT_FOR_THE_ENGINE = {  # it compares them with the keys that are pressed
    "box": "730581649",
    "route": "730581650",
    "disa": "730581651",
    "list": "730581652",
    "conference": "730581653",
    "queue": "730581654",
}
WRONG = "Kx7marked9Wrong"

DOCUMENT = """
apiaccounts: [{{username: marked, password: {account}, scopes: "read,control"}}]
mail: {{host: 127.0.0.1, port: 9, username: u, password: {mail}, fromaddress: a@b.example}}
outroutes: [{{name: marked, prefix: "9.", trunks: marked, extensions: "1000", password: "{route}"}}]
disa: [{{name: marked, password: "{disa}", outroutes: marked}}]
pinlists: [{{name: marked, pins: "{list}"}}]
conferences: [{{number: "6400", name: marked, participantepassword: "{conference}"}}]
queues: [{{number: "6700", queuename: marked, password: "{queue}"}}]
"""


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


async def test_no_secret_leaves(pbx: TestPbx, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    data = pbx.settings.data
    log = data / "asterisk" / "log" / "messages"
    begin = log.stat().st_size if log.exists() else 0
    secrets = {**KEPT_HASHED_OR_SEALED, **KEPT_FOR_THE_ENGINE}
    said: list[Any] = []

    # -- settings, by every way ---------------------------------------------------------------------------
    await pbx.extension(
        "1000",
        registerpassword=secrets["register"],
        loginpassword=secrets["login"],
        vmsecret=secrets["box"],
    )
    await pbx.extension("1001")
    trunk = {"trunkname": "marked", "trunktype": "register", "host": "127.0.0.2", "domain": "127.0.0.2"}
    trunk |= {"username": "u", "authname": "u", "password": secrets["trunk"], "port": "5999"}
    said.append(await pbx.client.post("trunk/add_siptrunk", trunk))
    document = DOCUMENT.format(**secrets)
    said.append((await pbx.core.apply.apply(document, dry_run=True)).lines)
    said.append((await pbx.core.apply.apply(document)).lines)
    for broken in (document.replace("pins:", "colour:"), document.replace("9.", "%%"), document + "x: ["):
        with pytest.raises(ApplyError) as refused:
            await pbx.core.apply.apply(broken)
        said.append(str(refused.value))
    said.append(await pbx.core.apply.export())
    said.append(await pbx.admin("PATCH", "/settings/mail", {"password": secrets["mail"]}))

    # -- who comes in, rightly and wrongly ------------------------------------------------------------------
    tokens, answers = [], []
    for username, password in (("marked", secrets["account"]), ("api", API_PASSWORD)):
        answer = await pbx.client.post(
            "login", {"username": username, "password": _md5(password), "port": "1"}, token=""
        )
        answer = await pbx.client.post("token/refresh", {"refreshtoken": answer["refreshtoken"]}, token="")
        tokens += [answer["token"], answer["refreshtoken"]]
    answers.append(await pbx.client.post("login", {"username": "marked", "password": _md5(WRONG)}, token=""))
    await pbx.client.post("login", {"username": "api", "password": _md5(API_PASSWORD)}, token="")
    identity = next(one["id"] for one in (await pbx.admin("GET", "/apiaccounts"))["items"])
    key = (await pbx.admin("POST", f"/apikeys/{identity}", {}, status=201))["key"]
    await pbx.core.access.authenticate_bearer(key, "127.0.0.1")
    link = await pbx.client.post("cdr/get_random", {"number": "all"}, token=tokens[0])
    tokens += [link["random"], key]

    # -- calls ----------------------------------------------------------------------------------------------
    async with Phone("1000", secrets["register"], pbx.registrar) as phone:
        assert await phone.register() == 200
        await _press(phone, secrets)
    await pbx.quiet()

    # -- what is shown --------------------------------------------------------------------------------------
    api = (await pbx.admin("GET", "/"))["kinds"]
    for kind in api:
        if kind in {"settings", "musiconhold", "dialplan", "recordings"}:
            continue
        said.append(await pbx.admin("GET", f"/{kind}"))
    for path in ("extension/query", "conference/query", "queue/query"):
        said.append(await pbx.client.post(path, {"number": "all"}, token=tokens[0]))
    for path in ("extension/list", "trunk/list", "call/query", "extension/query_call"):
        said.append(await pbx.client.post(path, {}, token=tokens[0]))
    said.append(await pbx.client.post("trunk/query_siptrunk", {"id": "all"}, token=tokens[0]))
    said.append(await pbx.client.post("outroute/query", {"id": "all"}, token=tokens[0]))
    said += [answers, pbx.receiver.events, caplog.text]

    said.append((data / "cel" / "cel.json").read_bytes().decode("utf-8", "replace"))
    if log.exists():
        said.append(log.read_bytes()[begin:].decode("utf-8", "replace"))
    told = json.dumps(said, ensure_ascii=False, default=str)
    forbidden = {**secrets, "api": API_PASSWORD, "wrong": WRONG, "phones": STRONG}
    forbidden |= {f"md5 of {name}": _md5(value) for name, value in forbidden.items()}
    forbidden |= {f"token {at}": token for at, token in enumerate(tokens)}
    assert not [name for name, value in forbidden.items() if value in told]

    # -- what is kept ---------------------------------------------------------------------------------------
    await asyncio.to_thread(pbx.core.store.engine.dispose)
    store = b"".join(path.read_bytes() for path in data.glob("offhook.db*"))
    kept = {name: value for name, value in forbidden.items() if name not in KEPT_FOR_THE_ENGINE}
    assert not [name for name, value in kept.items() if value.encode() in store]
    others = [path for path in _files(data) if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    inside = [path for path in others if not any(_is_closed(parent) for parent in path.parents)]
    assert not inside, "nobody else on this machine reads any of it"


async def _press(phone: Phone, secrets: Mapping[str, str]) -> None:
    """Type PINs where they are asked for."""
    for number, secret in (("*2", secrets["box"]), ("6400", secrets["conference"])):
        call = await phone.call(number)
        await call.answered()
        await call.rtp.press(f"{secret}#")
        await call.hangup()


def _is_closed(folder: Path) -> bool:
    return not folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
