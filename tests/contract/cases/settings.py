"""spec 05-conference (settings), 06-ivr, 07-queue, 08-paging, and hotel/checkout of 18-applications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.contract.cases import CONTROL, KEPT, WILD_LIST, WILD_NAME, Case, Param, chosen, forbidden

IVR_NAME = " !$()/#;,[]\"=<>&'`^%@{}|"
CONFERENCE_NAME = "&'<>`|$]\\\""
LONG = "x" * 300


def several(own: str, errno: int, unknown: str) -> Param:
    """One number, several or all; with an unknown one among them nothing is done."""
    return chosen(
        [own, int(own), f"{own},", f" {own} , {own} ", [own], "all", "ALL"],
        errno,
        [unknown, f"{own},{unknown}", f"{unknown},{own}", f"{own};", "0", "1000", f"all,{own}"],
    )


def single(own: str, errno: int) -> Param:
    """The number of one object that exists."""
    bad = [
        "9999",
        "1000",
        f"{own},{own}",
        "all",
        "-1",
        "x",
        "1" * 8,
        f"{own}.0",
        "' OR 1=1",
        f"{own}\x00",
        "\ud800",
    ]
    return Param([(own, None), (int(own), None)], {errno: bad}, 10004, 10004)


def switch(errno: int, on: str = "on", off: str = "off", more: Sequence[Any] = ("true", "1", "0")) -> Param:
    """A switch by the chapter's two words."""
    return Param(
        [on, off, (on.upper(), on)], {errno: [*more, "maybe", f"{on},{off}", f"{on}\x00", "٥", LONG]}
    )


def number(errno: int, low: int, high: int) -> Param:
    """A whole number within bounds."""
    good = [str(low), str(high), (low + 1, str(low + 1)), (f"0{high}", str(high))]
    return Param(
        good, {errno: [str(low - 1), str(high + 1), "-1", "x", "1.5", 2.5, "1e1", "٥", "3\n", "3 s", LONG]}
    )


def seconds(low: int = 1) -> Param:
    """Any positive number of seconds."""
    bad = [str(low - 1), "-1", "x", "1.5", "10s", "٥", "3\n", LONG]
    return Param([str(low), "7", "86400", (45, "45")], {10019: bad})


def one_of(*words: str, odd: Sequence[tuple[str, str]] = (), also: str = "") -> Param:
    """One of the chapter's words."""
    bad = ["Moon", ",".join(words[:2]), f"{words[0]}\x00", "11", "-1", "16", "1.0", LONG]
    return Param([*words, *odd], {10019: bad}, also=frozenset({also}))


def prompt(nothing: str) -> Param:
    """The name of a prompt that exists, or the word for none."""
    odd = ["../x", "a/b", "a b", "x" * 64, "a\x00", "${x}", "&a", ".a", LONG, "\ud800"]
    return Param(
        [nothing, "welcome"], {10019: odd, 10023: ["nowhere", "welcome.wav", "Welcome"]}, wild=WILD_NAME
    )


DEST_BAD = ["x", "1000,1001", "${x}", "1000\n", "12345678", "-1", LONG]


def dest(action: str) -> Param:
    """The number that an action leads to, on its own beside the stored action (an extension)."""
    return Param(
        ["1001", (1001, "1001")], {10019: [*DEST_BAD, "9999", "6500"]}, KEPT, None, more={action: "Extension"}
    )


ACTIONS = ("Hang up", "Extension", "Voicemail", "IVR", "Ring Group", "Queue", "Conference", "Fax to Email")
OTHER_WORDS = (
    ("Hangup", "Hang up"),
    ("Dial by name", "Dial by name"),
    ("Dial by Name", "Dial by name"),
    ("ivr", "IVR"),
)
EVERY = ("0", "15", "30", "45", "60", "120", "180", "240", "300", "600", "1200")

