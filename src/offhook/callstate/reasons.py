"""Why a call failed: the reasons of CallFailed (spec 15-events, `reason_means`) and how they are found.

The meanings are the contract's, also where SIP says otherwise: `603 Declined` is the ring time-out,
`486 Busy here` a refusal. In order of weight (a call to several phones has several answers; the
weightiest is told):

| what happened                                                        | reason                     |
|----------------------------------------------------------------------|----------------------------|
| the dialplan's OffhookFailed                                         | as it says                 |
| a phone refused: SIP 486, 600, 603, cause 21                         | 486 Busy here              |
| busy without a SIP code (cause 17, OriginateResponse 5)              | User Busy                  |
| rang until our time was over (DialEnd NOANSWER, OriginateResponse 3, |                            |
| cause 18 or 19 with no answer of the phone)                          | 603 Declined               |
| SIP 480 and other 4xx from the phone                                 | 480 Temporatily Unavailable|
| SIP 410, cause 22                                                    | 410 Gone                   |
| SIP 404, 604, cause 1                                                | 404 NOT found              |
| SIP 484, cause 28                                                    | 484 Address incomplete     |
| SIP 503, cause 34 or 42, OriginateResponse 8                         | Circuit/channel congestion |
| SIP 401, 403, 407, 5xx, cause 27 or 38                               | Line Unreachable           |
| phone off or not registered: SIP 408, cause 20, OriginateResponse    |                            |
| Failure with no channel                                              | 408 Request Time           |

487 means that the caller gave up, which is no failure.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The reasons on the wire, mistakes included; the order is their weight, heaviest first."""

    NO_PERMISSION = "NO Outbound Restriction"
    DND = "DND"
    REFUSED = "486 Busy here"
    BUSY = "User Busy"
    RANG_OUT = "603 Declined"
    UNAVAILABLE = "480 Temporatily Unavailable"
    GONE = "410 Gone"
    NOT_FOUND = "404 NOT found"
    INCOMPLETE = "484 Address incomplete"
    CONGESTION = "Circuit/channel congestion"
    LINE = "Line Unreachable"
    PHONE_OFF = "408 Request Time"


_WEIGHT = {reason: weight for weight, reason in enumerate(Reason)}

_BY_SIP = {
    486: Reason.REFUSED,
    600: Reason.REFUSED,
    603: Reason.REFUSED,
    404: Reason.NOT_FOUND,
    604: Reason.NOT_FOUND,
    408: Reason.PHONE_OFF,
    410: Reason.GONE,
    484: Reason.INCOMPLETE,
    503: Reason.CONGESTION,
    401: Reason.LINE,
    403: Reason.LINE,
    407: Reason.LINE,
}

_BY_CAUSE = {
    1: Reason.NOT_FOUND,
    17: Reason.BUSY,
    18: Reason.RANG_OUT,
    19: Reason.RANG_OUT,
    20: Reason.PHONE_OFF,
    21: Reason.REFUSED,
    22: Reason.GONE,
    27: Reason.LINE,
    28: Reason.INCOMPLETE,
    34: Reason.CONGESTION,
    38: Reason.LINE,
    42: Reason.CONGESTION,
}

_BY_ORIGINATE = {3: Reason.RANG_OUT, 5: Reason.BUSY, 8: Reason.CONGESTION}

_SIP_GIVEN_UP = 487


def by_sip(code: int) -> Reason | None:
    """The reason for a SIP final answer of the party called; None for success and for 487."""
    if code < 300 or code == _SIP_GIVEN_UP:
        return None
    if code < 400:
        return Reason.REFUSED  # a phone that sends its caller elsewhere does not take the call
    if reason := _BY_SIP.get(code):
        return reason
    return Reason.LINE if 500 <= code < 600 else Reason.UNAVAILABLE


def by_cause(cause: int) -> Reason | None:
    """The reason for a Q.850 cause of the engine; None where the cause names no failure."""
    return _BY_CAUSE.get(cause)


def by_originate(code: int) -> Reason | None:
    """The reason for the `Reason` of a failed OriginateResponse; None where it says nothing (0, 1)."""
    return _BY_ORIGINATE.get(code)


def by_text(text: str) -> Reason:
    """The reason that the dialplan named; an unknown text counts as `480 Temporatily Unavailable`."""
    try:
        return Reason(text)
    except ValueError:
        return Reason.UNAVAILABLE


def heavier(one: Reason | None, other: Reason | None) -> Reason | None:
    """The weightier of two reasons, for calls with several legs."""
    known = [reason for reason in (one, other) if reason is not None]
    return min(known, key=_WEIGHT.__getitem__, default=None)
