"""Faults made on purpose: what they are, the load they happen under, and what is looked at afterwards."""
