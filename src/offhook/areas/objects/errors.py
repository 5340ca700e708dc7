"""Refusals that the admin API tells apart, with the errno that the contract gives them."""

from __future__ import annotations

from offhook.contract.errors import ContractError


class Missing(ContractError):
    """What was named does not exist."""


class Conflict(ContractError):
    """The name or number is taken, or the object is in use by another."""
