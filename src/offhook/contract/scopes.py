"""What accounts of the API may do, and what each endpoint needs. Pure.

The list is complete on purpose: an endpoint that it does not name needs every scope, so that one that is
forgotten is closed to all but those who may do everything.
"""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """What an account may do: see what is there, act on calls, change the configuration."""

    READ = "read"
    CONTROL = "control"
    CONFIGURE = "configure"


EVERY = frozenset(Scope)

SESSION = frozenset({"login", "heartbeat", "token/refresh", "logout"})
"""Endpoints about a client's own token: every account may call them."""

ENDPOINTS: dict[Scope, frozenset[str]] = {
    Scope.READ: frozenset(
        {
            "call/callpark_status",
            "call/query",
            "cdr/download",
            "cdr/get_random",
            "companycontacts/query",
            "conference/query",
            "conference/query_in_session",
            "deviceinfo/query",
            "extension/list",
            "extension/query",
            "extension/query_call",
            "extensiongroup/query",
            "inroute/query",
            "instant_conference/query",
            "ivr/query",
            "linkus/query_client",
            "outroute/query",
            "paginggroup/list",
            "paginggroup/query",
            "paginggrouplist/query",
            "queue/query",
            "queue/query_status",
            "recording/download",
            "recording/get_random",
            "trunk/list",
            "trunk/query_siptrunk",
            "voicemail/download",
            "voicemail/get_random",
            "voicemail/query",
            "wakeupcall/query",
        }
    ),
    Scope.CONTROL: frozenset(
        {
            "call/accept_inbound",
            "call/add_member",
            "call/attended_transfer",
            "call/attended_transfer_operate",
            "call/callpark",
            "call/dial",
            "call/hangup",
            "call/hold",
            "call/listen",
            "call/mute",
            "call/playprompt",
            "call/refuse_inbound",
            "call/transfer",
            "call/unhold",
            "call/unmute",
            "conference/add_member",
            "conference/kick_member",
            "conference/mute_member",
            "conference/unmute_member",
            "instant_conference/start",
            "paginggroup/hangup/music",
            "queue/add_dynamicagent",
            "queue/delete_dynamicagent",
            "queue/pause_agent",
            "queue/unpause_agent",
            "uacstacall/accept_inbound",
            "uacstacall/hangup",
            "uacstacall/refuse_inbound",
        }
    ),
    Scope.CONFIGURE: frozenset(
        {
            "companycontacts/add",
            "companycontacts/delete",
            "companycontacts/update",
            "conference/update",
            "extension/add",
            "extension/delete",
            "extension/update",
            "extensiongroup/add",
            "extensiongroup/delete",
            "extensiongroup/update",
            "hotel/checkout",
            "inroute/add",
            "inroute/delete",
            "inroute/update",
            "ivr/update",
            "linkus/send_email",
            "linkus/update_client",
            "outroute/add",
            "outroute/delete",
            "outroute/update",
            "paginggroup/add",
            "paginggroup/delete",
            "paginggroup/update",
            "queue/update",
            "trunk/add_siptrunk",
            "trunk/delete_siptrunk",
            "trunk/update_siptrunk",
            "voicemail/delete",
            "wakeupcall/create",
            "wakeupcall/delete",
            "wakeupcall/update",
        }
    ),
}

ORIGINATING = frozenset(
    {
        "call/add_member",
        "call/attended_transfer",
        "call/dial",
        "call/listen",
        "call/playprompt",
        "call/transfer",
        "conference/add_member",
        "instant_conference/start",
    }
)
"""Endpoints that may begin calls, whose rate has a bound of its own."""

_NEEDED = {path: frozenset({scope}) for scope, paths in ENDPOINTS.items() for path in paths}


def needed(path: str) -> frozenset[Scope]:
    """The scopes without which the endpoint at `path` (its own name, no alias) is refused."""
    return frozenset() if path in SESSION else _NEEDED.get(path, EVERY)
