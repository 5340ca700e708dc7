"""Prompts and music on hold, uploaded or spoken (spec 18-applications, `custom_prompts`)."""
