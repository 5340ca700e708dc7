"""Conference rooms (spec 05-conference)."""
