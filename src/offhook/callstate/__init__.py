"""The live picture of all calls: a pure fold from engine events to calls, parties and their states."""

from offhook.callstate.call import Call
from offhook.callstate.fold import abandon, fold, settle
from offhook.callstate.merge import merge, older, resolve
from offhook.callstate.picture import Picture, expect
from offhook.callstate.resync import resync

__all__ = [
    "Call",
    "Picture",
    "abandon",
    "expect",
    "fold",
    "merge",
    "older",
    "resolve",
    "resync",
    "settle",
]
