"""How the PBX sends mail, and who is told of alarms."""

from __future__ import annotations

from offhook.areas.mail.addresses import address_rule, addresses_rule
from offhook.areas.objects.field import Field
from offhook.areas.pbxsettings.section import Section
from offhook.contract.rules import choice, integer, on_off, pattern, text

MAIL = Section(
    key="mail",
    parts=frozenset({"mail"}),
    fields=(
        Field(
            name="host",
            rule=pattern(r"[A-Za-z0-9._:-]{1,253}", says="a host name or an address", max_len=253),
            default="",
            cleared="",
            doc="the SMTP server that takes our mail; empty: no mail is sent",
        ),
        Field(name="port", rule=integer(1, 65535), default=587, doc="usual are 587, 465 with tls, 25"),
        Field(
            name="security",
            rule=choice(("starttls", "tls", "none")),
            default="starttls",
            doc="STARTTLS that must succeed, TLS from the start, or none",
        ),
        Field(
            name="verify",
            rule=on_off(),
            default=True,
            doc="whether the server's certificate has to be one that we trust",
        ),
        Field(
            name="cafile",
            rule=pattern(r"/[^\x00-\x1f\x7f]*", says="the full path of a file"),
            default="",
            cleared="",
            doc="certificates (PEM) that are trusted instead of the machine's",
        ),
        Field(name="username", rule=text(), default="", cleared="", doc="empty: the server needs none"),
        Field(name="password", rule=text(), default="", cleared="", secret=True, sealed=True),
        Field(
            name="fromaddress",
            rule=address_rule(),
            default="",
            cleared="",
            doc="the sender's address; without it no mail is sent",
        ),
        Field(name="fromname", rule=text(max_len=63), default="PBX", cleared=""),
        Field(
            name="maxsize",
            rule=integer(1, 100),
            default=20,
            doc="MB that the attachments of a mail may have together",
        ),
        Field(
            name="retryhours",
            rule=integer(1, 240),
            default=48,
            doc="hours for which a mail is tried again when the server cannot take it now",
        ),
        Field(
            name="keepfaxes",
            rule=on_off(),
            default=False,
            doc="keep the files of faxes that were mailed",
        ),
        Field(
            name="alarmrecipients",
            rule=addresses_rule(),
            default="",
            cleared="",
            doc="who is told of alarms; empty: nobody",
        ),
        Field(
            name="alarmminutes",
            rule=integer(1, 1440),
            default=15,
            doc="minutes between two mails about alarms of one kind",
        ),
    ),
)
