"""The engine's static configuration, as text: what stays the same while it runs.

All that changes with the PBX (extensions, mailboxes, …) is read by Asterisk from views of the store, or
comes in generated files beside these. Pure: `render` makes texts, `offhook.asterisk.config` writes them.
Source of the options: Asterisk 22's sample configuration and the measurements in the engine notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from offhook.asterisk.modules import MODULES, PRELOAD
from offhook.asterisk.tree import EngineTree

REALM = "offhook"
"""Realm of every digest; the store keeps HA1 with it, so it never changes."""

TLS_CIPHERS = ",".join(
    f"ECDHE-{key}-{cipher}"
    for cipher in ("AES256-GCM-SHA384", "AES128-GCM-SHA256", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA")
)
"""Forward secret and authenticated ones only. The engine takes one version of TLS, which is 1.2."""

AMI_USER = "offhook"
AMI_READ = "system,call,user,agent,reporting,dtmf"
AMI_WRITE = "system,originate,call,agent,user,reporting"
AMI_SECURITY_USER = "offhook-security"
"""Hears security events and may do nothing. A link of its own: a flood must not delay other events."""
AMI_SECURITY_EVENTS = (
    *("FullyBooted", "InvalidAccountID", "ChallengeResponseFailed", "InvalidPassword"),
    *("RequestBadFormat", "ChallengeSent", "SuccessfulAuth"),
)
AMI_UNREAD = (
    *("RTCPSent", "RTCPReceived", "DeviceStateChange", "NewCallerid", "NewConnectedLine", "DTMFBegin"),
    "TestEvent",
)
"""Events that offhook drops in the engine: many, and not needed.

A list of what is wanted instead costs the engine the same within the noise (docs/adr/0003), and an event that
the picture comes to need could be forgotten in it, as SoftHangupRequest was.
"""

# Not the caller's name: the engine escapes quotes and not the backslashes before them.
CEL_FIELDS = (
    "EventType,EventTime(float),Num,DNID,Exten,Context,ChanName,AppName,AppData,"
    "UniqueID,LinkedID,Peer,UserField,AccountCode,EventExtra"
)
_CEL_APPS = "dial,queue,park,voicemail,confbridge,page"
_CEL_EVENTS = (
    "CHAN_START,CHAN_END,ANSWER,HANGUP,BRIDGE_ENTER,BRIDGE_EXIT,APP_START,APP_END,BLINDTRANSFER,"
    "ATTENDEDTRANSFER,PICKUP,FORWARD,PARK_START,PARK_END,LINKEDID_END,USER_DEFINED"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """All that the static configuration depends on.

    `dialplan` is the text of extensions.conf; `realtime` maps extconfig families to views of the store;
    `local_nets` and `external_address` describe NAT; `timezone` is an IANA name or empty for the machine's;
    calls above `max_calls` are refused (0: none).
    """

    tree: EngineTree
    data: Path
    store: Path
    dialplan: str
    bind: str = "0.0.0.0"  # noqa: S104 - phones have to reach it
    sip_port: int = 5060
    tls_port: int = 5061
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    rtp_ports: tuple[int, int] = (10000, 12999)
    ami_port: int = 5038
    max_calls: int = 0
    timezone: str = ""
    external_address: str = ""
    local_nets: Sequence[str] = ()
    realtime: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The engine's own folder in the data folder."""
        return self.data / "asterisk"

    @property
    def etc(self) -> Path:
        """Where its configuration lies."""
        return self.folder / "etc"

    @property
    def cel_file(self) -> Path:
        """The file into which the engine writes CEL."""
        return self.data / "cel" / "cel.json"


def render(settings: EngineSettings, ami_secret: str) -> dict[str, str]:
    """Every static configuration file by its name."""
    return {
        "asterisk.conf": _asterisk(settings),
        "modules.conf": _modules(),
        "logger.conf": _LOGGER,
        "manager.conf": _manager(settings, ami_secret),
        "pjsip.conf": _pjsip(settings),
        "sorcery.conf": _SORCERY,
        "extconfig.conf": _extconfig(settings),
        "res_config_sqlite3.conf": _sqlite(settings),
        "rtp.conf": _rtp(settings),
        "cel.conf": f"[general]\nenable=yes\napps={_CEL_APPS}\nevents={_CEL_EVENTS}\n",
        # by its name alone: the engine cuts a path here after 79 characters, and says nothing
        "cel_custom.conf": f"[{settings.cel_file.name}]\nformat = json\nfields = {CEL_FIELDS}\n",
        "cdr.conf": "[general]\nenable=no\n",
        "voicemail.conf": _VOICEMAIL + _zone(settings),
        "musiconhold.conf": _music(settings),
        "features.conf": _FEATURES,
        "confbridge.conf": _CONFBRIDGE,
        "res_parking.conf": _PARKING,
        "queues.conf": "[general]\npersistentmembers=no\nautofill=yes\nshared_lastcall=yes\n",
        "indications.conf": _INDICATIONS,
        "http.conf": "[general]\nenabled=no\n",
        "acl.conf": "",
        "udptl.conf": _udptl(settings),
        "pjproject.conf": "[startup]\ntype=startup\nlog_level=2\n",
        "queuerules.conf": "",
        "ccss.conf": "[general]\n",
        "cli_permissions.conf": "[general]\ndefault_perm=permit\n",
        "extensions.conf": settings.dialplan,
    }


