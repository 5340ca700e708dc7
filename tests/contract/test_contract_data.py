"""tests/data/contract.json is what the chapters say, where they lie beside the checkout."""

from __future__ import annotations

import pytest

from tests.support.contract import CHAPTERS, CONTRACT, DATA, derive, text


@pytest.mark.skipif(not CHAPTERS.is_dir(), reason="the chapters do not lie beside this checkout")
def test_the_data_is_what_the_chapters_say() -> None:
    derived = derive(CHAPTERS)
    differing = [path for path in derived.keys() | CONTRACT.keys() if derived.get(path) != CONTRACT.get(path)]
    assert not differing, "make it anew with: python -m tests.support.contract"
    assert text(derived) == DATA.read_text(encoding="utf-8"), "the order of keys differs"