QUEUE = {
    "number": single("6700", 10013),
    "queuename": Param(
        ["Support", "Büro-1.a", "x" * 31, (True, "true"), (7, "7")],
        {10019: [*forbidden(IVR_NAME + CONTROL), "x" * 32, LONG, "\ud800"]},
        wild=WILD_NAME,
    ),
    "password": Param(
        ["0", "6700123", "1" * 127, (42, "42")],
        {10019: ["12a", "1 2", "*", "1" * 128, "٥", "1\n", LONG]},
        KEPT,
        "",
    ),
    "ringstrategy": one_of(
        "Ring All",
        "Least Recent",
        "Fewest Calls",
        "Random",
        "Rrmemory",
        "Linear",
        odd=[("RRmemory", "Rrmemory"), ("ring all", "Ring All")],
    ),
    "failoveraction": one_of(*ACTIONS, odd=OTHER_WORDS, also="failoverdest"),
    "failoverdest": dest("failoveraction"),
    "agents": Param(
        [("1000,1001", "1000,1001,"), ("1001,", "1001,"), ([1001, 1000], "1001,1000,"), (1001, "1001,")],
        {10019: ["9999", "1000,9999", "bob", "sales", "1000-1001", "1000;1001", "\x00", LONG, "\ud800"]},
        KEPT,
        "",
        WILD_LIST,
    ),
    "agenttimeout": seconds(),
    "wrapuptime": seconds(0),
    "ringinuse": switch(10019),
    "retry": one_of("10", "20", "30", "40", "50"),
    "maxwaittime": seconds(),
    "joinempty": switch(10019),
    "leavewhenempty": switch(10019),
    "announcepos": switch(10019),
    "announcefreq": one_of(*EVERY),
    "announceholdtime": switch(10019),
    "userannounce": prompt("[None]"),
    "userannouncefreq": one_of(*EVERY),
    "breakoutkey": Param(
        [*"0123456789*#", "None", ("none", "None"), (5, "5")],
        {10019: ["12", "**", "A", "1,2", "٥", "1\n", LONG]},
        also=frozenset({"breakoutaction", "breakoutdest"}),
    ),
    "breakoutaction": one_of(*ACTIONS, odd=OTHER_WORDS, also="breakoutdest"),
    "breakoutdest": dest("breakoutaction"),
    "satisfactionsurvey": prompt("None"),
    "idannouncement": prompt("None"),
}

_QUEUE = single("6700", 10013)
_AGENT = Param(
    [("1000", None), (1000, None)],
    {10006: ["9999", "6700", "bob", "1000,1001", "all", "-1", "1" * 8, "' OR 1=1", "1000\x00", "\ud800"]},
    10004,
    10004,
)

CONFERENCE = {
    "number": single("6400", 10110),
    "name": Param(
        ["Büro 1.", "a;b,c:d!(e)[f{g}h%i@j#k=l^m", "x" * 63, (True, "true"), (7, "7")],
        {10004: [*forbidden(CONFERENCE_NAME + CONTROL), "x" * 64, LONG, "\ud800"]},
        wild=({"a": "b"}, 10**400),
    ),
    "participantepassword": Param(
        ["0", "5678", "1*2", "*", (42, "42")], {10004: ["12a", "1#", "1 2", "٥", "1\n", LONG]}, KEPT, ""
    ),
    "moderatorpassword": Param(
        ["0", "5678", "1*2", "*", (42, "42")], {10004: ["12a", "1#", "1 2", "٥", "1\n", LONG]}, KEPT, ""
    ),
    "waitformoderator": switch(10004, "yes", "no"),
    "allowinvite": switch(10004, "yes", "no"),
    "moderators": Param(
        ["1000", "1000,1001", ("1001,1000,", "1001,1000"), ([1000, 1001], "1000,1001"), (1001, "1001")],
        {10006: ["9999", "1000,5551234", "+49123", "bob", "1000;1001", "\x00", LONG, "\ud800"]},
        KEPT,
        "",
        WILD_LIST,
    ),
    "musiconhold": switch(10004, "yes", "no"),
}