def _asterisk(settings: EngineSettings) -> str:
    # flock: the lock that is a file stays when the engine is killed, and then no message is kept any more
    folder, tree = settings.folder, settings.tree
    limit = f"maxcalls = {settings.max_calls}\n" if settings.max_calls else ""
    return f"""\
[directories]
astetcdir => {settings.etc}
astmoddir => {tree.modules}
astvarlibdir => {folder / "var"}
astdbdir => {folder / "var"}
astkeydir => {folder / "var"}
astdatadir => {folder / "share"}
astagidir => {folder / "var"}
astspooldir => {folder / "spool"}
astrundir => {settings.data / "run"}
astlogdir => {folder / "log"}
[options]
documentation_language = en_US
systemname =
hideconnect = yes
live_dangerously = no
lockmode = flock
{limit}"""


def _modules() -> str:
    lines = ["[modules]", "autoload=no"]
    lines += [f"preload={name}" for name in PRELOAD]
    lines += [f"load={name}" for name in MODULES]
    return "\n".join(lines) + "\n"


# No notices: app_voicemail puts PINs into them that were typed wrong or are too short.
_LOGGER = """\
[general]
dateformat=%F %T.%3q
rotatestrategy=rotate
queue_log=no
[logfiles]
messages => warning,error
"""


def _manager(settings: EngineSettings, secret: str) -> str:
    filters = "".join(f"eventfilter(action(exclude),name({name})) =\n" for name in AMI_UNREAD)
    wanted = "".join(f"eventfilter(action(include),name({name})) =\n" for name in AMI_SECURITY_EVENTS)
    return f"""\
[general]
enabled=yes
bindaddr=127.0.0.1
port={settings.ami_port}
allowmultiplelogin=yes
displayconnects=no
timestampevents=no
[{AMI_USER}]
secret={secret}
deny=0.0.0.0/0.0.0.0
permit=127.0.0.1/255.255.255.255
read={AMI_READ}
write={AMI_WRITE}
writetimeout=5000
{filters}[{AMI_SECURITY_USER}]
secret={secret}
deny=0.0.0.0/0.0.0.0
permit=127.0.0.1/255.255.255.255
read=system,security
write=
writetimeout=5000
{wanted}"""


def _pjsip(settings: EngineSettings) -> str:
    host = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
    nat = "".join(f"local_net={net}\n" for net in settings.local_nets)
    if settings.external_address:
        nat += f"external_signaling_address={settings.external_address}\n"
        nat += f"external_media_address={settings.external_address}\n"
    text = f"""\
[global]
type=global
user_agent=offhook
default_realm={REALM}
disable_multi_domain=yes
endpoint_identifier_order=header,ip,username
max_initial_qualify_time=4
keep_alive_interval=30
unidentified_request_count=10
unidentified_request_period=5
[system]
type=system
timer_t1=100
timer_b=6400
[udp]
type=transport
protocol=udp
bind={host}:{settings.sip_port}
{nat}[tcp]
type=transport
protocol=tcp
bind={host}:{settings.sip_port}
{nat}"""
    if settings.tls_certificate and settings.tls_key:
        text += f"""\
[tls]
type=transport
protocol=tls
bind={host}:{settings.tls_port}
cert_file={settings.tls_certificate}
priv_key_file={settings.tls_key}
method=tlsv1_2
allow_reload=yes
cipher={TLS_CIPHERS}
{nat}"""
    return text + "#tryinclude pjsip_generated.conf\n#tryinclude pjsip_trunks_generated.conf\n"


