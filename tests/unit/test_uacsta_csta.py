"""Bodies of ECMA-323: what phones of any edition say is read, what is hostile is refused."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.areas.uacsta import csta
from offhook.areas.uacsta.csta import (
    CallEvent,
    CstaError,
    EventKind,
    Local,
    Other,
    Refusal,
    Reply,
    RunningCall,
    read_csta,
)
from offhook.areas.uacsta.markup import MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, MarkupError, read_markup

ED = "http://www.ecma-international.org/standards/ecma-323/csta/ed"


def event(name: str, inner: str, edition: int = 3) -> bytes:
    return f'<?xml version="1.0"?><{name} xmlns="{ED}{edition}">{inner}</{name}>'.encode()


@pytest.mark.parametrize("edition", [3, 4, 5])
def test_a_call_that_rings(edition: int) -> None:
    body = event(
        "DeliveredEvent",
        "<monitorCrossRefID>1</monitorCrossRefID>"
        "<connection><callID>32788</callID><deviceID>1000</deviceID></connection>"
        "<alertingDevice><deviceIdentifier>1000</deviceIdentifier></alertingDevice>"
        "<callingDevice><deviceIdentifier>1001</deviceIdentifier></callingDevice>"
        "<localConnectionInfo>alerting</localConnectionInfo><cause>newCall</cause>",
        edition,
    )
    heard, namespace = read_csta(body)
    assert heard == CallEvent(kind=EventKind.DELIVERED, callid="32788", deviceid="1000", local=Local.ALERTING)
    assert namespace == f"{ED}{edition}"


def test_prefixes_blanks_and_encodings_do_not_matter() -> None:
    text = (
        f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<c:EstablishedEvent xmlns:c="{ED}5">\n'
        "  <c:establishedConnection>\n    <c:callID> 7 </c:callID>\n    <c:deviceID>sip:a@b</c:deviceID>\n"
        "  </c:establishedConnection>\n  <c:answeringDevice><c:deviceIdentifier>M\xfcller"
        "</c:deviceIdentifier></c:answeringDevice>\n</c:EstablishedEvent>\n"
    )
    for encoding in ("iso-8859-1", "utf-16"):
        heard, namespace = read_csta(text.replace("ISO-8859-1", encoding).encode(encoding))
        assert heard == CallEvent(kind=EventKind.ESTABLISHED, callid="7", deviceid="sip:a@b")
        assert namespace == f"{ED}5"


@pytest.mark.parametrize(
    ("name", "inner", "local"),
    [
        ("ConnectionClearedEvent", "<droppedConnection>{}</droppedConnection>", Local.UNSAID),
        (
            "ConnectionClearedEvent",
            "<droppedConnection>{}</droppedConnection><localConnectionInfo>null</localConnectionInfo>",
            Local.NONE,
        ),
        ("CallClearedEvent", "<clearedCall>{}</clearedCall>", Local.UNSAID),
        ("DivertedEvent", "<connection>{}</connection><divertingDevice/>", Local.UNSAID),
        ("OriginatedEvent", "<originatedConnection>{}</originatedConnection>", Local.UNSAID),
        ("ServiceInitiatedEvent", "<initiatedConnection>{}</initiatedConnection>", Local.UNSAID),
    ],
)
def test_each_event_names_its_call(name: str, inner: str, local: Local) -> None:
    heard, _ = read_csta(event(name, inner.format("<callID>9</callID><deviceID>1000</deviceID>")))
    assert heard == CallEvent(kind=EventKind(name), callid="9", deviceid="1000", local=local)


def test_responses_and_refusals() -> None:
    assert read_csta(event("MonitorStartResponse", ""))[0] == Reply("MonitorStartResponse")
    refusal = event("CSTAErrorCode", "<operation>invalidCallID\n\x7f</operation>")
    assert read_csta(refusal)[0] == Refusal("invalidCallID\\n\\x7f")
    assert read_csta(event("CSTAErrorCode", "<systemResourceAvailability/>"))[0] == Refusal(
        "systemResourceAvailability"
    )
    long = read_csta(event("CSTAErrorCode", f"<operation>{'x' * 500}</operation>"))[0]
    assert isinstance(long, Refusal)
    assert len(long.reason) == 64
    assert read_csta(event("HeldEvent", ""))[0] == Other()
    assert read_csta(b"<x xmlns='http://elsewhere.example/ed3'/>") == (Other(), "")


def test_a_snapshot() -> None:
    info = (
        "<snapshotDeviceResponseInfo><connectionIdentifier><callID>{}</callID><deviceID>1000</deviceID>"
        "</connectionIdentifier><localCallState><compoundCallState><localConnectionState>{}"
        "</localConnectionState></compoundCallState></localCallState></snapshotDeviceResponseInfo>"
    )
    inner = info.format("1", "alerting") + info.format("2", "connected") + info.format("no token", "hold")
    body = f"<crossRefIDorSnapshotData><snapshotData>{inner}</snapshotData></crossRefIDorSnapshotData>"
    heard, _ = read_csta(event("SnapshotDeviceResponse", body))
    assert heard == Reply(
        "SnapshotDeviceResponse",
        (RunningCall("1", "1000", Local.ALERTING), RunningCall("2", "1000", Local.CONNECTED)),
    )


ENTITY = '<!DOCTYPE a [<!ENTITY x "y">]>'
LAUGHS = (
    "<!DOCTYPE a [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 9))
    + "]><a>&a8;</a>"
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no xml",
        b"<a>",
        b"<a/><b/>",
        b"<a>&#0;</a>",
        b"\xff\xfe\xfd",
        b"<a>\xff</a>",
        b'<?xml version="1.0" encoding="none-such"?><a/>',
        f"{ENTITY}<a>&x;</a>".encode(),
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b"<a>&nobody;</a>",
        LAUGHS.encode(),
        b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1),
        b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>",
        b"<a>" + b" " * MAX_BYTES + b"</a>",
    ],
)
def test_hostile_xml_is_refused(body: bytes) -> None:
    with pytest.raises(MarkupError) as refused:
        read_markup(body)
    assert "passwd" not in str(refused.value)
    with pytest.raises(CstaError):
        read_csta(body)


@pytest.mark.parametrize("callid", ["", " ", "a b", "1\n2", "<1>", "1&2", "x" * 65, "\u0663", '1"'])
def test_an_id_that_is_no_token_is_refused(callid: str) -> None:
    body = event("DeliveredEvent", f"<connection><callID>{escape(callid)}</callID></connection>")
    with pytest.raises(CstaError):
        read_csta(body)
    with pytest.raises(CstaError):
        read_csta(event("DeliveredEvent", "<connection/>"))


@given(st.binary(max_size=400))
def test_no_bytes_do_harm(body: bytes) -> None:
    try:
        heard, _ = read_csta(body)
    except CstaError:
        return
    assert isinstance(heard, CallEvent | Reply | Refusal | Other)


_NAMES = [
    *(kind.value for kind in EventKind),
    "CSTAErrorCode",
    "SnapshotDeviceResponse",
    "callID",
    "deviceID",
]


@given(
    st.recursive(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20).map(escape),
        lambda inner: st.builds(
            lambda name, parts: f"<{name}>{''.join(parts)}</{name}>",
            st.sampled_from([*_NAMES, "connection", "localConnectionInfo", "snapshotDeviceResponseInfo"]),
            st.lists(inner, max_size=4),
        ),
        max_leaves=20,
    ),
    st.sampled_from(_NAMES),
)
def test_any_element_anywhere_is_read_or_refused(inner: str, root: str) -> None:
    try:
        heard, _ = read_csta(f"<{root}>{inner}</{root}>".encode())
    except CstaError:
        return
    if isinstance(heard, CallEvent):
        assert re.fullmatch(csta.CALLID_PATTERN, heard.callid, re.ASCII)
        assert heard.deviceid.isprintable()
    if isinstance(heard, Refusal):
        assert heard.reason.isascii()
        assert heard.reason.isprintable()


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=40))
def test_what_we_write_reads_back(device: str) -> None:
    for body, name, path in (
        (csta.answer_call("32784", device), "AnswerCall", ("callToBeAnswered", "deviceID")),
        (csta.clear_connection("32784", device), "ClearConnection", ("connectionToBeCleared", "deviceID")),
        (csta.monitor_start(device), "MonitorStart", ("monitorObject", "deviceObject")),
    ):
        root, namespace = read_markup(body)
        assert (root.name, namespace) == (name, csta.NAMESPACE)
        inner = root.child(path[0])
        assert inner is not None
        assert inner.value(path[1]) == device.strip()
    root, _ = read_markup(csta.snapshot_device(device))
    assert root.value("snapshotObject") == device.strip()
