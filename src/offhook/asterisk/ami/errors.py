"""What can go wrong with an action.

AmiError
├── AmiUnreachable   it was not done, or the link was lost before the answer came
├── AmiTimeout       no answer in time
└── AmiRefused       the engine said no
"""

from __future__ import annotations


class AmiError(Exception):
    """An action did not succeed."""


class AmiUnreachable(AmiError):
    """There is no connection to the engine, or it was lost before the answer came."""


class AmiTimeout(AmiError):
    """No answer in time; whether the engine has done it is unknown."""


class AmiRefused(AmiError):
    """The engine answered Error; the text is its message."""