MULTICAST_GOOD = [
    "239.1.1.1",
    "239.1.1.1:1",
    "224.0.0.1:65535",
    "ff02::1",
    "[ff02::1]",
    "[ff02::1]:2000",
    "FF05::2",
    (" 239.1.1.1\n", "239.1.1.1"),
]
MULTICAST_BAD = [
    "192.0.2.1",
    "239.1.1.1:0",
    "239.1.1.1:65536",
    "x",
    "239.1.1.1/24",
    "239.1.1",
    "239.1.1.1:",
    "239.1.1.1:x",
    "ff02::1%eth0",
    "ff02::239.1.1.1",
    "ff02::1%&Local/9@outbound",
    "ff02::1%,d",
    "2001:db8::1",
    "[ff02::1",
    "ff02::1]",
    "[239.1.1.1]:2000",
    "239.1.1.1&239.1.1.2",
    "239.1.1.1,239.1.1.2",
    "239.1.1.1:2000:1",
    "٢٣٩.1.1.1",
    "a.example",
    "${x}",
    LONG,
]
_PAGING = ("paginggroup/query", "number", "paginggroup")
PAGE = {"number": "6302", "name": "new", "type": "paging", "member": "1000", "enabledialtoanswer": "no"}
MULTICAST = {"number": "6302", "name": "new", "type": "multicast", "multicastip": "239.1.1.9"}


def paging_name(missing: int | str) -> Param:
    """Any text: the chapter bounds neither characters nor length."""
    return Param(
        [
            "R&D",
            "a'b\"c\\d$e{f}g;h|i,j",
            "Büro 1",
            "x" * 63,
            "<script>",
            (True, "true"),
            ({"a": "b"}, '{"a": "b"}'),
        ],
        {10039: [*forbidden(CONTROL), "x" * 64, LONG, "\ud800"]},
        missing,
        missing,
        (10**400,),
    )


def member(missing: str, more: dict[str, str], empty: int | str = "") -> Param:
    """Extension numbers."""
    return Param(
        [("1001", "1001,"), ("1000,1001,", "1000,1001,"), ([1001, 1000], "1001,1000,"), (1001, "1001,")],
        {10038: ["9999", "1000,9999", "bob", "sales", "1000-1001", "\x00", LONG, "\ud800"]},
        missing,
        empty,
        WILD_LIST,
        more,
    )


def membergroup(missing: str, more: dict[str, str], empty: int | str = "") -> Param:
    """Names of extension groups."""
    return Param(
        [("sales", "sales,"), ("sales,support,", "sales,support,"), (["support", "sales"], "support,sales,")],
        {10038: ["nobody", "sales,nobody", "Sales", "1000", "\x00", LONG, "\ud800"]},
        missing,
        empty,
        WILD_LIST,
        more,
    )


