"""spec 03-trunk."""

from __future__ import annotations

from tests.contract.cases import CONTROL, KEPT, WILD, WILD_LIST, WILD_NAME, Case, Param, chosen, forbidden

NAME = "!$()/#;,[]\"=<>&'`^%@{}|"
ACCOUNT = " ;&\"'\\<>`|"
FROM = " :!$()/#;,[]\\\"=<>&'`^%@{}|"
DOD = "&'<>`|$]\\\"{}%;@"
LONG = "x" * 300

HOSTS = (
    "192.0.2.7",
    "sip.example.org",
    "2001:db8::1",
    ("[2001:db8::1]", "2001:db8::1"),
    "a-1.example.",
    "localhost",
    "a" * 63 + ".example",
)
NO_HOSTS = (
    "a b",
    "1.2.3",
    "999.1.1.1",
    "-a",
    "a-",
    "a..b",
    ".a",
    "a_b",
    "${x}",
    "fe80::1%eth0",
    "fe80::1%a\nb",
    "2001:db8::1%;x",
    "a" * 64,
    "a." * 127 + "a",
    "http://a",
    "a:5060",
    "ü.example",
    "a\u2028b",
    LONG,
    *forbidden(CONTROL + "/;,%\"'\\<>[]@"),
)


def _trunkname(missing: int | str, empty: int | str) -> Param:
    return Param(
        [
            "Büro 1",
            "a-b.c:d?e*f+g~h_i",
            "x" * 31,
            "日本語",
            (True, "true"),
            (7, "7"),
            ("  Trunk 1 ", "Trunk 1"),
        ],
        {10042: [*forbidden(NAME + "\\" + CONTROL), "x" * 32, "ü" * 31, LONG, "\ud800"], 10043: ["reg1"]},
        missing,
        empty,
        WILD_NAME,
    )


def _host(errno: int, missing: int | str, empty: int | str) -> Param:
    return Param(HOSTS, {errno: NO_HOSTS}, missing, empty, (["x", "y"], {"a": "b"}, 10**400))


def _port(missing: str, empty: str) -> Param:
    bad = ["65536", "-1", "x", "5060;", "50 60", "1e3", 5060.5, "٥٠", "0x50", "5060\n1", "+1", LONG]
    return Param(["0", "1", "65535", (5080, "5080"), ("05070", "5070")], {10046: bad}, missing, empty)


def _dods(target: str, other: str, unknown: int, missing: str) -> Param:
    return Param(
        [
            f"5503301-yeastar-{target}",
            f"1-a-{target},2-b-{other}",
            f"+49-Ann Lee: (1) ü-{target}",
            f"{'1' * 31}-{'a' * 31}-{target}",
            (
                f"5503301-yeastar-{target},5503302-yealink-{other},",
                f"5503301-yeastar-{target},5503302-yealink-{other}",
            ),
            (f" 1 - a - {target} , ", f"1-a-{target}"),
            ([f"1-a-{target}", f"2-b-{other}"], f"1-a-{target},2-b-{other}"),
            ",".join(f"55033{at:05}-some name-{target}" for at in range(200)),
        ],
        {
            10059: [
                f"1-{target}",
                f"1-a-b-{target}",
                "x",
                "--",
                f"-a-{target}",
                f"1--{target}",
                "1-a-",
                "1-a- ",
                f"1-a-{target},x",
            ],
            unknown: [
                "1-a-9999",
                "1-a-nobody",
                f"1-a-{target}',",
                f"1-a-{target},1-a-9999",
                f"1-a-{target}\x00",
            ],
            10055: [f"{bad}-a-{target}" for bad in ("1x", "a", "+", "1+", "1 2", "${1}", "٥", "1\n2")],
            10056: [f"{'1' * 32}-a-{target}", f"+{'1' * 31}-a-{target}", f"{'1' * 300}-a-{target}"],
            10057: [f"1-{bad}-{target}" for bad in forbidden(DOD + CONTROL)],
            10058: [f"1-{'a' * 32}-{target}", f"1-{LONG}-{target}"],
        },
        missing,
        "",
        WILD_LIST,
    )


def _username(missing: int | str, empty: int | str) -> Param:
    return Param(
        ["u", "a.b-c_d", "x" * 63, "+49123", "a(b)[c", (1001, "1001"), (True, "true")],
        {10048: [*forbidden(ACCOUNT + "@:" + CONTROL), "x" * 64, LONG, "\ud800"]},
        missing,
        empty,
        ({"a": "b"}, 10**400),
    )


def _account_username(missing: int | str, empty: int | str) -> Param:
    return Param(
        ["u", "a.b-c_d+e", "x" * 63, (7001, "7001"), ("gw", "gw") if empty == KEPT else "gw2"],
        {
            10048: [*forbidden(ACCOUNT + "@:[](){},#/^%ü" + CONTROL), "x" * 64, "trunk-peer1-aor", LONG],
            10049: ["1000", "1001", "bob", *(() if empty == KEPT else ("gw", "gwauth"))],
        },
        missing,
        empty,
        ({"a": "b"}, ["x", "y"], 10**400),
    )


