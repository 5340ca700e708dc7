"""Files written for the appliances become Asterisk 22's dialplan, or are refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.areas.customdialplan.translate import DialplanError, Translated, translate
from offhook.asterisk.modules import APPLICATIONS

DATA = Path(__file__).parent.parent / "data" / "customdialplan"


def translated(text: str, name: str = "a.conf") -> Translated:
    return translate([(name, text)], media="/data/media", applications=APPLICATIONS)


def test_the_guides_files_are_taken() -> None:
    files = [(path.name, path.read_text()) for path in sorted(DATA.glob("*.conf"))]
    done = translate(files, media="/data/media", applications=APPLICATIONS)
    assert {"hotelba", "macro-product_list", "ivr_6500", "Local_Default_CallingRules"} <= done.contexts
    assert "Gosub(macro-product_list,s,1(${product}))" in done.text
    assert "Macro(" not in done.text
    assert "Background(/data/media/networkdisk1/notice)" in done.text
    assert "/tmp/media" not in done.text
    assert "//" not in done.text


def test_a_macro_comes_back_from_every_end() -> None:
    done = translated("[a]\nexten=1,1,Macro(m)\n[macro-m]\nexten=s,1,NoOp()\nexten=x,1,Set(A=1)\n")
    lines = done.text.splitlines()
    assert lines[lines.index("[macro-m]") + 1 :] == [
        "exten => s,1,NoOp()",
        " same => 2,Return()",
        "exten => x,1,Set(A=1)",
        " same => 2,Return()",
        "exten => i,1,Return()",
    ]
    assert "exten => 1,1,Gosub(macro-m,s,1)" in lines


def test_numbered_priorities_go_on_numbered() -> None:
    done = translated("[macro-m]\nexten=s,1,NoOp()\nexten=s,2,NoOp()\nexten=i,1,Hangup()\n")
    assert " same => 3,Return()" in done.text
    assert done.text.count("exten => i,1") == 1


def test_a_macro_inside_execif() -> None:
    done = translated("[a]\nexten=1,1,ExecIf($[1]?Macro(m,a,${B}):Macro(m))\n[macro-m]\nexten=s,1,NoOp\n")
    assert "ExecIf($[1]?Gosub(macro-m,s,1(a,${B})):Gosub(macro-m,s,1))" in done.text


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("[a]\nexten=1,1,Frobnicate()\n", 2, "no application"),
        ("[a]\nexten=1,1,System(rm -rf /)\n", 2, "no application"),
        ("[a]\nexten=1,1,Set(A=${B)\n", 2, "closes what was not opened"),
        ("[a]\nexten=1,1,Set(A=1\n", 2, ") is missing"),
        ("[a]\nsame=n,NoOp()\n", 2, "before the first exten"),
        ("[a]\nexten=1,n,NoOp()\n", 2, "first priority"),
        ("exten=1,1,NoOp()\n", 1, "before the first [context]"),
        ("[a]\n#exec rm\n", 2, "not allowed"),
        ("[a]\nswitch => Realtime/x@y\n", 2, "not known here"),
        ("[offhook-dial]\n", 1, "belongs to the PBX"),
        ("[from-trunk]\n", 1, "belongs to the PBX"),
        ("[a b]\n", 1, "letters, digits"),
        ("[a]\nexten=1,1,Macro(gone)\n", 2, "there is no context macro-gone"),
        ("[a]\nexten=1,1,NoOp(${MACRO_EXTEN})\n", 2, "not there any more"),
        ("[a]\nnonsense\n", 2, "neither"),
        ("[a]\nexten=1,1,NoOp()\x07\n", 2, "control characters"),
        ("[a]\nexten=1,1,NoOp() more\n", 2, "something behind"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(DialplanError) as refused:
        translated(text, "b.conf")
    assert (refused.value.file, refused.value.line) == ("b.conf", line)
    assert reason in str(refused.value)


@given(st.text(alphabet='[]()=>,;n1sa macroExtenMSet{}$/\n\t\\"', max_size=200))
def test_nothing_but_a_refusal_comes_of_any_text(text: str) -> None:
    try:
        done = translated(text)
    except DialplanError:
        return
    assert "Macro(" not in done.text
    assert not [line for line in done.text.split("\n") if any(ord(ch) < 0x20 and ch != "\t" for ch in line)]