CASES = (
    Case("ivr/query", {"number": "6500"}, {"number": several("6500", 10012, "6599")}),
    Case(
        "ivr/update",
        {"number": "6500"},
        {
            "number": single("6500", 10012),
            "ivrname": Param(
                ["Welcome", "Büro-1.a:b", "x" * 31, (True, "true"), (7, "7")],
                {10018: [*forbidden(IVR_NAME + CONTROL), "x" * 32, LONG, "\ud800"]},
                wild=WILD_NAME,
            ),
            "promptrepeat": number(10018, 1, 5),
            "responsetimeout": number(10018, 1, 10),
            "digittimeout": number(10018, 1, 10),
            "dialext": switch(10018, more=("true", "1", "yes")),
            "dialoutboundroutes": switch(10018),
            "dialtocheckvoicemail": switch(10018),
        },
        ("ivr/query", "number", "ivr"),
    ),
    Case("queue/query", {"number": "6700"}, {"number": several("6700", 10013, "6799")}),
    Case("queue/update", {"number": "6700"}, QUEUE, ("queue/query", "number", "queues")),
    Case(
        "queue/add_dynamicagent",
        {"queuenumber": "6700", "extnumber": "1001", "password": "6700123"},
        {
            "queuenumber": _QUEUE,
            "extnumber": _AGENT,
            "password": Param(
                [("6700123", None), (6700123, None)],
                {10032: ["1", "x", "6700123 1", "06700123", LONG]},
                10032,
                10032,
            ),
        },
    ),
    *(
        Case(
            f"queue/{word}",
            {"queuenumber": "6700", "extnumber": "1000"},
            {"queuenumber": _QUEUE, "extnumber": _AGENT},
        )
        for word in ("delete_dynamicagent", "pause_agent", "unpause_agent")
    ),
    Case("conference/query", {"number": "6400"}, {"number": several("6400", 10110, "6499")}),
    Case("conference/update", {"number": "6400"}, CONFERENCE, ("conference/query", "number", "conferences")),
    Case("paginggroup/query", {"number": "6300"}, {"number": several("6300", 10036, "6399")}),
    Case("paginggroup/delete", {"number": "6300"}, {"number": several("6300", 10036, "6399")}),
    Case(
        "paginggroup/add",
        PAGE,
        {
            "number": Param(
                ["6302", "1", "9999999", (6399, "6399")],
                {
                    10039: [
                        "a",
                        "12345678",
                        "6302,6303",
                        "-1",
                        "+1",
                        "6302.0",
                        "6302\n",
                        "*1",
                        "٥",
                        "all",
                        LONG,
                        "\ud800",
                    ],
                    10037: ["6300", "1000", "6500", "6200", "6700", "6400", "6900", "6950", "6999"],
                },
                10004,
                10004,
            ),
            "name": paging_name(10004),
            "type": Param(
                ["paging", "intercom", ("PAGING", "paging")],
                {10039: ["loud", "paging,intercom", LONG]},
                10004,
                10004,
            ),
            "member": member("", {"membergroup": "sales"}),
            "membergroup": membergroup("", {}),
            "enabledialtoanswer": Param(["yes", "no"], {10039: ["maybe", "1", "yes,no", LONG]}, 10004, 10004),
        },
        _PAGING,
    ),
    Case("paginggroup/add", PAGE, {"member": Param([], {}, 10004, 10004, ())}, _PAGING, "no group"),
    Case(
        "paginggroup/add",
        MULTICAST,
        {"multicastip": Param(MULTICAST_GOOD, {10039: MULTICAST_BAD}, 10004, 10004)},
        _PAGING,
        "multicast",
    ),
    Case(
        "paginggroup/update",
        {"number": "6300"},
        {
            "number": single("6300", 10036),
            "name": paging_name(KEPT),
            "type": Param(["paging", "intercom"], {10039: ["loud", LONG], 10004: ["multicast"]}),
            "member": member(KEPT, {}),
            "membergroup": membergroup(KEPT, {}),
            "enabledialtoanswer": switch(10039, "yes", "no"),
        },
        _PAGING,
    ),
    Case(
        "paginggroup/update",
        {"number": "6300", "membergroup": ""},
        {"member": Param([], {}, KEPT, 10004, (), also=frozenset({"membergroup"}))},
        _PAGING,
        "no group",
    ),
    Case(
        "paginggroup/update",
        {"number": "6300", "member": ""},
        {"membergroup": Param([], {}, KEPT, 10004, (), also=frozenset({"member"}))},
        _PAGING,
        "no member",
    ),
    Case(
        "paginggroup/update",
        {"number": "6301"},
        {"multicastip": Param(MULTICAST_GOOD, {10039: MULTICAST_BAD})},
        _PAGING,
        "multicast",
    ),
    Case(
        "hotel/checkout",
        {"number": "1000"},
        {
            "number": chosen(
                ["1000", 1000, "1000,1001", "1000, 1001,", [1000, 1001]],
                10006,
                ["9999", "1000,9999", "bob", "6500", "0"],
            )
        },
    ),
)
