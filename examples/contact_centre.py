"""A contact centre: agents sign on, a customer waits and is served, supervised and asked how it was.

The queue is made by the operator of the PBX (see README.md); everything else is done from here.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial

from application import options, run
from client import Client, Event, Unexpected, members, say

STATES = {
    "0": "unknown",
    "1": "free",
    "2": "talking",
    "5": "away",
    "6": "ringing",
    "8": "on hold",
    "9": "paused",
}


class Centre:
    """The centre's software, for one queue."""

    def __init__(self, pbx: Client, given: argparse.Namespace) -> None:
        self.pbx, self.given = pbx, given
        self.queue: str = given.queue
        self.agent, self.colleague = given.agents.split(",")
        self.wait = partial(pbx.wait, seconds=given.patience)

    def settings(self) -> None:
        """Have all agents ring at once, let callers wait while all pause, ask them, let agents be heard."""
        wanted = {"ringstrategy": "Ring All", "joinempty": "on", "satisfactionsurvey": self.given.survey}
        self.pbx.post("queue/update", number=self.queue, **wanted)
        (now,) = self.pbx.post("queue/query", number=self.queue)["queues"]
        say(
            f"Queue {now['number']} {now['queuename']}: {now['ringstrategy']},"
            f" survey {now['satisfactionsurvey']}."
        )

        for agent in (self.agent, self.colleague):
            self.pbx.post("extension/update", number=agent, allowbeingmonitored="on")
        self.pbx.post("extension/update", number=self.given.supervisor, monitormode="Extensive")

    def sign_on(self) -> None:
        """Both agents sign on; their phones need do nothing."""
        for agent in (self.agent, self.colleague):
            self._tell("add_dynamicagent", agent, password=self.given.queue_password)
            say(f"Agent {agent} has signed on.")
        self._show()

    def sign_off(self) -> None:
        """Both leave."""
        for agent in (self.agent, self.colleague):
            self._tell("delete_dynamicagent", agent)
            say(f"Agent {agent} has signed off.")

    def customer_waits(self) -> None:
        """A customer calls while both pause; one agent comes back and answers; a supervisor joins in."""
        for agent in (self.agent, self.colleague):
            self._tell("pause_agent", agent)
        self._expect(self.agent, "9")
        say(f"The agents pause. Call queue {self.queue}.")
        entered = self.wait("CallStatus", lambda event: members(event)[0].get("callpath") == self.queue)
        callid = entered["callid"]
        caller = self._first_waiting()
        say(f"{caller['callernum']} waits since {caller['waittime']} on {caller['channelid']}.")

        self._tell("unpause_agent", self.agent)
        say(f"Agent {self.agent} is back; pick up.")
        self._answered(callid, self.agent)
        self._show()
        for way in ("listen", "whisper", "barge"):
            self._supervise(callid, way)
        say(f"Agent {self.agent}, hang up; customer, press a key.")
        survey = self.wait("satisfaction", callid=callid)
        record = self.wait("NewCdr", callid=callid)
        if record["callto"] != f"{self.queue}({self.agent})":
            raise Unexpected(f"the call was answered by {record['callto']}")
        say(
            f"Agent {self.agent} gets a {survey['surveyresult']};"
            f" the customer waited {record['agentringtime']} s."
        )
        self._tell("unpause_agent", self.colleague)

    def agent_calls_agent(self) -> None:
        """From one desk to the other."""
        say(f"Agent {self.agent} calls {self.colleague}: both pick up, one hangs up.")
        self._talk(self.colleague, caller=self.agent, callee=self.colleague)

    def agent_calls_customer(self) -> None:
        """The agent's phone rings first, then the customer's."""
        customer = self.given.customer
        say(f"Agent {self.agent} calls {customer}: both pick up, one hangs up.")
        self._talk(customer, caller=self.agent, callee=customer)

    def queue_calls_customer(self) -> None:
        """The customer is called first, and is given an agent when he has answered."""
        customer = self.given.customer
        say(f"Queue {self.queue} calls {customer}: he picks up, then an agent does; the customer hangs up.")
        right = self.given.permission
        callid = self._dial(caller=self.queue, callee=customer, dialpermission=right)
        agents = {self.agent, self.colleague}
        answered = self.wait("CallStatus", lambda event: bool(agents & _who(event, "ANSWER")), callid=callid)
        (agent,) = agents & _who(answered, "ANSWER")
        say(f"Agent {agent} talks with {customer}.")
        self._over(callid)

    def _first_waiting(self) -> Event:
        for _ in range(10):
            if callers := self._show()["callers"]:
                first: Event = callers[0]
                return first
            time.sleep(0.5)
        raise Unexpected(f"nobody waits in queue {self.queue}")

    def _supervise(self, callid: str, way: str) -> None:
        supervisor = self.given.supervisor
        say(f"{supervisor}, pick up to {way}, and hang up again.")
        body = {"monitor": supervisor, "extension": self.agent, "type": way}
        if self.pbx.post("call/listen", **body)["callid"] != callid:
            raise Unexpected(f"{supervisor} would {way} in another call")
        for status in ("Busy", "Registered"):
            self.wait("ExtensionStatus", extension=supervisor, status=status)

    def _talk(self, who: str, **parties: str) -> None:
        callid = self._dial(**parties)
        self._answered(callid, who)
        self._over(callid)

    def _dial(self, **parties: str) -> str:
        return str(self.pbx.post("call/dial", **parties)["callid"])

    def _answered(self, callid: str, who: str) -> None:
        self.wait("CallStatus", lambda event: who in _who(event, "ANSWER"), callid=callid)
        say(f"{who} has answered.")

    def _over(self, callid: str) -> None:
        record = self.wait("NewCdr", callid=callid)
        if record["status"] != "ANSWERED":
            raise Unexpected(f"the call ended with {record['status']}")
        say(f"Call from {record['callfrom']} to {record['callto']}: talk {record['talkduraction']} s.")

    def _tell(self, what: str, agent: str, **more: str) -> None:
        self.pbx.post(f"queue/{what}", queuenumber=self.queue, extnumber=agent, **more)

    def _show(self) -> Event:
        (queue,) = self.pbx.post("queue/query_status", number=self.queue)["queues"]
        state: Event = queue["queuestatus"][0]
        agents = (f"{one['agent']} {STATES.get(one['agentstatus'], 'busy')}" for one in state["members"])
        say(f"Queue {self.queue}: {state['callercount']} waiting; {', '.join(agents)}.")
        return state

    def _expect(self, agent: str, status: str) -> None:
        found = {one["agent"]: one["agentstatus"] for one in self._show()["members"]}
        if found.get(agent) != status:
            raise Unexpected(f"agent {agent} has status {found.get(agent)}, not {status}")


