"""offhook: a software IP-PBX on Asterisk 22 with the S-Series HTTP API 2.0."""

__version__ = "0.1.0"
