"""Attacks on a whole PBX from outside, printed as a table (scripts/attack). See attack/__main__.py."""
