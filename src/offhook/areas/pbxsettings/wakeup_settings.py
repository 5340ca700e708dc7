"""The operator's settings of wake-up calls; what the reference leaves open is chosen here."""

from __future__ import annotations

from offhook.areas.objects.field import Field
from offhook.areas.pbxsettings.section import Section
from offhook.contract.rules import integer, on_off

WAKEUP = Section(
    key="wakeup",
    parts=frozenset(),
    fields=(
        Field(name="ringtime", rule=integer(1, 300), default=45, doc="seconds for which a phone rings"),
        Field(
            name="playtime",
            rule=integer(1, 3600),
            default=120,
            doc="seconds for which the prompt is played, over and over, to who does not hang up",
        ),
        Field(name="saytime", rule=on_off(), default=False, doc="say the time before each prompt"),
        Field(name="autoanswer", rule=on_off(), default=False, doc="ask the phone to answer by itself"),
        Field(
            name="everyring",
            rule=on_off(),
            default=False,
            doc="ring all repetitions, also after one was answered",
        ),
        Field(
            name="rate",
            rule=integer(1, 50),
            default=10,
            doc="wake-up calls begun in a second, when many are due at once",
        ),
        Field(
            name="latest",
            rule=integer(1, 1440),
            default=10,
            doc="minutes after its time until which one is still made that could not be; else it is missed",
        ),
        Field(
            name="alarm",
            rule=on_off(),
            default=True,
            doc="raise an alarm, which is mailed as others are, for each that woke nobody",
        ),
        Field(name="journaldays", rule=integer(1, 3650), default=90, doc="days for which tries are kept"),
    ),
)
