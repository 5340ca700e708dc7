"""What several commands share: the arguments for settings, and how a wrong one ends the command."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from offhook.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from offhook.core import Core

_SETTINGS = {
    "bind": ("ADDR", "address to listen on (default 0.0.0.0)"),
    "http_port": ("PORT", "HTTP and HTTPS, API and console (default 8088)"),
    "sip_port": ("PORT", "SIP over UDP and TCP (default 5060)"),
    "tls_port": ("PORT", "SIP over TLS (default 5061)"),
    "rtp_ports": ("LOW-HIGH", "RTP (default 10000-12999)"),
    "event_port": ("PORT", "events over TCP (default 8333)"),
}


def add_data_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--data`."""
    parser.add_argument("--data", metavar="DIR", help="data folder (default ~/.local/share/offhook/pbx)")


def add_settings_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--data` and every setting that the command line can give."""
    add_data_argument(parser)
    for name, (metavar, text) in _SETTINGS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=text)


def settings_or_exit(arguments: argparse.Namespace) -> Settings:
    """The settings; a wrong one ends the program with status 2 and one sentence."""
    try:
        return load_settings({name: getattr(arguments, name, None) for name in ("data", *_SETTINGS)})
    except SettingsError as wrong:
        sys.stderr.write(f"offhook: {wrong}\n")
        raise SystemExit(2) from None


def show_passwords(core: Core) -> None:
    """Show what the first start has made, at once: whatever fails later, they are not shown again."""
    first = core.first_passwords
    if first.api or first.console:
        sys.stderr.write("\nThis is the first start. Write these down; they are not shown again:\n")
    if first.console:
        sys.stderr.write(f"  console: admin / {first.console}\n")
    if first.api:
        sys.stderr.write(f"  API:     {core.api_settings.now.username} / {first.api}\n\n")
    sys.stderr.flush()
