"""Addresses that attack phones: seen in what the engine tells, and refused by it for a while."""
