"""The audit of dependencies: it fails on holes, and never passes in silence over what is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import audit


def test_a_hole_is_found() -> None:
    hole = {"id": "CVE-2030-1", "fix_versions": ["1.1"]}
    report = {"dependencies": [{"name": "a", "version": "1.0", "vulns": [hole]}, {"name": "b", "vulns": []}]}
    assert audit.verdict(report) == (["a 1.0: CVE-2030-1, mended in 1.1"], [])


def test_what_was_skipped_and_no_report_are_told() -> None:
    report = {"dependencies": [{"name": "a", "skip_reason": "not found"}, {"name": "b", "vulns": []}]}
    assert audit.verdict(report) == ([], ["a"])
    without: list[dict[str, Any] | None] = [None, {}, {"dependencies": []}]
    for nothing in without:
        assert audit.verdict(nothing)[1]


def test_the_exit_status(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(audit, "audit", lambda _path: None)
    assert audit.main(["x"]) == 0
    assert "NOT AUDITED" in capsys.readouterr().err
    bad = {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X"}]}]}
    monkeypatch.setattr(audit, "audit", lambda _path: bad)
    assert audit.main(["x"]) == 1
    assert "a 1: X, mended in no version" in capsys.readouterr().err