_SORCERY = """\
[res_pjsip]
endpoint=config,pjsip.conf,criteria=type=endpoint
endpoint=realtime,ps_endpoints
auth=config,pjsip.conf,criteria=type=auth
auth=realtime,ps_auths
aor=config,pjsip.conf,criteria=type=aor
aor=realtime,ps_aors
contact=astdb,registrar
[res_pjsip_endpoint_identifier_ip]
identify=config,pjsip.conf,criteria=type=identify
[res_pjsip_outbound_registration]
registration=config,pjsip.conf,criteria=type=registration
[acl]
acl=realtime,ps_bans
"""


def _extconfig(settings: EngineSettings) -> str:
    families = {
        "ps_endpoints": "ps_endpoints",
        "ps_auths": "ps_auths",
        "ps_aors": "ps_aors",
        "voicemail": "voicemail",
        **settings.realtime,
    }
    return (
        "[settings]\n"
        + "".join(f"{family} => sqlite3,pbx,{view}\n" for family, view in families.items())
        + ("ps_bans => sqlite3,bans,ps_bans\n")
    )


def _sqlite(settings: EngineSettings) -> str:
    # batch=0: the default keeps a transaction open for 100 ms and locks our writer out.
    # Bans have a connection of their own: the thread that takes every packet must not wait for other queries.
    return "".join(
        f"[{name}]\ndbfile => {settings.store}\nbatch=0\nbusy_timeout=3000\nrequirements=warn\n"
        for name in ("pbx", "bans")
    )


def _music(settings: EngineSettings) -> str:
    folder = settings.tree.data / "moh"
    return f"[default]\nmode=files\ndirectory={folder}\n#tryinclude musiconhold_generated.conf\n"


def _rtp(settings: EngineSettings) -> str:
    low, high = settings.rtp_ports
    return f"[general]\nrtpstart={low}\nrtpend={high}\nstrictrtp=yes\nprobation=4\nicesupport=no\n"


def _zone(settings: EngineSettings) -> str:
    """When a message was left is told in the PBX's zone; the engine does not take it from its environment."""
    if not settings.timezone:
        return ""
    return f"[zonemessages]\nlocal={settings.timezone}|'vm-received' q 'digits/at' IMp\n"


def _udptl(settings: EngineSettings) -> str:
    """Faxes (T.38) take their ports from the same range as audio, so that a firewall needs to know one."""
    low, high = settings.rtp_ports
    return f"[general]\nudptlstart={low}\nudptlend={high}\n"


# No mailcmd runs: the view's e-mail column is empty, offhook sends mail itself. No PIN is long enough to be
# set in app_voicemail's own menu, which could not store it and would log it (see offhook-pin-new).
_VOICEMAIL = """\
[general]
format=wav
maxsecs=300
minsecs=1
minpassword=64
maxmsg=100
maxsilence=0
silencethreshold=128
maxlogins=3
skipms=3000
sendvoicemail=no
moveheard=yes
review=no
operator=no
envelope=yes
saycid=no
forcename=no
forcegreetings=no
pollmailboxes=no
externpasscheck=
emaildateformat=%F %T
mailcmd=/bin/false
tz=local
"""

# The number called decides how long a consultation rings; who hangs up while it rings has transferred.
# The dialplan picks calls up: the driver's own code (*8 unless emptied) would refuse with no word to anybody.
_FEATURES = """\
[general]
transferdigittimeout=3
transferdialattempts=1
featuredigittimeout=1000
atxfernoanswertimeout=3600
atxferdropcall=yes
pickupexten=
#tryinclude features_generated.conf
"""

# A line cannot begin with #, so the menu of rooms gets that key from the dialplan. On a paged phone the key *
# takes the page over.
_CONFBRIDGE = """\
[general]
[offhook_bridge]
type=bridge
[offhook_user]
type=user
announce_join_leave=no
announce_only_user=yes
dtmf_passthrough=no
[offhook_menu]
type=menu
*=no_op
[offhook_page_menu]
type=menu
*=dialplan_exec(offhook-page-answer,s,1)
[default_bridge]
type=bridge
[default_user]
type=user
quiet=yes
announce_join_leave=no
"""

_PARKING = """\
[general]
parkeddynamic=no
#tryinclude parking_generated.conf
"""

_INDICATIONS = """\
[general]
country=us
[us]
description=United States / North America
ringcadence=2000,4000
dial=350+440
busy=480+620/500,0/500
ring=440+480/2000,0/4000
congestion=480+620/250,0/250
callwaiting=440/300,0/10000
dialrecall=!350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440
record=1400/500,0/15000
info=!950/330,!1400/330,!1800/330,0
stutter=!350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440
"""
