"""Properties of the password rules."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.areas.accounts.service import generate_password
from offhook.areas.extensions.model import login_secret
from offhook.areas.extensions.rules import check_password, has_run
from offhook.contract.errors import ContractError

SIGNS = string.ascii_letters + string.digits + "~^*-_?"


def allowed(password: str, *, strong: bool = True, number: str = "9051", username: str = "Ann Lee") -> bool:
    try:
        check_password(
            "registerpassword", password, least=16, strong=strong, number=number, username=username
        )
    except ContractError as refused:
        # a password that is quoted would count as allowed; a short one may stand in any sentence
        return len(password) > len("registerpassword") and password in refused.detail
    return True


@given(st.text(SIGNS, max_size=40))
def test_strong_passwords_have_all_that_is_asked_for(password: str) -> None:
    demanded = (
        len(password) >= 16
        and any(ch in string.digits for ch in password)
        and any(ch in string.ascii_lowercase for ch in password)
        and any(ch in string.ascii_uppercase for ch in password)
        and "9051" not in password
        and not has_run(password)
    )
    assert allowed(password) == demanded


@given(st.text(SIGNS, max_size=12))
def test_relaxed_passwords_need_their_length_only(password: str) -> None:
    assert allowed(password, strong=False) == (len(password) >= 8)


@pytest.mark.parametrize("name", ["Annlee", "ANNLEE", "annlee"])
def test_the_display_name_is_found_in_any_capitals(name: str) -> None:
    assert not allowed(f"v0S*ZrB6Y3g~1{name}", username="AnnLee")


@pytest.mark.parametrize(
    ("text", "run"), [("1234", True), ("a9876b", True), ("123", False), ("1357", False), ("8901", False)]
)
def test_runs(text: str, run: bool) -> None:
    assert has_run(text) == run


def test_a_generated_login_has_the_stored_form_and_is_known_to_nobody() -> None:
    secret = login_secret(None, lambda _password: pytest.fail("nothing to derive"))
    kind, salt, key = secret.derived.split("$")
    assert (kind, len(salt), len(key), len(secret.shown)) == ("scrypt", 32, 64, 96)
    assert login_secret(None, str).derived != secret.derived


def test_generated_passwords_are_long_enough() -> None:
    assert len(generate_password()) >= 16