def _authname(missing: int | str, empty: int | str, taken: tuple[str, ...] = ()) -> Param:
    bad = {10050: [*forbidden(ACCOUNT + CONTROL), "x" * 128, LONG, "\ud800"]}
    if taken:
        bad[10049] = list(taken)
    return Param(["x@y", "a.b-c", "x" * 127, (7002, "7002")], bad, missing, empty, ({"a": "b"}, 10**400))


def _fromuser(missing: str) -> Param:
    return Param(
        ["049", "a.b-c_d+e", "x" * 63, (1001, "1001")],
        {10051: [*forbidden(FROM + CONTROL), "x" * 64, LONG, "\ud800"]},
        missing,
        "",
        WILD_NAME,
    )


def _password(missing: int | str, empty: int | str) -> Param:
    return Param(
        [("p", None), ("x" * 127, None), ("!$()/#,[]=^%@{}~ü", None), (4711, None)],
        {10052: [*forbidden(ACCOUNT + CONTROL), "x" * 128, LONG, "\ud800"]},
        missing,
        empty if isinstance(empty, int) else None,
        ({"a": "b"}, 10**400),
    )


PEER = {"trunkname": "new", "trunktype": "peer", "host": "192.0.2.9", "port": "5060", "domain": "a.example"}
REGISTER = {**PEER, "trunktype": "register", "username": "u", "authname": "u", "password": "p"}
ACCOUNT_TRUNK = {
    "trunkname": "new",
    "trunktype": "account",
    "username": "g2",
    "authname": "g2",
    "password": "p",
}

_QUERY = ("trunk/query_siptrunk", "id", "trunks")
_ADD, _UPDATE = "trunk/add_siptrunk", "trunk/update_siptrunk"
_TYPE = ["iax", "peer,register", "peer1", "peers", "p\x00eer", "all"]
_NO_ID = ["99", "0", "1,2", "1,", "all", "1.0", "-1", "x", "1x", "1 OR 1=1", "1;", "9" * 30, "\ud800"]


def _id(own: int) -> Param:
    return Param([(own, None), (str(own), None)], {10062: _NO_ID}, 10004, 10004)


def _kind(own: str, missing: int, other: list[str]) -> Param:
    return Param([(own.upper(), own), own], {10044: [*_TYPE, *other]}, missing, missing, WILD)


CASES = (
    Case(
        _ADD,
        PEER,
        {
            "trunkname": _trunkname(10004, 10004),
            "trunktype": _kind("peer", 10004, []),
            "host": _host(10045, 10004, 10004),
            "port": _port("5060", "5060"),
            "domain": _host(10047, 10004, 10004),
            "extensionsdod": _dods("1000", "1001", 10053, ""),
            "extensionsgroupdod": _dods("sales", "support", 10054, ""),
        },
        _QUERY,
        "peer",
    ),
    Case(
        _ADD,
        REGISTER,
        {
            "trunktype": _kind("register", 10004, []),
            "host": _host(10045, 10004, 10004),
            "domain": _host(10047, 10004, 10004),
            "username": _username(10004, 10004),
            "authname": _authname(10004, 10004),
            "fromuser": _fromuser(""),
            "password": _password(10004, 10004),
        },
        _QUERY,
        "register",
    ),
    Case(
        _ADD,
        ACCOUNT_TRUNK,
        {
            "trunktype": _kind("account", 10004, []),
            "username": _account_username(10004, 10004),
            "authname": _authname(10004, 10004, ("gw", "gwauth", "1000", "1001", "bob")),
            "password": _password(10004, 10004),
        },
        _QUERY,
        "account",
    ),
    Case(
        _UPDATE,
        {"id": "1", "trunktype": "peer"},
        {
            "id": _id(1),
            "trunktype": _kind("peer", 10004, ["account", "register"]),
            "trunkname": _trunkname(KEPT, KEPT),
            "host": _host(10045, KEPT, KEPT),
            "port": _port(KEPT, KEPT),
            "domain": _host(10047, KEPT, KEPT),
            "extensionsdod": _dods("1000", "1001", 10053, KEPT),
            "extensionsgroupdod": _dods("sales", "support", 10054, KEPT),
        },
        _QUERY,
        "peer",
    ),
    Case(
        _UPDATE,
        {"id": "2", "trunktype": "register"},
        {
            "id": _id(2),
            "trunktype": _kind("register", 10004, ["account", "peer"]),
            "trunkname": Param(["reg2"], {10043: ["peer1"]}, wild=()),
            "username": _username(KEPT, KEPT),
            "authname": _authname(KEPT, KEPT),
            "fromuser": _fromuser(KEPT),
            "password": _password(KEPT, KEPT),
        },
        _QUERY,
        "register",
    ),
    Case(
        _UPDATE,
        {"id": "3", "trunktype": "account"},
        {
            "trunktype": _kind("account", 10004, ["register", "peer"]),
            "username": _account_username(KEPT, KEPT),
            "authname": _authname(KEPT, KEPT, ("1000", "1001", "bob")),
            "password": _password(KEPT, KEPT),
        },
        _QUERY,
        "account",
    ),
    *(
        Case(
            f"trunk/{word}_siptrunk",
            {"id": "1"},
            {
                "id": chosen(
                    ["1", 1, "1,2", "1, 2,", [1, 2], "all", "ALL", "1,99", "x,1"], 10062, ["99", "99,98", "0"]
                )
            },
        )
        for word in ("query", "delete")
    ),
)
