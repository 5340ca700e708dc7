"""Settings of voicemail as a whole: what a message and a box may hold, and how PINs are guarded."""

from __future__ import annotations

from offhook.areas.objects.field import Field
from offhook.areas.pbxsettings.section import Section
from offhook.contract.rules import choice, integer

_DAY = 86400

VOICEMAIL = Section(
    key="voicemail",
    parts=frozenset({"voicemail"}),
    fields=(
        Field(name="maxlength", rule=integer(10, 3600), default=300, doc="seconds of a message, at most"),
        Field(
            name="minlength",
            rule=integer(1, 60),
            default=1,
            doc="seconds of speech below which a message is not kept",
        ),
        Field(
            name="maxmessages",
            rule=integer(1, 999),
            default=100,
            doc="messages in a folder of a box; callers of a full box are told and can leave none",
        ),
        Field(
            name="keepdays",
            rule=integer(0, 3650),
            default=0,
            doc="days after which a message is deleted, heard or not; 0: never",
        ),
        Field(name="pinattempts", rule=integer(1, 100), default=5, doc="wrong PINs until a box is locked"),
        Field(
            name="callerattempts",
            rule=integer(1, 1000),
            default=15,
            doc="wrong PINs of one caller, for whatever boxes, until he is locked out of all",
        ),
        Field(
            name="pinwindow",
            rule=integer(1, _DAY),
            default=900,
            doc="seconds without a wrong PIN after which those before are forgotten",
        ),
        Field(name="pinlock", rule=integer(1, _DAY), default=900, doc="seconds for which the lock holds"),
        Field(
            name="defaultpin",
            rule=choice(("own", "inside", "everywhere")),
            default="inside",
            doc="from where a box opens whose PIN is its number: its own phone, the PBX's phones, everywhere",
        ),
    ),
)
