"""Error numbers of the contract (spec chapter 16-errors).

Every code that the contract knows stands here once; a failure anywhere in offhook names one of them.
"""

from __future__ import annotations

from enum import IntEnum


class Errno(IntEnum):
    """A code of the contract; on the wire it is a string of digits."""

    XML_NOT_SUPPORTED = 10002
    UNKNOWN_REQUEST = 10003
    PARAMETER_EMPTY = 10004
    NO_SUCH_CALLID = 10005
    NO_SUCH_EXTENSION = 10006
    NO_SUCH_CALL = 10007
    EXTENSION_NOT_IDLE = 10008
    MONITORING_FORBIDDEN = 10009
    MONITOR_MODE_MISMATCH = 10010
    NO_SUCH_NUMBER = 10011
    NO_SUCH_IVR = 10012
    NO_SUCH_QUEUE = 10013
    NO_SUCH_RINGGROUP = 10014
    CALL_NOT_CONNECTED = 10015
    DECISION_TOO_LATE = 10016
    EXTENSION_CONFIG = 10017
    IVR_CONFIG = 10018
    QUEUE_CONFIG = 10019
    WAKEUP_CONFIG = 10020
    NO_SUCH_WAKEUP = 10021
    WAKEUP_EXISTS = 10022
    NO_SUCH_AUDIO = 10023
    NO_OUTBOUND_PERMISSION = 10024
    APPLIED_TOO_OFTEN = 10025
    NUMBER_EMPTY = 10028
    CALLEE_INVALID = 10031
    WRONG_PASSWORD = 10032
    EXTENSION_ROUTES_CONFIG = 10033
    PAGING_CONFIG = 10034
    PAGING_FAILED = 10035
    NO_SUCH_PAGING = 10036
    PAGING_NUMBER_IN_USE = 10037
    NO_SUCH_PAGING_MEMBER = 10038
    PAGING_NAME = 10039
    PAGING_LIMIT = 10040
    PAGING_MEMBERS_LIMIT = 10041
    TRUNK_NAME = 10042
    TRUNK_NAME_IN_USE = 10043
    TRUNK_TYPE = 10044
    TRUNK_HOST = 10045
    TRUNK_PORT = 10046
    TRUNK_DOMAIN = 10047
    TRUNK_USER = 10048
    TRUNK_USER_IN_USE = 10049
    TRUNK_AUTH_NAME = 10050
    TRUNK_FROM = 10051
    TRUNK_PASSWORD = 10052
    DOD_EXTENSION = 10053
    DOD_GROUP = 10054
    DOD_NUMBER = 10055
    DOD_NUMBER_LENGTH = 10056
    DOD_NAME = 10057
    DOD_NAME_LENGTH = 10058
    DOD_FORM = 10059
    TRUNK_LIMIT = 10060
    TRUNK_DELETE = 10061
    NO_SUCH_TRUNK = 10062
    INROUTE_NAME = 10063
    INROUTE_EXISTS = 10064
    DID_PATTERN = 10065
    CALLERID_PATTERN = 10066
    INROUTE_TRUNK = 10067
    DESTINATION_TYPE = 10068
    DESTINATION = 10069
    INROUTE_LIMIT = 10070
    INROUTE_DELETE = 10071
    NO_SUCH_INROUTE = 10072
    OUTROUTE_NAME = 10073
    OUTROUTE_EXISTS = 10074
    DIAL_PATTERN = 10075
    STRIP_COUNT = 10076
    PREPEND = 10077
    OUTROUTE_TRUNK = 10078
    OUTROUTE_EXTENSION = 10079
    OUTROUTE_GROUP = 10080
    OUTROUTE_LIMIT = 10081
    OUTROUTE_DELETE = 10082
    NO_SUCH_OUTROUTE = 10083
    DID_NUMBER = 10088
    DID_NUMBER_LENGTH = 10089
    DID_NAME = 10090
    DID_NAME_LENGTH = 10091
    DID_LIMIT = 10092
    NO_ROUTE = 10100
    COMBINATION_NOT_SUPPORTED = 10101
    CALL_OPERATION_FAILED = 10102
    NO_SUCH_CHANNEL = 10103
    VOLUME_RANGE = 10104
    NO_SUCH_MEMBER = 10105
    NOT_MODERATOR = 10106
    CONFERENCE_STATE = 10107
    NO_SUCH_CONFERENCE = 10110
    CONFERENCE_FAILED = 10112
    CONFERENCE_NUMBER_IN_USE = 10113
    NO_SUCH_CUSTOM_AUDIO = 10115
    ENGINE_REFUSED = 10116
    LINKUS_ENABLE = 10132
    LINKUS_CONFIG = 10133
    LINKUS_NOT_ENABLED = 10134
    NO_MAIL_SERVER = 10135
    LINKUS_LIMIT = 10136
    CONTACT_ID_OTHER = 10137
    NO_SUCH_CONTACT = 10139
    CONTACT_FORM = 10140
    CONTACT_FORM_OTHER = 10141
    CONTACT_LIMIT = 10142
    NO_SUCH_EXTGROUP = 10143
    EXTGROUP_NAME = 10144
    EXTGROUP_NAME_IN_USE = 10145
    EXTGROUP_IN_USE = 10146
    EXTGROUP_LIMIT = 10148
    EXTGROUP_MEMBERS = 10149
    PARKING_SLOT = 10151
    PARKING_FAILED = 10152
    UACSTA_FAILED = 10153
    NOT_JSON = 20000
    NOT_POST = 20001
    LOGIN_LOCKED = 20002
    LOGIN_WRONG = 20003
    NO_SUCH_TOKEN = 20004
    TOKEN_EMPTY = 20005
    TOKEN_EXPIRED = 20006
    DATA_EMPTY = 20007
    PORT_WRONG = 20008
    REQUEST_EMPTY = 20009
    NOT_HANDLED = 20010
    HEARTBEAT_FAILED = 20011
    RECORDING_RANDOM = 20012
    VERIFICATION_CODE = 20013
    NO_SUCH_RECORDING = 20014
    ALLOWED_IP = 20015
    VOICEMAIL_STATUS = 20016
    VOICEMAIL_RANDOM = 20017
    NO_SUCH_VOICEMAIL = 20018
    CDR_TIME = 20019
    CDR_RANDOM = 20020
    NO_SUCH_CDR = 20021
    ADDRESS_RESTRICTED = 20022
    NO_MEMORY = 30001
    ENGINE_UNREACHABLE = 30002
    SERVICE_NOT_RUNNING = 30003

    @property
    def meaning(self) -> str:
        """What the contract says about the code, for `errmsg` and logs."""
        return _MEANINGS[self]


