"""Dialplan files of old appliances, checked and translated (`offhook.areas.customdialplan`)."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.areas.customdialplan.translate import DialplanError, Translated, translate

DATA = Path(__file__).parent.parent / "data" / "customdialplan"
_NAMES = (
    "background dial exec execif execiftime gosub gosubif goto gotoif hangup noop playback read return"
    " saydigits set tryexec userevent verbose wait waitexten"
)
APPLICATIONS = frozenset(_NAMES.split())
MACRO = "[macro-m]\nexten = s,1,Return()\nexten = i,1,Return()\n"


def make(*texts: str, media: str = "/srv/media") -> Translated:
    files = [(f"f{number}.conf", text) for number, text in enumerate(texts)]
    return translate(files, media=media, applications=APPLICATIONS)


def lines(*texts: str) -> list[str]:
    return make(*texts).text.splitlines()


def one(line: str) -> str:
    """The translation of a line of a context, with a macro `m` that it may call."""
    return lines(f"[c]\nexten = 1,1,NoOp()\n{line}\n{MACRO}")[3]


def app(text: str) -> str:
    """The translation of an application."""
    return one(f"same = n,{text}").removeprefix(" same => n,")


def refused(*texts: str) -> DialplanError:
    with pytest.raises(DialplanError) as raised:
        make(*texts)
    return raised.value


def reason(line: str) -> str:
    """Why a line of a context is refused."""
    error = refused(f"[c]\nexten = 1,1,NoOp()\n{line}\n")
    assert (error.file, error.line) == ("f0.conf", 3)
    return error.reason


def test_the_minibar_and_the_state_of_rooms() -> None:
    done = translate(
        [("hotel.conf", (DATA / "hotel.conf").read_text())], media="/srv/media", applications=APPLICATIONS
    )
    assert (
        done.text
        == """\
; from hotel.conf


[hotelba]
exten => 778,1,NoOp()
 same => n,Read(pid,product_id,9,,3,4)
 same => n,GotoIf($["${LEN(${pid})}" = "0"]?hang)
 same => n,Gosub(macro-product_list,s,1(${pid}))
 same => n,Goto(778,2)
 same => n(hang),Hangup()

[macro-product_list]
exten => s,1,Set(product_id=${ARG1})
 same => n,Playback(product_idc)
 same => n,SayDigits(${ARG1})
 same => n,Read(num,product_num,2,,3,4)
 same => n,Playback(product_numc)
 same => n,SayDigits(${num})
 same => n,Read(ok,confirm,1,,1,4)
 same => n,GotoIf($["${ok}" = "1"]?accepted)
 same => n,GotoIf($["${ok}" = "*"]?778,1)
 same => n,GotoIf($["${ok}" = "9"]?bye)
 same => n(bye),Playback(vm-goodbye)
 same => n,Hangup()
 same => n(accepted),UserEvent(DtmfEndString,Info: 778*${product_id}*${num})
 same => n,Playback(success)
 same => n,Return()
exten => i,1,Return()



[clean]
exten => 777,1,Goto(clean-action,s,1)

[clean-action]
exten => s,1,Background(roomstatus)
 same => n,WaitExten(4)
 same => n,Hangup()
exten => *00,1,Playback(room)
 same => n,SayDigits(${CALLERID(num)})
 same => n,UserEvent(DtmfEndString,Info: 777${EXTEN})
 same => n,Playback(uncleaned)
 same => n,Hangup()
exten => _X.,1,Goto(always-Hangup,h,1)

