"""The operators' JSON API: everything that can be made, read, changed and deleted."""