def _who(event: Event, state: str) -> set[str]:
    """The parties of an event that have a state."""
    return {party["who"] for party in members(event) if party.get("memberstatus") == state}


def contact_centre(pbx: Client, given: argparse.Namespace) -> None:
    """A short day."""
    centre = Centre(pbx, given)
    centre.settings()
    centre.sign_on()
    try:
        for work in (
            centre.customer_waits,
            centre.agent_calls_agent,
            centre.agent_calls_customer,
            centre.queue_calls_customer,
        ):
            work()
            pbx.forget()
    finally:
        centre.sign_off()


def command_line() -> argparse.ArgumentParser:
    """What can be said about the centre."""
    line = options("A contact centre: agents, a waiting customer, supervision, survey, calls to customers.")
    line.add_argument("--queue", default="6700")
    line.add_argument("--queue-password", default="6700123", help="with which agents sign on")
    line.add_argument("--agents", default="1000,1001", help="two extensions that are no static agents")
    line.add_argument("--supervisor", default="1002", help="an extension that may monitor")
    line.add_argument("--customer", default="95550001", help="an outside number")
    line.add_argument("--permission", default="1000", help="extension whose outbound rights the queue uses")
    line.add_argument("--survey", default="survey", help="custom prompt that asks how it was")
    return line


if __name__ == "__main__":
    sys.exit(run(contact_centre, command_line()))
