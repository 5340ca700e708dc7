"""Queues: callers wait, agents answer (spec 07-queue)."""
