"""Paging groups (spec 08-paging)."""
