"""Limits of calls to the outside: what each who calls and each trunk may use up in a day, and the stop."""
