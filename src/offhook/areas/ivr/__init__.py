"""IVRs: menus that callers walk by keys (spec 06-ivr)."""
