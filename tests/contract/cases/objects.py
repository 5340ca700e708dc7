"""Objects of every kind, as the operators' API takes them."""

from __future__ import annotations

from typing import Any

OBJECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "trunks": (
        {
            "trunkname": "new",
            "trunktype": "register",
            "host": "192.0.2.9",
            "domain": "a.example",
            "port": 5061,
            "username": "u",
            "authname": "u",
            "password": "hunter2!",
            "transport": "tcp",
            "qualify": False,
            "extensionsdod": ["1-a-1000"],
        },
        {"trunkname": "renamed", "enabled": False, "maxchannels": 3, "extensionsdod": []},
    ),
    "timeconditions": (
        {"name": "open", "times": "mon-fri 09:00-17:30; not * 25-26 dec"},
        {"times": "* 00:00-23:59"},
    ),
    "pinlists": ({"name": "staff", "pins": ["4711", "0815"]}, {"name": "all_staff"}),
    "outroutes": (
        {"name": "new", "prefix": "8.", "trunks": ["peer1"], "extensionsgroup": "sales", "password": "42"},
        {"strip": "1", "priority": 5, "password": ""},
    ),
    "disa": ({"name": "new", "password": "4711", "outroutes": ["out1"]}, {"responsetimeout": 7}),
    "ivrs": (
        {
            "ivrname": "Second",
            "prompt": "welcome",
            "key1": "queue 6700",
            "keystar": "hangup",
            "outroutes": "out1",
        },
        {"dialext": False, "key1": "", "timeout": "extension 1000"},
    ),
    "ringgroups": (
        {"name": "Second", "members": ["1000", "1001"], "ringstrategy": "Ring In Order"},
        {"failover": "voicemail 1000", "ringtime": "12"},
    ),
    "queues": (
        {"queuename": "Second", "agents": ["1001"], "retry": 7, "musiconhold": "default"},
        {"maxwaittime": 60, "announcefreq": 0, "agents": "1000,1001"},
    ),
    "conferences": (
        {"name": "Second", "participantepassword": "11", "moderators": ["1000"]},
        {"allowinvite": True},
    ),
    "paginggroups": (
        {"name": "Second", "member": "1000,"},
        {"type": "multicast", "multicastip": "239.1.2.3:5004"},
    ),
    "apiaccounts": (
        {
            "username": "crm",
            "password": "Crm4Reading",
            "scopes": "read,control",
            "addresses": "192.0.2.0/24",
            "requestrate": 20,
        },
        {"scopes": "read", "addresses": "", "callrate": 60},
    ),
    "callbacks": ({"name": "new", "outroute": "out1", "destination": "ivr 6500"}, {"delay": 9}),
    "inroutes": (
        {
            "name": "new",
            "did": "5503302",
            "trunks": ["peer1", "reg1"],
            "desttype": "extension",
            "dest": "1000",
        },
        {"desttype": "ivr", "dest": "6500", "closed": "voicemail 1001"},
    ),
    "mailboxes": (
        {"extension": "1000", "greeting": "welcome", "address": "ann@example.com"},
        {"greeting": "", "greetingbusy": "welcome", "deletemailed": True},
    ),
    "calllimits": (
        {"name": "new", "extensions": ["1000"], "extensionsgroup": "sales", "allow": "49,43", "calls": 20},
        {"others": True, "barred": True, "allow": "", "deny": "49900", "trunks": ["peer1"], "minutes": 5},
    ),
}
"""Of each kind an object to make and what is changed of it; numbers are given by the PBX."""

FIRST_FREE = {
    "ivrs": "6501",
    "ringgroups": "6201",
    "queues": "6701",
    "conferences": "6401",
    "paginggroups": "6302",
}

USES = [
    (
        "ivrs",
        "6500",
        "inroutes",
        "inbound route new",
        {"name": "new", "trunks": "peer1", "desttype": "ivr", "dest": "6500"},
    ),
    ("queues", "6700", "ivrs", "IVR 6501", {"ivrname": "x", "key1": "queue 6700"}),
    (
        "ringgroups",
        "6200",
        "queues",
        "queue 6701",
        {"queuename": "x", "failoveraction": "Ring Group", "failoverdest": "6200"},
    ),
    (
        "conferences",
        "6400",
        "ringgroups",
        "ring group 6201",
        {"name": "x", "members": "1000", "failover": "conference 6400"},
    ),
    ("paginggroups", "6300", "ivrs", "IVR 6501", {"ivrname": "x", "keyhash": "paging 6300"}),
    (
        "disa",
        "1",
        "callbacks",
        "callback new",
        {"name": "new", "outroute": "out1", "destination": "disa remote"},
    ),
    ("outroutes", "1", "callbacks", "callback back", None),
]
"""What is named, by what: kind, number or id, kind of the user, the user in words, and what makes it."""
