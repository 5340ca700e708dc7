"""Settings: precedence of their sources, and a clear word for each that is wrong."""

from pathlib import Path

import pytest

from offhook.settings import SettingsError, load_settings


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "offhook.toml").write_text("sip-port = 5080\nhttp_port = 9000\nevent-port = 9333\n")
    settings = load_settings(
        {"data": str(tmp_path), "http_port": "9002"},
        {"OFFHOOK_HTTP_PORT": "9001", "OFFHOOK_EVENT_PORT": "9334"},
    )
    assert (settings.sip_port, settings.http_port, settings.event_port) == (5080, 9002, 9334)


def test_the_data_folder_defaults_to_the_users_data_home() -> None:
    assert load_settings({}, {"HOME": "/home/ann"}).data == Path("/home/ann/.local/share/offhook/pbx")
    assert load_settings({}, {"XDG_DATA_HOME": "/srv/d"}).data == Path("/srv/d/offhook/pbx")


def test_further_ports_for_the_same(tmp_path: Path) -> None:
    settings = load_settings({"data": str(tmp_path)}, {"OFFHOOK_EXTRA_HTTP_PORTS": "80, 443"})
    assert settings.extra_http_ports == (80, 443)


def test_lists_and_switches_are_read_from_toml(tmp_path: Path) -> None:
    (tmp_path / "offhook.toml").write_text(
        'local-nets = ["10.0.0.0/8", "192.168.1.7/24"]\nhttps-only = true\n'
    )
    settings = load_settings({"data": str(tmp_path)}, {})
    assert settings.local_nets == ("10.0.0.0/8", "192.168.1.0/24")
    assert settings.https_only


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("http_port", "0", "port from 1 to 65535"),
        ("http_port", "٣", "port from 1 to 65535"),
        ("sip_port", "x", "port from 1 to 65535"),
        ("extra_http_ports", "80,x", "port from 1 to 65535"),
        ("rtp_ports", "10000", "range such as"),
        ("rtp_ports", "12000-11000", "at least 4 ports"),
        ("bind", "pbx", "does not appear to be an IPv4 or IPv6 address"),
        ("timezone", "Mars/Olympus", "time zone"),
        ("event_port", "5060", "the same port"),
        ("sip_port", "10500", "lies within"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, name: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load_settings({"data": str(tmp_path), name: value}, {})


def test_an_unknown_key_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "offhook.toml").write_text("sipport = 5080\n")
    with pytest.raises(SettingsError, match="sipport"):
        load_settings({"data": str(tmp_path)}, {})


def test_broken_toml_is_refused_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "offhook.toml").write_text("sip_port = \n")
    with pytest.raises(SettingsError, match=r"offhook\.toml is not valid TOML"):
        load_settings({"data": str(tmp_path)}, {})
