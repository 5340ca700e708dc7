"""Inbound and outbound routes (spec 04-routes)."""