[Local_Default_CallingRules]
include => hotelba
include => clean
"""
    )
    assert done.contexts == {
        "hotelba",
        "macro-product_list",
        "clean",
        "clean-action",
        "Local_Default_CallingRules",
    }
    assert done.includes["Local_Default_CallingRules"] == ("hotelba", "clean")
    assert done.includes["clean"] == ()


def test_the_voice_menus() -> None:
    text = make((DATA / "ivr.conf").read_text()).text.splitlines()
    assert " same => n,Background(/srv/media/networkdisk1/notice)" in text
    assert " same => n,Background(/srv/media/networkdisk1/number&/srv/media/networkdisk1/hash)" in text
    assert ' same => n,ExecIf($["${Ivr2outbound}"="yes"]?Set(CDR(Ivr2outbound)=yes))' in text
    assert "exten => unknown,1,NoOp()" in text
    # Escaped it came, escaped it goes, or Asterisk would take the rest for a comment.
    assert r"exten => _X.#,1,UserEvent(DtmfEndString,Info: ${EXTEN:0:-1}\;6501)" in text
    assert not any("Return" in line for line in text)


def test_several_files_are_one_dialplan() -> None:
    done = make("[a]\nexten = 1,1,Macro(m)\n", MACRO, "[a]\ninclude = b\ninclude = b\n")
    assert done.text.splitlines() == [
        "; from f0.conf",
        "[a]",
        "exten => 1,1,Gosub(macro-m,s,1)",
        "; from f1.conf",
        "[macro-m]",
        "exten => s,1,Return()",
        "exten => i,1,Return()",
        "; from f2.conf",
        "[a]",
        "include => b",
        "include => b",
    ]
    assert done.includes == {"a": ("b",), "macro-m": ()}


def test_an_empty_file_is_no_error() -> None:
    assert make("").text == "; from f0.conf\n"
    assert make("; nothing\n\n").text == "; from f0.conf\n\n\n"
    assert translate([], media="/m", applications=APPLICATIONS) == Translated("", frozenset(), {})


def test_a_name_of_a_file_stays_in_its_comment() -> None:
    done = translate([("a\n[general]\u2028", "")], media="/m", applications=APPLICATIONS)
    assert done.text == "; from a?[general]?\n"


@pytest.mark.parametrize(
    ("written", "made"),
    [
        ("exten = 2,1,NoOp()", "exten => 2,1,NoOp()"),
        ("exten=>2,1,NoOp()", "exten => 2,1,NoOp()"),
        ("  EXTEN =>\t2 , 1 , NoOp (a)  ", "exten => 2,1,NoOp(a)"),
        ("exten = 2,1(start),NoOp()", "exten => 2,1(start),NoOp()"),
        ("exten = 1,n+101(busy),NoOp()", "exten => 1,n+101(busy),NoOp()"),
        ("exten = 1,s,NoOp()", "exten => 1,s,NoOp()"),
        ("exten = _[1-3]X./200,1,NoOp()", "exten => _[1-3]X./200,1,NoOp()"),
        ("exten = 100,hint,PJSIP/100&Custom:x", "exten => 100,hint,PJSIP/100&Custom:x"),
        ("same => 7,Hangup", " same => 7,Hangup()"),
        ("ignorepat => 9", "ignorepat => 9"),
        ("include = other", "include => other"),
        ("same = n,NoOp(a)\r", " same => n,NoOp(a)"),
        ("same = n,NoOp(a) ; remark", " same => n,NoOp(a)"),
        (r"same = n,NoOp(a\;b)", r" same => n,NoOp(a\;b)"),
        ("same = n,NoOp(a;-- b --;c)", " same => n,NoOp(ac)"),
        (";--- no block", ""),
    ],
)
def test_a_line(written: str, made: str) -> None:
    assert one(written) == made


def test_block_comments_nest_and_keep_the_numbers_of_lines() -> None:
    assert lines("[c];-- one\n;-- two --;\nexten = broken --;exten = 1,1,NoOp()\n") == [
        "; from f0.conf",
        "[c]",
        "",
        "exten => 1,1,NoOp()",
    ]


def test_a_byte_order_mark_and_ends_of_lines_of_windows() -> None:
    assert lines("\ufeff[c]\r\nexten = 1,1,NoOp()\r\n") == ["; from f0.conf", "[c]", "exten => 1,1,NoOp()"]


@pytest.mark.parametrize(
    ("written", "made"),
    [
        ("Goto(778,2)  //ask again", "Goto(778,2)"),
        ("Hangup //bye (", "Hangup()"),
        ("Hangup//bye", "Hangup()"),
        ("NoOp(http://a/b)//see)", "NoOp(http://a/b)"),
        ("Playback(/tmp/media/networkdisk1/x)", "Playback(/srv/media/networkdisk1/x)"),
        ("Playback(/var/tmp/media/x)", "Playback(/var/tmp/media/x)"),
        ('Set(x="(")', 'Set(x="(")'),
        (r"Set(x=\()", r"Set(x=\()"),
        ("Macro(m)", "Gosub(macro-m,s,1)"),
        ("macro(m,)", "Gosub(macro-m,s,1)"),
        ("Macro( m ,a,${b})", "Gosub(macro-m,s,1(a,${b}))"),
        ("Macro(${CUT(x,-,1)},a)", "Gosub(macro-${CUT(x,-,1)},s,1(a))"),
        ("MacroExit", "Return()"),
        ("MacroExit()", "Return()"),
        ("ExecIf($[1]?Macro(m,1):Macro(m))", "ExecIf($[1]?Gosub(macro-m,s,1(1)):Gosub(macro-m,s,1))"),
        ("ExecIf(${IF($[1]?a:b)}?MacroExit)", "ExecIf(${IF($[1]?a:b)}?Return())"),
        ("ExecIf($[1]?:Macro(m,a:b))", "ExecIf($[1]?:Gosub(macro-m,s,1(a:b)))"),
        ("ExecIf($[1]?${X}(1))", "ExecIf($[1]?${X}(1))"),
        ("ExecIfTime(9:00-17:00,*,*,*?Macro(m))", "ExecIfTime(9:00-17:00,*,*,*?Gosub(macro-m,s,1))"),
        ("TryExec(Macro(m,1))", "TryExec(Gosub(macro-m,s,1(1)))"),
        ("Exec(ExecIf(1?Macro(m)))", "Exec(ExecIf(1?Gosub(macro-m,s,1)))"),
        ("NoOp(Macro(m))", "NoOp(Macro(m))"),
    ],
)
def test_an_application(written: str, made: str) -> None:
    assert app(written) == made


def test_media_may_end_with_a_slash() -> None:
    text = make("[c]\nexten = 1,1,Playback(/tmp/media/x)\n", media=r"/srv/\1/").text
    assert r"Playback(/srv/\1/x)" in text


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("hello", "not a line of a dialplan"),
        ("exten += 1,1,NoOp()", "not a line of a dialplan"),
        ("// remark", "not a line of a dialplan"),
        ("#include other.conf", "is refused"),
        ("#exec /bin/sh", "is refused"),
        ("switch => Realtime/x", "'switch' is refused"),
        ("eswitch = Realtime/x", "'eswitch' is refused"),
        ("lswitch = Loopback/x", "'lswitch' is refused"),
        ("autohints = yes", "'autohints' is not supported"),
        ("[general]", "settings of the PBX"),
        ("[GLOBALS]", "settings of the PBX"),
        ("[c](+)", "unexpected text after [c]"),
        ("[c", "a bracket '[' is not closed"),
        ("[a b]", "not a name of a context"),
        ("[]", "not a name of a context"),
        (f"[{'a' * 80}]", "not a name of a context"),
        ("[offhook-x]", "a context of the PBX itself"),
        ("[outbound]", "a context of the PBX itself"),
        ("include => a,9:00-17:00,*,*,*", "not a name of a context"),
        ("exten = 2", "expected a priority"),
        ("exten = 2,1", "expected a priority"),
        ("exten = ,1,NoOp()", "not an extension"),
        ("exten = _[1-2,1,NoOp()", "a bracket '[' is not closed"),
        ("exten = é" + "é" * 40 + ",1,NoOp()", "not an extension"),
        ("exten = 2,n,NoOp()", "the first priority of 2 must be a number"),
        ("exten = 2,s,NoOp()", "the first priority of 2 must be a number"),
        ("exten = 2,0,NoOp()", "count from 1"),
        ("exten = 2,x,NoOp()", "not a priority"),
        ("exten = 2,1(a,NoOp()", "not a label"),
        ("exten = 2,1(),NoOp()", "not a label"),
        ("exten = 2,hint,", "a hint without devices"),
        ("exten = 2,hint,${X", "a bracket '{' is not closed"),
        ("same = n,", "expected the name of an application"),
        ("same = n,${APP}(1)", "expected the name of an application"),
        ("same = n,Goto,s|1", "unexpected text after the application Goto"),
        ("same = n,NoOp(a) b", "unexpected text after the application NoOp"),
        ("same = n,NoOp(a))", "unexpected text after the application NoOp"),
        ("same = n,NoOp(a", "a bracket '(' is not closed"),
        ("same = n,NoOp($[1)", "a bracket ')' closes none of its kind"),
        ("same = n,NoOp(${a)", "a bracket ')' closes none of its kind"),
        ('same = n,NoOp("a)', "a quote is not closed"),
        (r"same = n,NoOp(a\)", "a bracket '(' is not closed"),
        ("same = n,NoOp(a;b)", "a bracket '(' is not closed"),
        ("same = n,NoOp(\x07)", "a control character U+0007"),
        ("same = n,NoOp(a\rb)", "a control character U+000D"),
        ("; \x85", "a control character U+0085"),
        ("same = n,NoOp(\ud800)", "a control character U+D800"),
        ("same = n,Fax()", "the engine has no application 'Fax'"),
        ("same = n,ExecIf(1?Fax())", "the engine has no application 'Fax'"),
        ("same = n,ExecIf(1,Macro,m)", "ExecIf without '?'"),
        ("same = n,ExecIf(1?NoOp()x)", "unexpected text after the application NoOp"),
        ("same = n,Macro()", "Macro without the name"),
        ("same = n,Macro(none)", "[macro-none] is missing"),
        ("same = n,TryExec(Macro(none))", "[macro-none] is missing"),
        ("same = n,NoOp(${MACRO_EXTEN:1})", "${MACRO_EXTEN} is not supported"),
        ("same = n,NoOp(${MACRO_CONTEXT})", "${MACRO_CONTEXT} is not supported"),
        ("same = n," + "Exec(" * 500 + "NoOp" + ")" * 500, "too deep"),
        (f"same = n,NoOp({'é' * 4000})", "a line of more than 8000 bytes"),
        (";-- open", "is not closed with '--;'"),
    ],
)
def test_a_line_that_is_refused(written: str, why: str) -> None:
    assert why in reason(written)


def test_names_that_only_look_like_ours() -> None:
    assert make("[outbound-hotel]\n[Hold]\n").contexts == {"outbound-hotel", "Hold"}


def test_lines_out_of_their_place() -> None:
    assert str(refused("exten = 1,1,NoOp()\n")) == "f0.conf:1: 'exten' stands before the first [context]"
    error = refused("[a]\nexten = 1,1,NoOp()\n[b]\nsame = n,NoOp()\n")
    assert (error.line, error.reason) == (4, "'same' stands before any 'exten' of its context")
    assert refused("[a]\n", "\ninclude = a\n").file == "f1.conf"


def test_a_priority_cannot_count_on_from_a_hint() -> None:
    error = refused("[a]\nexten = 1,1,NoOp()\nsame = hint,PJSIP/1\nsame = n,NoOp()\n")
    assert (error.line, error.reason) == (4, "'n' cannot follow a hint: write the number of the priority")
    assert lines("[a]\nexten = 1,hint,PJSIP/1\nexten = 1,1,NoOp()\n")[2:] == [
        "exten => 1,hint,PJSIP/1",
        "exten => 1,1,NoOp()",
    ]


def test_a_macro_written_with_numbers_returns() -> None:
    assert lines("[macro-m]\nexten = s,1,NoOp()\nexten = s,2,NoOp()\n\nexten = t,1,NoOp()\n; end\n")[2:] == [
        "exten => s,1,NoOp()",
        "exten => s,2,NoOp()",
        "exten => s,3,Return()",
        "",
        "exten => t,1,NoOp()",
        "exten => t,2,Return()",
        "exten => i,1,Return()",
        "",
    ]


def test_what_ends_an_extension_of_a_macro_and_what_does_not() -> None:
    assert lines(
        "[macro-m]\nexten = s,1,Goto(1,1)\nexten = 1,1,MacroExit()\nexten = 2,1,Hangup\n"
        "exten = i,1,GotoIf(1?s,1)\nexten = h,1,NoOp()\n"
        "exten = 3,1,NoOp()\nsame = n,ExecIf(1?MacroExit())\n"
    )[2:] == [
        "exten => s,1,Goto(1,1)",
        "exten => 1,1,Return()",
        "exten => 2,1,Hangup()",
        "exten => i,1,GotoIf(1?s,1)",
        "exten => i,2,Return()",
        "exten => h,1,NoOp()",
        "exten => 3,1,NoOp()",
        " same => n,ExecIf(1?Return())",
        " same => n,Return()",
    ]


def test_a_macro_returns_before_a_gap_too() -> None:
    # Priority 3 is missing: there the macro ended. A line there would move `n+101`.
    assert lines("[macro-m]\nexten = s,1,NoOp()\nsame = n,NoOp()\nsame = n+101,NoOp()\n")[2:] == [
        "exten => s,1,NoOp()",
        " same => n,NoOp()",
        " same => n+101,NoOp()",
        " same => n,Return()",
        "exten => s,3,Return()",
        "exten => i,1,Return()",
    ]


def test_a_macro_in_two_parts_is_one() -> None:
    assert lines(
        "[macro-m]\nexten = s,1,NoOp()\n", "[macro-m]\nexten = s,2,NoOp()\nexten = i,1,Hangup\n"
    ) == [
        "; from f0.conf",
        "[macro-m]",
        "exten => s,1,NoOp()",
        "; from f1.conf",
        "[macro-m]",
        "exten => s,2,NoOp()",
        "exten => s,3,Return()",
        "exten => i,1,Hangup()",
    ]


_WORDS = st.sampled_from(
    [
        *("[c]\n", "[macro-m]\n", "\n", "exten = s,1,", "exten = i,1,", "same = n,", "same = 9,", "NoOp"),
        *("Macro(m", "Macro(m,1)", "MacroExit", "ExecIf(", "Exec(", "?", ":", "(", ")", "[", "]", "{", "${"),
        *(
            '"',
            "\\",
            ";",
            ";--",
            "--;",
            "//",
            ",",
            "\r",
            "\t",
            "\ufeff",
            "\u2028",
            "n+1",
            "hint,",
            "Macro(m)\n",
        ),
    ]
)
_FILES = st.lists(
    st.one_of(
        st.text(),
        st.lists(st.one_of(_WORDS, st.text(max_size=3))).map("".join),
        # Mostly right, so that much of it comes through.
        st.lists(
            st.tuples(
                st.sampled_from(["exten = s,1", "same = n", "same = n+3", "exten = 2,2", "exten = i,1(l)"]),
                st.sampled_from(
                    ["Macro(m)", "macro(m,a)", "ExecIf(1?Macro(m):Macro(m))", "MacroExit", "Hangup"]
                ),
                st.sampled_from(["", "//x", ";x", " ;-- x --;"]),
            ).map(lambda part: f"{part[0]},{part[1]}{part[2]}\n")
        ).map(lambda rows: "[macro-m]\nexten = s,1,NoOp()\nexten = 2,1,NoOp()\n" + "".join(rows)),
    ),
    max_size=3,
)
_STEP = re.compile(r"(?:exten => [^,]*,| same => )(?!hint,)[^,]*,(.*)")


@given(_FILES)
def test_any_text_is_translated_or_refused(texts: list[str]) -> None:
    try:
        done = make(*texts)
    except DialplanError as raised:
        error = raised
    else:
        _check_translated(done)
        return
    assert str(error) == f"{error.file}:{error.line}: {error.reason}"
    assert 1 <= error.line <= texts[int(error.file[1:-5])].count("\n") + 1


def _check_translated(done: Translated) -> None:
    for line in done.text.split("\n"):
        assert not any(unicodedata.category(character) == "Cc" for character in line if character != "\t")
        if step := _STEP.fullmatch(line):
            assert not re.match(r"\s*macro", step[1], re.IGNORECASE)
            assert not re.match(r"ExecIf.*[?:]Macro\(", step[1], re.IGNORECASE)
    # What is translated once is right for Asterisk 22 and stays as it is.
    again = make(done.text)
    assert again.text == "; from f0.conf\n" + re.sub(r"(?m)^; from .*$", "", done.text)
