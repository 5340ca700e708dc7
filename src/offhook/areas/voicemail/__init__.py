"""Voicemail: messages, greetings, the PIN, and messages by mail (spec 09-voicemail)."""
