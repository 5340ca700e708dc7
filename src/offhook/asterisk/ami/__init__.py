"""The Asterisk Manager Interface: bytes to messages, a client that keeps the link, typed actions."""
