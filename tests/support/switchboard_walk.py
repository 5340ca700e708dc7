"""The house of examples/switchboard.yaml: its PBX, the provider it hangs on, and all who have a phone."""

from __future__ import annotations

import asyncio
import datetime
import re
import shutil
import sys
from pathlib import Path

import yaml

from tests.support.pbx import Json, TestPbx, steps
from tests.support.phone import Call, Phone, eventually
from tests.support.second_asterisk import PHONES, SecondAsterisk

EXAMPLES = Path(__file__).parents[2] / "examples"
OUTSIDE, OTHER = PHONES[:2]
CHIME, MUSIC = 520, 350
"""What the sounds beside the example play, in Hz."""

Record = tuple[str, str, str, str, str, str]
"""callfrom, callto, status, trunk in > trunk out, DID, PIN."""


def inbound(callto: str, did: str, status: str = "ANSWERED", out: str = "") -> Record:
    """The record of a call of the outside phone."""
    return OUTSIDE, callto, status, f"carrier>{out}", did, ""


def outbound(callfrom: str, callto: str, status: str = "ANSWERED", pin: str = "") -> Record:
    """The record of a call over the trunk."""
    return callfrom, callto, status, ">carrier", "", pin


def internal(callfrom: str, callto: str, status: str = "ANSWERED") -> Record:
    """The record of a call within the house."""
    return callfrom, callto, status, ">", "", ""


def _record(cdr: Json) -> Record:
    trunks = f"{cdr['srctrunkname']}>{cdr['dsttrcunkname']}"
    kind = "Inbound" if cdr["srctrunkname"] else "Outbound" if cdr["dsttrcunkname"] else "Internal"
    assert cdr["type"] == kind
    return cdr["callfrom"], cdr["callto"], cdr["status"], trunks, cdr["didnumber"], cdr["pincode"]


class House:
    """The PBX of the example, the provider, and everybody who has a phone."""

    def __init__(self, pbx: TestPbx, provider: SecondAsterisk) -> None:
        self.pbx, self.provider = pbx, provider
        self.document = ""
        self.phones: dict[str, Phone] = {}

    async def move_in(self, folder: Path) -> None:
        """Apply the example with the provider's address, and plug the phones in."""
        for path in EXAMPLES.glob("*.*"):
            shutil.copy(path, folder)
        text = (EXAMPLES / "switchboard.yaml").read_text(encoding="utf-8")
        here = f"host: {self.provider.address}, domain: {self.provider.address}, port: {self.provider.port}"
        text, count = re.subn(r"host: \S+, domain: \S+, port: \d+", here, text)
        assert count == 1
        if datetime.datetime.now(datetime.UTC).month == 12:
            text = text.replace("25-26 dec", "25-26 jun")  # the walk is one of a day that is open
        self.document = text
        (folder / "switchboard.yaml").write_text(text, encoding="utf-8")
        told = await self.command("apply", str(folder / "switchboard.yaml"))
        print(f"\napplied: {len(told.splitlines()) - 1} lines of changes")
        assert told.endswith("Done.\n")
        assert await self.command("apply", str(folder / "switchboard.yaml")) == "Nothing to change.\n"
        for at, extension in enumerate(yaml.safe_load(text)["extensions"]):
            number, frequency = str(extension["number"]), (440, 620, 750)[at]
            phone = Phone(number, extension["registerpassword"], self.pbx.registrar, frequency=frequency)
            self.phones[number] = await phone.__aenter__()
            assert await phone.register() == 200
        self.phones[OUTSIDE] = await self.provider.phone(OUTSIDE, frequency=900)
        self.phones[OTHER] = await self.provider.phone(OTHER, frequency=1150)

    async def move_out(self) -> None:
        """Unplug the phones of the house."""
        for number in ("1000", "1001", "1002"):
            if number in self.phones:
                await self.phones[number].__aexit__()

    async def command(self, *arguments: str) -> str:
        """Run an offhook command on the running PBX; it has to succeed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "offhook",
            *arguments,
            "--data",
            str(self.pbx.settings.data),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "PATH": "/usr/bin:/bin"},
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()

    async def outside(self, did: str, then: str = "") -> Call:
        """The outside phone dials a number of the house; `then` is what it presses once it is answered."""
        call = await self.phones[OUTSIDE].call(did)
        if then:
            await call.answered()
            await self.presses(call, then)
        return call

    async def presses(self, call: Call, keys: str) -> None:
        """Press keys when the other side listens: some audio of it has come."""
        await eventually(lambda: call.rtp.packets > 5, "the other side speaks")
        await call.rtp.press(keys)

    async def answers(self, number: str) -> Call:
        """A phone takes its next call."""
        call = await self.phones[number].incoming()
        await call.answer()
        return call

    async def talk(self, call: Call, other: Call) -> None:
        """The two hear each other, and nobody else; then the first hangs up."""
        await call.hears(other.phone.frequency)
        await other.hears(call.phone.frequency)
        await call.hangup()
        await other.over()

    async def has(self, step: str, seconds: float = 8.0) -> None:
        """Wait for an event."""
        await eventually(lambda: step in steps(self.pbx.receiver.events), f"{step} in {self.events}", seconds)

    @property
    def events(self) -> list[str]:
        """What the application was told, as short text."""
        return steps(self.pbx.receiver.events)

    async def records(self, station: str, *expected: Record) -> None:
        """Wait until all is over; the records have to be these and no other."""
        await self.provider.quiet()
        await self.pbx.quiet()
        cdrs = self.pbx.receiver.named("NewCdr")
        assert len({cdr["callid"] for cdr in cdrs}) == len(cdrs)
        found = sorted(_record(cdr) for cdr in cdrs)
        for one in found:
            print(f"{station:42} {one[0]:>8} > {one[1]:12} {one[2]:10} {one[3]:16} {one[4]} {one[5]}")
        assert found == sorted(expected), f"{station}: {found}"
        for cdr in cdrs:
            assert int(cdr["talkduraction"]) <= int(cdr["callduraction"])

    def forget(self) -> None:
        """Begin a station anew."""
        self.pbx.receiver.clear()
        for phone in self.phones.values():
            phone.forget_calls()
            phone.auto_answer = False
