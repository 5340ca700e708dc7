"""Beginning a call for an application: the promise first, then the engine (architecture, decision 5)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from offhook import logs
from offhook.areas.control.live import LiveCalls
from offhook.areas.records.service import RecordKeeper
from offhook.asterisk.switch import (
    NO_ANSWER,
    EngineUnreachable,
    OriginateRequest,
    Switch,
    SwitchBusy,
    SwitchError,
)
from offhook.callstate.model import Member
from offhook.contract.errors import ContractError, Errno
from offhook.ledger import Direction
from offhook.store.unit import Store, UnitOfWork

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCall:
    """A call to begin. `caller` and `callee` are those of its record, `type` that if no trunk hears of it.

    `channel` is rung for at most `timeout` seconds and then enters `exten` of `context`; a Local channel
    rings parties that go on by themselves. `first` and `called` as in `offhook.callstate.expect`.
    """

    caller: str
    callee: str
    channel: str
    context: str
    exten: str
    timeout: int
    caller_id: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    type: Direction = "Internal"
    first: Member | None = None
    called: bool = False


class Launcher:
    """Begins calls."""

    def __init__(self, switch: Switch, live: LiveCalls, records: RecordKeeper, store: Store) -> None:
        self._switch = switch
        self._live = live
        self._records = records
        self._store = store

    async def launch(
        self, new: NewCall, also: Callable[[UnitOfWork, str], None] = lambda _unit, _callid: None
    ) -> str:
        """Begin a call; returns its callid.

        The intent is on disk before the engine hears of the call, so a promised callid always gets its
        record. `also` is called with the callid in the transaction of the intent; what it raises is raised
        here, and no call is begun. Raises ContractError 10116 or 30002 when the engine cannot do it; then
        nothing is left of it but what `also` has stored.
        """
        if not self._switch.healthy:
            raise ContractError(Errno.ENGINE_UNREACHABLE)
        callid = self._switch.next_call_id()
        with logs.of_call(callid):
            await self._begin(callid, new, also)
        return callid

    async def _begin(self, callid: str, new: NewCall, also: Callable[[UnitOfWork, str], None]) -> None:
        def promise(unit: UnitOfWork) -> None:
            also(unit, callid)
            self._records.add_intent(unit, callid, new.caller, new.callee, new.type)

        await self._store.write("call intent", promise)
        rung = new.callee if new.called else new.caller
        self._live.expect(callid, rung, new.callee, first=new.first, called=new.called)
        try:
            await self._switch.originate(self._request(callid, new))
        except NO_ANSWER:
            # The engine may have begun the call: its callid stays promised, and the picture tells the rest.
            log.warning("call %s: the engine has not answered", callid)
        except SwitchError as failure:
            log.warning("call %s: %s", callid, failure)
            self._live.abandon(callid)
            await self._records.withdraw_intent(callid)
            raise refusal(failure) from None

    def _request(self, callid: str, new: NewCall) -> OriginateRequest:
        local = new.channel.startswith("Local/")
        return OriginateRequest(
            callid=callid,
            channel=new.channel,
            other_channel_id=self._switch.next_call_id() if local else "",
            context=new.context,
            exten=new.exten,
            timeout=new.timeout,
            caller_id=new.caller_id,
            variables=new.variables,
        )


def refusal(failure: SwitchError) -> ContractError:
    """What the contract answers when the engine does not begin a call: 30002 when it is away, else 10116."""
    if isinstance(failure, EngineUnreachable):
        return ContractError(Errno.ENGINE_UNREACHABLE)
    if isinstance(failure, SwitchBusy):
        return ContractError(Errno.ENGINE_REFUSED, "too many calls begin at once; try again in a moment")
    return ContractError(Errno.ENGINE_REFUSED, str(failure))
