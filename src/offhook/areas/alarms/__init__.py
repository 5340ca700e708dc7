"""Alarms: what the operator has to know of, logged, listed and mailed."""
