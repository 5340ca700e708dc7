"""Recordings of calls: made by the engine, closed, kept, found and downloaded here."""
