"""The data folder of the last release under this one, with phones: all works, and all is there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.support.oldstore import OLD, REVISION, old_folder, rows_of
from tests.support.pbx import TestPbx
from tests.support.phone import eventually
from tests.support.voicemail import fetch, leave, random_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

LASTING = (
    *("cdr", "cdr_parties", "recordings", "extensions", "extension_groups", "company_contacts", "trunks"),
    *("inroutes", "outroutes", "ivrs", "queues", "ringgroups", "conferences", "disas", "callbacks"),
    *("pinlists", "timeconditions", "mailboxes", "console_accounts", "identity"),
)
"""Tables of which nothing that this test does may change a row, at whatever date it runs."""


async def test_a_pbx_of_the_last_release_goes_on_under_this_one(tmp_path: Path) -> None:
    old_folder(tmp_path)
    before = rows_of(tmp_path / "offhook.db")
    pbx = TestPbx(tmp_path)
    await pbx.start()  # logs in with the old API password
    try:
        await _everything_is_listed(pbx)
        await _calls_work(pbx)
        await _what_was_kept_can_be_fetched(pbx)
        document = await pbx.core.apply.export()
        for name in ("carrier", "Board", "Loudspeakers", "6500", "06:45", "Dora", "staff", "remote"):
            assert name in document
        assert "m4il-Secret" not in document
        assert pbx.core.pbx_settings.opened(await _mail_password(pbx)) == "m4il-Secret", "by the old key"
    finally:
        await pbx.close()
    after = rows_of(tmp_path / "offhook.db")
    for table in LASTING:
        for row in before[table]:
            assert any(row.items() <= found.items() for found in after[table]), (table, row)
    assert (tmp_path / f"offhook.db.before-{REVISION}").is_file()


async def _mail_password(pbx: TestPbx) -> str:
    rows = rows_of(pbx.settings.data / "offhook.db")["pbx_settings"]
    return next(str(row["value"]) for row in rows if row["name"] == "mail.password")


async def _everything_is_listed(pbx: TestPbx) -> None:
    for endpoint, body, count in (
        ("extension/list", {}, 3),
        ("extensiongroup/query", {"id": "all"}, 1),
        ("trunk/list", {}, 1),
        ("inroute/query", {"id": "all"}, 11),
        ("outroute/query", {"id": "all"}, 2),
        ("ivr/query", {"number": "all"}, 2),
        ("queue/query", {"number": "all"}, 1),
        ("conference/query", {"number": "all"}, 1),
        ("paginggroup/list", {}, 2),
        ("wakeupcall/query", {"number": "all"}, 1),
        ("companycontacts/query", {"id": "all"}, 1),
    ):
        answer = await pbx.client.ok(endpoint, body)
        (found,) = (value for value in answer.values() if isinstance(value, list))
        assert len(found) == count, (endpoint, answer)


async def _calls_work(pbx: TestPbx) -> None:
    """Phones register with the passwords of then, and what they dial is read from the views of today."""
    ann, bob = await pbx.phone("1000"), await pbx.phone("1001", frequency=700)
    bob.auto_answer = True
    call = await ann.call("1001")
    await call.answered()
    await call.hangup()
    await eventually(lambda: pbx.receiver.named("NewCdr"), "the record")
    ivr = await ann.call("6500")
    await ivr.answered()
    await ivr.rtp.press("2")
    await eventually(lambda: any(one.is_up for one in bob.calls), "the ring group of the IVR's key", 15)
    await ivr.hangup()
    promised = {row["callid"] for row in rows_of(pbx.settings.data / "offhook.db")["cdr"]}
    assert "1795663000.1000001" in promised, "a call that was promised by the last release has its record"
    await leave(pbx.settings.data, ann, "1002", 0.5)


async def _what_was_kept_can_be_fetched(pbx: TestPbx) -> None:
    kept = {path.name: path.read_bytes() for path in (OLD / "data").rglob("*.wav")}
    _, message = await fetch(pbx, await random_of(pbx, "1002", "msg0000.wav"))
    assert message == kept["msg0000.wav"]
    ((name,),) = [[name] for name in kept if name.startswith("2026")]
    random = (await pbx.client.ok("recording/get_random", {"recording": name}))["random"]
    recording, _ = await pbx.client.download("recording/download", recording=name, random=random)
    assert recording == kept[name]
    stored = rows_of(pbx.settings.data / "offhook.db")["recordings"]
    assert [row["sha256"] for row in stored if row["name"] == name] == [hashlib.sha256(recording).hexdigest()]
    random = (await pbx.client.ok("cdr/get_random", {"number": "1000"}))["random"]
    file, _ = await pbx.client.download("cdr/download", random=random)
    assert name in file.decode(), json.dumps(file.decode())
