"""The hotel application: clearing the extensions of rooms (spec 18-applications)."""
