"""The soft client: who may use it, and how one gets in for the first time (spec 12-linkus)."""