_MEANINGS: dict[Errno, str] = {
    Errno.XML_NOT_SUPPORTED: "XML packet of a form the PBX does not know",
    Errno.UNKNOWN_REQUEST: "the PBX does not know this request",
    Errno.PARAMETER_EMPTY: "a required parameter is missing or empty",
    Errno.NO_SUCH_CALLID: "callid does not exist",
    Errno.NO_SUCH_EXTENSION: "extension does not exist",
    Errno.NO_SUCH_CALL: "call does not exist",
    Errno.EXTENSION_NOT_IDLE: "extension is not idle",
    Errno.MONITORING_FORBIDDEN: "extension may not be monitored",
    Errno.MONITOR_MODE_MISMATCH: "monitor mode does not match",
    Errno.NO_SUCH_NUMBER: "called number does not exist",
    Errno.NO_SUCH_IVR: "IVR does not exist",
    Errno.NO_SUCH_QUEUE: "queue does not exist",
    Errno.NO_SUCH_RINGGROUP: "ring group does not exist",
    Errno.CALL_NOT_CONNECTED: "the call is not connected",
    Errno.DECISION_TOO_LATE: "accepting or refusing a call came too late",
    Errno.EXTENSION_CONFIG: "configuring the extension failed",
    Errno.IVR_CONFIG: "configuring the IVR failed",
    Errno.QUEUE_CONFIG: "configuring the queue failed",
    Errno.WAKEUP_CONFIG: "adding or changing a wake-up call failed",
    Errno.NO_SUCH_WAKEUP: "wake-up call does not exist",
    Errno.WAKEUP_EXISTS: "wake-up call exists already",
    Errno.NO_SUCH_AUDIO: "audio file does not exist",
    Errno.NO_OUTBOUND_PERMISSION: "extension has no permission for outbound calls",
    Errno.APPLIED_TOO_OFTEN: "applying changes too often",
    Errno.NUMBER_EMPTY: "number is empty",
    Errno.CALLEE_INVALID: "callee number does not meet the requirement",
    Errno.WRONG_PASSWORD: "wrong password",
    Errno.EXTENSION_ROUTES_CONFIG: "configuring the extension's outbound routes failed",
    Errno.PAGING_CONFIG: "paging group: a setting is wrong or configuring failed",
    Errno.PAGING_FAILED: "paging group: the operation failed",
    Errno.NO_SUCH_PAGING: "paging group does not exist",
    Errno.PAGING_NUMBER_IN_USE: "paging group: number in use",
    Errno.NO_SUCH_PAGING_MEMBER: "paging group: a member does not exist",
    Errno.PAGING_NAME: "paging group: name wrong or in use",
    Errno.PAGING_LIMIT: "no more paging groups possible",
    Errno.PAGING_MEMBERS_LIMIT: "too many members in the paging group",
    Errno.TRUNK_NAME: "trunk name wrong",
    Errno.TRUNK_NAME_IN_USE: "trunk name in use",
    Errno.TRUNK_TYPE: "trunk type wrong",
    Errno.TRUNK_HOST: "host wrong",
    Errno.TRUNK_PORT: "port wrong",
    Errno.TRUNK_DOMAIN: "domain wrong",
    Errno.TRUNK_USER: "user name wrong",
    Errno.TRUNK_USER_IN_USE: "user name in use",
    Errno.TRUNK_AUTH_NAME: "authentication name wrong",
    Errno.TRUNK_FROM: "From field wrong",
    Errno.TRUNK_PASSWORD: "password wrong",
    Errno.DOD_EXTENSION: "DOD setting names an extension that does not exist",
    Errno.DOD_GROUP: "DOD setting names an extension group that does not exist",
    Errno.DOD_NUMBER: "DOD number wrong",
    Errno.DOD_NUMBER_LENGTH: "length of the DOD number wrong",
    Errno.DOD_NAME: "DOD name wrong",
    Errno.DOD_NAME_LENGTH: "length of the DOD name wrong",
    Errno.DOD_FORM: "form of the DOD setting wrong",
    Errno.TRUNK_LIMIT: "no more trunks possible",
    Errno.TRUNK_DELETE: "deleting the trunk failed",
    Errno.NO_SUCH_TRUNK: "trunk does not exist",
    Errno.INROUTE_NAME: "inbound route name wrong",
    Errno.INROUTE_EXISTS: "inbound route exists already",
    Errno.DID_PATTERN: "DID pattern wrong",
    Errno.CALLERID_PATTERN: "caller-id pattern wrong",
    Errno.INROUTE_TRUNK: "trunk of the inbound route does not exist",
    Errno.DESTINATION_TYPE: "destination type wrong",
    Errno.DESTINATION: "destination wrong",
    Errno.INROUTE_LIMIT: "no more inbound routes possible",
    Errno.INROUTE_DELETE: "deleting the inbound route failed",
    Errno.NO_SUCH_INROUTE: "inbound route does not exist",
    Errno.OUTROUTE_NAME: "outbound route name wrong",
    Errno.OUTROUTE_EXISTS: "outbound route exists already",
    Errno.DIAL_PATTERN: "dial pattern wrong",
    Errno.STRIP_COUNT: "strip count wrong",
    Errno.PREPEND: "prepended digits wrong",
    Errno.OUTROUTE_TRUNK: "trunk of the outbound route does not exist",
    Errno.OUTROUTE_EXTENSION: "extension of the outbound route does not exist",
    Errno.OUTROUTE_GROUP: "extension group of the outbound route does not exist",
    Errno.OUTROUTE_LIMIT: "no more outbound routes possible",
    Errno.OUTROUTE_DELETE: "deleting the outbound route failed",
    Errno.NO_SUCH_OUTROUTE: "outbound route does not exist",
    Errno.DID_NUMBER: "DID number of the trunk wrong",
    Errno.DID_NUMBER_LENGTH: "length of the DID number wrong",
    Errno.DID_NAME: "DID name wrong",
    Errno.DID_NAME_LENGTH: "length of the DID name wrong",
    Errno.DID_LIMIT: "no more DID numbers possible on the trunk",
    Errno.NO_ROUTE: "something the call needs does not exist, taken as: no outbound route for the number",
    Errno.COMBINATION_NOT_SUPPORTED: "the endpoint does not support this combination of caller and callee",
    Errno.CALL_OPERATION_FAILED: "a call operation failed or is not allowed in the present state",
    Errno.NO_SUCH_CHANNEL: "channelid does not exist",
    Errno.VOLUME_RANGE: "volume is not within 0-20",
    Errno.NO_SUCH_MEMBER: "a member that is to be acted on does not exist in the call or conference",
    Errno.NOT_MODERATOR: "the operator is not a moderator of the conference",
    Errno.CONFERENCE_STATE: "conference: its present state forbids the operation",
    Errno.NO_SUCH_CONFERENCE: "conference number does not exist",
    Errno.CONFERENCE_FAILED: "conference: the operation failed",
    Errno.CONFERENCE_NUMBER_IN_USE: "conference number in use",
    Errno.NO_SUCH_CUSTOM_AUDIO: "custom audio or hold-music file does not exist",
    Errno.ENGINE_REFUSED: "passing the request to the call engine",
    Errno.LINKUS_ENABLE: "enablelinkus has a wrong value",
    Errno.LINKUS_CONFIG: "Linkus: a client setting is wrong",
    Errno.LINKUS_NOT_ENABLED: "Linkus is not enabled for the extension",
    Errno.NO_MAIL_SERVER: "no mail server is set up",
    Errno.LINKUS_LIMIT: "no more Linkus clients possible",
    Errno.CONTACT_ID_OTHER: "an id does not exist, taken as that of a company contact",
    Errno.NO_SUCH_CONTACT: "not readable but for the word Linkus",
    Errno.CONTACT_FORM: "company contact: a field does not have the form required",
    Errno.CONTACT_FORM_OTHER: "company contact: a field does not have the form required",
    Errno.CONTACT_LIMIT: "no more company contacts possible",
    Errno.NO_SUCH_EXTGROUP: "extension group id wrong",
    Errno.EXTGROUP_NAME: "extension group name wrong",
    Errno.EXTGROUP_NAME_IN_USE: "extension group name in use",
    Errno.EXTGROUP_IN_USE: "extension group is in use and cannot be changed or deleted",
    Errno.EXTGROUP_LIMIT: "no more extension groups possible",
    Errno.EXTGROUP_MEMBERS: "extension list of the group holds unknown or repeated extensions",
    Errno.PARKING_SLOT: "parking slot number wrong or taken",
    Errno.PARKING_FAILED: "parking the call failed or timed out",
    Errno.UACSTA_FAILED: "uaCSTA operation failed or timed out",
    Errno.NOT_JSON: "only JSON is supported",
    Errno.NOT_POST: "only POST is supported",
    Errno.LOGIN_LOCKED: "login failed, locked",
    Errno.LOGIN_WRONG: "login failed, wrong user name or password",
    Errno.NO_SUCH_TOKEN: "no such token",
    Errno.TOKEN_EMPTY: "token is empty",
    Errno.TOKEN_EXPIRED: "token has expired",
    Errno.DATA_EMPTY: "data is empty",
    Errno.PORT_WRONG: "port is wrong",
    Errno.REQUEST_EMPTY: "request is empty",
    Errno.NOT_HANDLED: "the request could not be passed to the API service for handling",
    Errno.HEARTBEAT_FAILED: "heartbeat setting failed",
    Errno.RECORDING_RANDOM: "random string of the recording is invalid",
    Errno.VERIFICATION_CODE: "verification code is wrong",
    Errno.NO_SUCH_RECORDING: "recording file does not exist",
    Errno.ALLOWED_IP: "allowedip is wrong",
    Errno.VOICEMAIL_STATUS: "voicemail status parameter is wrong",
    Errno.VOICEMAIL_RANDOM: "random string of the voicemail is invalid",
    Errno.NO_SUCH_VOICEMAIL: "voicemail file does not exist",
    Errno.CDR_TIME: "time format of the call records is wrong",
    Errno.CDR_RANDOM: "random string of the call records is invalid",
    Errno.NO_SUCH_CDR: "call record file does not exist",
    Errno.ADDRESS_RESTRICTED: "address of the management platform",
    Errno.NO_MEMORY: "memory for JSON could not be allocated",
    Errno.ENGINE_UNREACHABLE: "connecting to the call engine",
    Errno.SERVICE_NOT_RUNNING: "the API service is not running",
}


class ContractError(Exception):
    """A request that the contract refuses; the one failure family of all services.

    `errno` goes to the client; `detail` says what was wrong for the log and for `errmsg`, and must not
    hold a secret.
    """

    def __init__(self, errno: Errno, detail: str = "") -> None:
        super().__init__(f"{int(errno)} {detail or errno.meaning}")
        self.errno = errno
        self.detail = detail or errno.meaning
