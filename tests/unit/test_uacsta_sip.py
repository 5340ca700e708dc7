"""SIP messages of the uaCSTA agent: strict reading, answers to challenges, addresses of phones."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from offhook.areas.uacsta.sip import (
    MAX_BYTES,
    Login,
    Message,
    SipError,
    authorization,
    contact_of,
    encode,
    parse,
    read_address,
    respond,
    written,
)

INFO = (
    b"INFO sip:192.168.5.1:5062 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 192.168.5.70:5060;branch=z9hG4bK1;rport, SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK0\r\n"
    b'f: "1000; tag=no" <sip:1000@pbx;tag=neither>;x=y; tag=phone\r\n'
    b"t: <sip:pbx>;tag=us\r\n"
    b"i: abc@x\r\n"
    b"CSeq: 7\r\n  INFO\r\n"
    b"c: Application/CSTA+XML ; charset=utf-8\r\n"
    b"l: 4\r\n\r\n<a/>surplus"
)


def test_a_request_of_a_phone() -> None:
    message = parse(INFO)
    assert (message.method, message.uri, message.status) == ("INFO", "sip:192.168.5.1:5062", 0)
    assert message.cseq == (7, "INFO")
    assert (message.branch, message.tag("from"), message.tag("to")) == ("z9hG4bK1", "phone", "us")
    assert (message.content_type, message.body) == ("application/csta+xml", b"<a/>")
    answer = parse(encode(respond(message, 200, "other")))
    assert answer.status == 200
    assert answer.tag("to") == "us", "a tag that is there stays"
    assert (answer.get("via"), answer.get("cseq")) == (message.get("via"), "7 INFO")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"SIP/2.0\r\nv", b"SIP/1.0\r\nv"),
        (b"INFO sip", b"INFO  sip"),
        (b"f: ", b"nobody: "),
        (b"i: abc@x\r\n", b""),
        (b"7\r\n  INFO", b"7 BYE"),
        (b"7\r\n  INFO", b"-7 INFO"),
        (b"7\r\n  INFO", b"2147483648 INFO"),
        (b"abc@x", b"abc\nx"),
        (b"abc@x", b"abc\rx"),
        (b"abc@x", b"abc\x00x"),
        (b"l: 4", b"l: 99"),
        (b"l: 4", b"l: -1"),
        (b"l: 4", b"l: four"),
        (b"\r\n\r\n", b"\r\n"),
        (b"i: ", b": "),
        (b"i: abc", b"x: 1\r\n" * 100 + b"i: abc"),
        (b"<a/>", b"x" * MAX_BYTES),
    ],
)
def test_what_is_no_message_is_refused(old: bytes, new: bytes) -> None:
    assert old in INFO
    with pytest.raises(SipError) as refused:
        parse(INFO.replace(old, new, 1))
    assert "abc" not in str(refused.value)


@given(st.binary(max_size=300))
def test_no_bytes_do_harm(data: bytes) -> None:
    for datagram in (data, INFO.replace(b"abc@x", data, 1), INFO.replace(b"phone", data, 1)):
        try:
            message = parse(datagram)
        except SipError:
            continue
        again = parse(encode(respond(message, 481, "t")))
        assert again.get("call-id") == message.get("call-id")


@given(st.text(max_size=60))
@example("1\r\nVia: x")
def test_no_value_adds_a_line(value: str) -> None:
    headers = (("via", "x"), ("from", "x"), ("to", "x"), ("cseq", "1 BYE"), ("call-id", value))
    try:
        data = encode(Message(headers, method="BYE", uri="sip:a"))
    except SipError:
        assert "\r" in value or "\n" in value
        return
    assert data.count(b"\r\n") == 8


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_the_answer_to_a_challenge_is_that_of_the_rfc() -> None:
    """RFC 7616, section 3.9.1 has the values, and RFC 2617, section 3.5 the same ones for MD5."""
    login = Login("Mufasa", "http-auth@example.org", md5("Mufasa:http-auth@example.org:Circle of Life"))
    challenge = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    answer = authorization(challenge, "GET", "/dir/index.html", login, cnonce)
    assert answer is not None
    assert 'response="8ca523f5e9506fed4657c9700eebdbec"' in answer
    assert 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' in answer


@pytest.mark.parametrize(
    "challenge",
    [
        'Digest realm="elsewhere", nonce="1"',
        'Digest realm="offhook"',
        'Digest realm="offhook", nonce="1", algorithm=SHA-256',
        'Digest realm="offhook", nonce="1", qop="auth-int"',
        'Basic realm="offhook"',
        "",
    ],
)
def test_other_challenges_get_no_answer(challenge: str) -> None:
    assert authorization(challenge, "INVITE", "sip:a", Login("1000", "offhook", md5("x")), "c") is None


def test_an_old_challenge_without_qop() -> None:
    login = Login("1000", "offhook", md5("1000:offhook:secret"))
    answer = authorization('digest realm="offhook", nonce="n"', "INVITE", "sip:a", login, "c")
    assert answer is not None
    expected = md5(":".join((login.ha1, "n", md5("INVITE:sip:a"))))
    assert f'response="{expected}"' in answer
    assert "qop" not in answer


@pytest.mark.parametrize(
    ("uri", "kept", "address"),
    [
        ("sip:1000@192.168.5.70:5060", "sip:1000@192.168.5.70:5060", ("192.168.5.70", 5060)),
        ("sip:1000@192.168.5.70", "sip:1000@192.168.5.70:5060", ("192.168.5.70", 5060)),
        (
            "sip:a%20b@10.0.0.1:7;line=x1;transport=UDP;x-ast-orig-host=1.2.3.4:5060",
            "sip:a%20b@10.0.0.1:7;line=x1;transport=UDP",
            ("10.0.0.1", 7),
        ),
        ("sip:1000@[2001:db8::1]:5070", "sip:1000@[2001:db8::1]:5070", ("2001:db8::1", 5070)),
    ],
)
def test_a_registered_phone(uri: str, kept: str, address: tuple[str, int]) -> None:
    contact = contact_of(uri)
    assert contact is not None
    assert (contact.uri, contact.address) == (kept, address)
    assert read_address(written(address)) == address


@pytest.mark.parametrize(
    "uri",
    [
        "sip:1000@phone.example:5060",
        "sip:1000@192.168.5.70:5060;transport=tcp",
        "sip:1000w@192.168.5.70:5060;transport=WS",
        "sips:1000@192.168.5.70:5061",
        "sip:1000@192.168.5.700:5060",
        "sip:1000@192.168.5.70:0",
        "sip:1000@192.168.5.70:65536",
        "sip:1000@0.0.0.0:5060",
        "sip:1000@224.0.1.75:5060",
        "sip:10 00@192.168.5.70:5060",
        "sip:1000@192.168.5.70:5060\r\nVia: x",
        "sip:1000@192.168.5.70:5060>;a=<b",
        f"sip:{'1' * 200}@192.168.5.70",
        "",
    ],
)
def test_what_udp_does_not_reach(uri: str) -> None:
    assert contact_of(uri) is None


def test_addresses_of_the_api() -> None:
    assert read_address("192.168.66.70") == ("192.168.66.70", 5060)
    assert read_address("[2001:db8:0::1]") == ("2001:db8::1", 5060)
    for wrong in (
        "",
        "nowhere",
        "1.2.3",
        "1.2.3.4:",
        "1.2.3.4:x",
        "1.2.3.4:70000",
        "1.2.3.4:5060 ",
        "::1:5060",
    ):
        assert read_address(wrong) is None, wrong
