"""Each of the contract's 157 error codes: the test in which it comes, or why it never does (spec 16-errors).

`SHOWN` names the test file by code; `CASES` has the codes of trunks, routes and the other settings, each with
the values that bring it about. A code that is sent and not listed, or listed and not sent, fails here.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from offhook.contract.errors import Errno
from tests.contract.cases import routes, settings, trunks
from tests.support.switchboard import running_switchboard

TESTS = Path(__file__).parents[1]
CASES = (*trunks.CASES, *routes.CASES, *settings.CASES)

SHOWN = {
    "calls/test_call_rules.py": [10004, 10005, 10031, 10101, 10103, 30002],
    "calls/test_uacsta.py": [10006, 10153],
    "calls/test_live_control.py": [10008, 10009, 10010, 10102, 10151],
    "calls/test_invite.py": [10016],
    "calls/test_incoming.py": [10011],
    "calls/test_live_states.py": [10007, 10015, 10116, 10152],
    "contract/test_error_codes.py": [10082],
    "contract/test_extension_rules.py": [10017, 10028, 10033, 10143, 10144, 10145, 10148, 10149],
    "contract/test_switchboard_answers.py": [10032, 10040, 10041, 10060, 10070, 10081],
    "calls/test_playprompt.py": [10104],
    "calls/test_dial_failures.py": [10024, 10100],
    "contract/test_numbers.py": [10037],
    "contract/test_cdr.py": [20015, 20019, 20020, 20021, 20022],
    "contract/test_linkus.py": [10132, 10134, 10135],
    "contract/test_voicemail_rules.py": [20015, 20016, 20017, 20018],
    "calls/test_conferences_live.py": [10105, 10106, 10110],
    "calls/test_instant_conferences.py": [10112, 10113],
    "unit/test_contacts_rules.py": [10139, 10140, 10142],
    "contract/test_wakeup.py": [10020, 10021, 10022],
    "contract/test_requests_raw.py": [10003, 20000, 20001, 20005, 20007, 20009, 20010, 30003],
    "contract/test_recordings.py": [20012, 20014],
    "unit/test_access.py": [20002, 20003, 20004, 20006, 20008, 20011],
}
NEVER = {
    10002: "XML belongs to version 1; what is no JSON is 20000",
    10014: "a number that no ring group has is an outside number: 10011, 10100",
    10025: "a change is in force at once, so nothing has to be applied",
    10034: "unreadable in the reference; a wrong setting of a paging group is 10039",
    10035: "unreadable in the reference; deleting a paging group in use says it to operators only",
    10061: "a trunk in use is deleted and taken out of its routes",
    10071: "nothing can name an inbound route, so deleting one cannot fail",
    **dict.fromkeys(range(10088, 10093), "trunks of this API have no DID numbers"),
    10107: "unreadable in the reference; what a conference's state forbids is 10112",
    10115: "hold music is chosen by the operators' API; a prompt that is missing is 10023",
    **dict.fromkeys(range(10117, 10132), "their columns cannot be matched; contacts use 10139, 10140, 10142"),
    10133: "a client has no other setting than on and off, whose wrong value is 10132",
    10136: "there can be as many clients as extensions",
    10137: "second candidate for what 10139 is used for",
    10138: "unreadable in the reference",
    10141: "second candidate for what 10140 is used for",
    10146: "a group in use can be changed and deleted; lists that name it lose it",
    20013: "login has no verification code",
    30001: "memory for JSON is never short before the process ends",
}


async def test_an_outbound_route_in_use_is_not_deleted() -> None:
    async with running_switchboard() as api:
        await api.refused("outroute/delete", 10082, id="1")


def _of_cases() -> set[int]:
    return {
        errno
        for case in CASES
        for param in case.params.values()
        for _, errno in param.values()
        if isinstance(errno, int)
    }


def test_every_code_is_shown_or_has_its_reason() -> None:
    shown = {code for codes in SHOWN.values() for code in codes} | _of_cases()
    known = {int(code) for code in Errno} | set(range(10117, 10132)) | {10138}
    assert len(known) == 157
    assert shown | NEVER.keys() == known
    assert not shown & NEVER.keys()


@pytest.mark.parametrize("file", SHOWN)
def test_a_code_stands_where_it_is_said_to(file: str) -> None:
    text = (TESTS / file).read_text(encoding="utf-8")
    missing = [
        code
        for code in SHOWN[file]
        if not re.search(rf"\b{code}\b", text) and f"Errno.{Errno(code).name}" not in text
    ]
    assert not missing
