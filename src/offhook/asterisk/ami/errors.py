"""What can go wrong with an action.

AmiError
├── AmiUnreachable   it was not done
│   └── AmiLost      the link was lost before the answer came; whether it was done is unknown
├── AmiTimeout       no answer in time
└── AmiRefused       the engine said no
"""

from __future__ import annotations


class AmiError(Exception):
    """An action did not succeed."""


class AmiUnreachable(AmiError):
    """There is no connection to the engine."""


class AmiLost(AmiUnreachable):
    """The connection was lost before the answer came; whether the engine has done it is unknown."""


class AmiTimeout(AmiError):
    """No answer in time; whether the engine has done it is unknown."""


class AmiRefused(AmiError):
    """The engine answered Error; the text is its message."""
