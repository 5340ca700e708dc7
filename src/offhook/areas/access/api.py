"""Endpoints login, heartbeat, token/refresh, logout (spec 00-access)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offhook.areas.access.service import Access, Push
from offhook.contract.endpoint import Caller, Endpoint
from offhook.contract.errors import Errno
from offhook.contract.params import NoParameters, param
from offhook.contract.results import Nothing
from offhook.contract.rules import integer, text

_PORT_DOC = "0 means none (clients in the field send it)"


def _port() -> Any:
    return param(integer(0, 65535), bad=Errno.PORT_WRONG, optional=True, doc=_PORT_DOC)


@dataclass(frozen=True, kw_only=True)
class LoginRequest:
    """Request of login."""

    username: str = param(text(max_len=255), bad=Errno.LOGIN_WRONG)
    password: str = param(text(max_len=255), bad=Errno.LOGIN_WRONG, secret=True, doc="MD5 in 32 hex digits")
    version: str | None = param(text(max_len=32), bad=Errno.PARAMETER_EMPTY, optional=True)
    port: int | None = _port()
    url: str | None = param(text(max_len=2000), bad=Errno.PORT_WRONG, optional=True)
    urltag: str | None = param(
        text(max_len=8), bad=Errno.PARAMETER_EMPTY, optional=True, aliases=("urlflag",)
    )


@dataclass(frozen=True, kw_only=True)
class LoginResult:
    """Result of login."""

    token: str
    transport: str
    refreshtoken: str


@dataclass(frozen=True, kw_only=True)
class HeartbeatRequest:
    """Request of heartbeat."""

    ipaddr: str | None = param(text(max_len=255), bad=Errno.HEARTBEAT_FAILED, optional=True)
    version: str | None = param(text(max_len=32), bad=Errno.HEARTBEAT_FAILED, optional=True)
    port: int | None = _port()
    url: str | None = param(text(max_len=2000), bad=Errno.HEARTBEAT_FAILED, optional=True)
    urltag: str | None = param(
        text(max_len=8), bad=Errno.HEARTBEAT_FAILED, optional=True, aliases=("urlflag",)
    )


@dataclass(frozen=True, kw_only=True)
class RefreshRequest:
    """Request of token/refresh."""

    refreshtoken: str = param(text(max_len=255), bad=Errno.NO_SUCH_TOKEN, secret=True)


@dataclass(frozen=True, kw_only=True)
class RefreshResult:
    """Result of token/refresh."""

    token: str
    refreshtoken: str


def endpoints(access: Access) -> list[Endpoint[Any, Any]]:
    """The endpoints that `access` serves."""

    async def login(caller: Caller, request: LoginRequest) -> LoginResult:
        push = Push(port=request.port, url=request.url, urltag=request.urltag, version=request.version)
        tokens = await access.login(caller, request.username, request.password.strip(), push)
        return LoginResult(
            token=tokens.token,
            transport=access.settings.now.report_method,
            refreshtoken=tokens.refreshtoken,
        )

    async def heartbeat(caller: Caller, request: HeartbeatRequest) -> Nothing:
        push = Push(
            port=request.port,
            url=request.url,
            urltag=request.urltag,
            ipaddr=request.ipaddr,
            version=request.version,
        )
        await access.heartbeat(caller, push)
        return Nothing()

    async def refresh(caller: Caller, request: RefreshRequest) -> RefreshResult:
        tokens = await access.refresh(caller, request.refreshtoken)
        return RefreshResult(token=tokens.token, refreshtoken=tokens.refreshtoken)

    async def logout(caller: Caller, _request: NoParameters) -> Nothing:
        await access.logout(caller)
        return Nothing()

    return [
        Endpoint(
            path="login",
            chapter="00",
            summary="A token for the API, and where events shall go",
            request=LoginRequest,
            result=LoginResult,
            handler=login,
            errors=(Errno.LOGIN_LOCKED, Errno.LOGIN_WRONG, Errno.PORT_WRONG, Errno.SERVICE_NOT_RUNNING),
            needs_token=False,
        ),
        Endpoint(
            path="heartbeat",
            chapter="00",
            summary="Keeps the token alive and may move the receiver of events",
            request=HeartbeatRequest,
            result=Nothing,
            handler=heartbeat,
            errors=(Errno.HEARTBEAT_FAILED,),
        ),
        Endpoint(
            path="token/refresh",
            chapter="00",
            summary="Trades a refresh token for a new pair of tokens",
            request=RefreshRequest,
            result=RefreshResult,
            handler=refresh,
            errors=(Errno.NO_SUCH_TOKEN, Errno.TOKEN_EXPIRED),
            needs_token=False,
        ),
        Endpoint(
            path="logout",
            chapter="00",
            summary="Ends the token",
            request=NoParameters,
            result=Nothing,
            handler=logout,
        ),
    ]
