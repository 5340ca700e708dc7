"""Trunks: the lines to the outside (spec 03-trunk)."""
