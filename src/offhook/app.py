"""The composition root of a running PBX: every long-lived part is made here once and passed in.

engine process ── AMI ──► Switch ─► LiveCalls ─► Dispatcher ─► receivers
      └── CEL file ────► RecordKeeper ──────────────┘
port 8088 ─► Front ─► Site ─► Api ─► endpoints of the areas ─► Core's services, CallControl ─► Switch
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from offhook import __version__
from offhook.areas.access import api as access_api
from offhook.areas.access.settings import ApiSettings
from offhook.areas.admin.service import AdminService
from offhook.areas.conferences import live_api as conferences_live_api
from offhook.areas.conferences.instant import InstantConferences
from offhook.areas.conferences.inviting import Inviter
from offhook.areas.conferences.passed_on import PassedOn
from offhook.areas.conferences.running import RunningConferences
from offhook.areas.contacts import api as contacts_api
from offhook.areas.control import api as control_api
from offhook.areas.control import inbound_api, parking_api, playing_api, talk_api
from offhook.areas.control.dialling import DialledExtension, Dialling
from offhook.areas.control.inbound import Inbound
from offhook.areas.control.joining import Joining
from offhook.areas.control.launch import Launcher
from offhook.areas.control.live import LiveCalls
from offhook.areas.control.monitoring import Monitoring
from offhook.areas.control.parking import Parking
from offhook.areas.control.playing import Playing
from offhook.areas.control.service import CallControl
from offhook.areas.control.talks import Talks
from offhook.areas.control.targets import Targets
from offhook.areas.control.transfers import Transfers
from offhook.areas.customdialplan.service import CUSTOM_FILE, CustomDialplan
from offhook.areas.extensions import api as extensions_api
from offhook.areas.extensions.engine import IDENTIFY_MODULE, ExtensionEngine
from offhook.areas.fax.service import FaxInbox
from offhook.areas.hotel import api as hotel_api
from offhook.areas.hotel.service import HotelService
from offhook.areas.objects.engine import EngineFiles
from offhook.areas.paging.live import PageAnswers
from offhook.areas.pbxsettings.features import FeatureCodes
from offhook.areas.queues import status_api as queue_status_api
from offhook.areas.queues.engine import QueueEngine
from offhook.areas.queues.status import QueueStates
from offhook.areas.queues.waits import Waits
from offhook.areas.queues.wrapup import WrapUps
from offhook.areas.system import api as system_api
from offhook.areas.uacsta import api as uacsta_api
from offhook.areas.uacsta.service import UacstaService
from offhook.asterisk.process import EngineProcess
from offhook.asterisk.static import AMI_USER, EngineSettings
from offhook.asterisk.switch import Switch, SwitchError
from offhook.asterisk.tree import EngineTree
from offhook.certificates import CertificateWatch
from offhook.contract.endpoint import Registry
from offhook.contract.openapi import openapi
from offhook.core import Core
from offhook.dialplan import DIALPLAN_MODULE, REALTIME_FAMILIES, dialplan
from offhook.engine_files import generated_files
from offhook.events.settings import ReportMethod
from offhook.kinds import object_endpoints
from offhook.messages import Messages
from offhook.operations import Operations, OperatorSocket
from offhook.protection import Protection
from offhook.running_trunks import RunningTrunks
from offhook.store.errors import StoreError
from offhook.tasks import Background
from offhook.web.admin import PREFIX, AdminSite
from offhook.web.api import Api
from offhook.web.feed import PATH as FEED_PATH
from offhook.web.front import Front
from offhook.web.hosts import Hosts
from offhook.web.site import Site
from offhook.web.tls import PortCertificate

log = logging.getLogger(__name__)

ENGINE_SECONDS = 30.0
_SETTLE_SECONDS = 0.05
_SETTLE_AT_LATEST = 0.5
_SESSIONS_SECONDS = 60.0


class _Closing(Protocol):
    async def close(self) -> None: ...


class Pbx:
    """A running PBX. `start`, then `wait` until it is told to end, then `close`."""

    def __init__(self, core: Core, tree: EngineTree) -> None:
        settings = core.settings
        self.core = core
        self.ready = False
        now = datetime.datetime.fromtimestamp(core.clock.now(), datetime.UTC)
        port = self._certificate = PortCertificate(
            settings.data / "tls", settings.data / "asterisk" / "tls", now
        )
        self.engine = EngineProcess(
            EngineSettings(
                tree=tree,
                data=settings.data,
                store=settings.data / "offhook.db",
                dialplan=dialplan(),
                bind=settings.bind,
                sip_port=settings.sip_port,
                tls_port=settings.tls_port,
                tls_certificate=port.certificate,
                tls_key=port.key,
                rtp_ports=settings.rtp_ports,
                timezone=core.zone.key,
                external_address=settings.external_address,
                local_nets=settings.local_nets,
                realtime=REALTIME_FAMILIES,
            )
        )
        self.live = LiveCalls(
            core.dispatcher.publish_soon,
            core.records.call_ended,
            core.room_names,
            deserted=lambda channels: self.joining.end(channels),
            partner_changed=lambda ear: self.monitoring.follow(ear),
        )
        self.switch = Switch(
            self._ami_address,
            core.clock,
            on_events=self._on_events,
            on_connected=self._synchronise,
            on_lost=lambda: log.warning("the link to the engine is lost"),
            rate=settings.call_rate,
        )
        core.records.follow_picture(lambda: self.switch.behind, self.live.end_unseen)
        self.trunks = RunningTrunks(core, self.switch, lambda parts: self.engine_files.refresh(parts))
        self.control = CallControl(self.switch, self.live)
        self.targets = Targets(core.store, core.numbers)
        self.launcher = Launcher(self.switch, self.live, core.records, core.store)
        self.dialling = Dialling(self.launcher, self.targets, self._find_extension)
        self.playing = Playing(self.launcher, self.switch, self.live, self.targets, core.prompts.exists)
        self.talks = Talks(self.switch, self.live)
        self.transfers = Transfers(self.switch, self.live, self.talks, self.targets)
        self.joining = Joining(self.switch, self.live, self.targets)
        self.monitoring = Monitoring(self.switch, self.live, core.extensions.find)
        self.inbound = Inbound(self.switch, self.live)
        inviter = Inviter(self.switch, self.live, core.records, self.targets)
        self.instant_conferences = InstantConferences(
            core.store, core.numbers, self.targets, self.live, inviter, core.room_names
        )
        self.running_conferences = RunningConferences(
            core.store, self.switch, self.live, inviter, self.instant_conferences.kept
        )
        self.extension_engine = ExtensionEngine(
            core.store,
            self.switch,
            self.engine.settings.etc,
            self.engine.settings.folder / "spool",
            self._on_events,
        )
        core.on_extensions_changed(self.extension_engine.on_changed)
        self.engine_files = EngineFiles(
            core.store,
            self.switch,
            self.engine.settings.etc,
            generated_files(
                core.objects,
                core.pbx_settings,
                data=settings.data,
                bind=settings.bind,
                music=core.music.text,
                own_contexts=lambda: self.custom_dialplan.contexts,
                hosts=self.trunks.hosts,
                zone=core.zone.key,
            ),
        )
        self.custom_dialplan = CustomDialplan(
            settings.data, self.engine.settings.etc / CUSTOM_FILE, self._dialplan_changed
        )
        core.on_parts_changed(self.trunks.before_change)
        core.on_parts_changed(self.engine_files.refresh)
        core.on_parts_changed(self.trunks.after_change)
        self.waits = Waits(core.store, self.switch)
        self.queue_engine = QueueEngine(self.switch, self.waits.names)
        core.on_parts_changed(self.queue_engine.on_parts_changed)
        core.on_extensions_changed(self.queue_engine.on_extensions_changed)
        core.queue_agents.on_changed(self.queue_engine.refresh)
        self.wrap_ups = WrapUps(core.store, core.clock, self.queue_engine.refresh)
        self.messages = Messages(core, self.switch, self.live)
        self.protection = Protection(core, self.switch, self.live, self.messages, self.trunks.addresses)
        self._renewal = CertificateWatch(port, self.switch, core.clock, self.messages.alarms)
        self.hotel = HotelService(
            core.store,
            core.extensions,
            core.clock,
            forget=self.messages.forget_guest_in,
            empty=self.messages.voicemail.service.empty,
        )
        self.faxes = FaxInbox(core.store, settings.data, core.mailer, core.pbx_settings, core.zone)
        core.records.on_fax(self.faxes.settle)
        self.page_answers = PageAnswers(self.switch)
        self.passed_on = PassedOn(self.switch, self.messages.recordings.follower.let_go)
        self.uacsta = UacstaService(
            core.pbx_settings,
            core.extensions.find,
            lambda: self.live.picture.phones,
            core.dispatcher.publish_soon,
            settings.bind,
        )
        core.on_parts_changed(self.uacsta.on_parts_changed)
        self.feature_codes = FeatureCodes(core.extensions, core.queue_agents, self.switch)
        self.registry = self._endpoints()
        api = Api(
            self.registry,
            core.access,
            ready=lambda: self.ready,
            allow_origin=settings.allow_origin,
            outages=(StoreError,),
            call_of=self.live.callid_of,
        )
        self.site = Site(
            api,
            openapi(self.registry, __version__),
            https_only=settings.https_only,
            port=settings.http_port,
        )
        admin = AdminService(
            core.objects,
            core.pbx_settings,
            core.prompts,
            core.music,
            self.custom_dialplan,
            __version__,
            [*self.messages.admin_parts(), *self.protection.admin_parts()],
        )
        self.feed = self.protection.subscriptions.feed_site(lambda: self.ready)
        self.site.add(FEED_PATH, self.feed.handle)
        limits = core.access.limits
        self.site.add_prefix(
            PREFIX,
            AdminSite(
                admin,
                core.check_operator,
                admits=lambda address: limits.admits(address, "adminaddresses"),
                hosts=Hosts(lambda: port.names, lambda: limits.admin_hosts),
            ).handle,
        )
        self._front = Front(self.site.handle, port.context, connections=lambda: limits.connections)
        watching = self.protection.watching
        watching.serve(self.site, self.engine, self.feed, self._front, lambda: self.ready)
        self._operator = OperatorSocket(Operations(core, self.custom_dialplan), settings.data)
        self._tasks: list[asyncio.Task[None]] = []
        self._background = Background()
        self._settling: asyncio.TimerHandle | None = None
        self._settle_at = self._settle_until = 0.0
        self._reporting = (ReportMethod.HTTP, 0)

    def _endpoints(self) -> Registry:
        core, live = self.core, self.live
        return Registry(
            [
                *access_api.endpoints(core.access),
                *system_api.endpoints(core.system, self._extension_count),
                *contacts_api.endpoints(core.contacts),
                *extensions_api.endpoints(core.extensions, core.groups, live, live, core.routes),
                *hotel_api.endpoints(self.hotel),
                *object_endpoints(core.objects, self.trunks.states, core.queue_agents),
                *control_api.endpoints(self.control, self.dialling),
                *playing_api.endpoints(self.playing),
                *queue_status_api.endpoints(QueueStates(core.store, self.switch, lambda: self.live.picture)),
                *conferences_live_api.endpoints(
                    self.running_conferences, self.instant_conferences, core.room_names
                ),
                *talk_api.endpoints(self.talks, self.transfers, self.joining, self.monitoring),
                *parking_api.endpoints(Parking(self.switch, self.live, core.pbx_settings.slots)),
                *uacsta_api.endpoints(self.uacsta),
                *inbound_api.endpoints(self.inbound),
                *self.messages.endpoints(),
            ]
        )

    async def start(self) -> None:
        """Bring everything up; when it returns, calls can be made.

        Raises EngineError, EngineUnreachable, and OSError for a port that is taken.
        """
        core, settings = self.core, self.core.settings
        await core.records.load()
        await self.faxes.settle()
        await self.protection.subscriptions.load(self._certificate.context)
        method, port = self._report(core.api_settings.now)
        self._reporting = method, port
        await core.dispatcher.start(settings.bind, method, port)
        core.api_settings.on_change(self._api_changed)
        changed = await self.extension_engine.write_identify()
        await self.custom_dialplan.load()
        await self.trunks.look_up_hosts()
        stale = await self.engine_files.write()
        await self.engine.start()
        if not self.engine.adopted:
            await self._new_engine()
        self.switch.start()
        await self.switch.wait_healthy(ENGINE_SECONDS)
        if changed and self.engine.adopted:
            await self.switch.reload(IDENTIFY_MODULE)
        if self.engine.adopted:
            await self.engine_files.reload(dict.fromkeys((*stale, DIALPLAN_MODULE)))
        core.records.start()
        await self.messages.start()
        await self.protection.start()
        self._tasks = [
            asyncio.create_task(self.engine.supervise(self._engine_died, self._new_engine), name="engine"),
            asyncio.create_task(self._write_sessions(), name="sessions"),
        ]
        self._renewal.start(stale=self.engine.adopted)
        self.trunks.start(self.messages.alarms)
        await self._operator.start()
        for port in dict.fromkeys((settings.http_port, *settings.extra_http_ports)):
            await self._front.start(settings.bind, port)
        self.ready = True

    async def close(self, *, leave_engine: bool = False) -> None:
        """End everything; with `leave_engine` the engine and its calls go on for the next control plane."""
        self.ready = False
        self.feed.end_streams()
        await self._front.close()
        await self._operator.close()
        parts: tuple[_Closing, ...] = (
            *(self._renewal, self.feature_codes, self.page_answers, self.passed_on, self.joining),
            *(self.monitoring, self.uacsta, self.wrap_ups, self.waits, self.instant_conferences),
            *(self.hotel, self.protection, self.messages),
        )
        for part in parts:
            await part.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._background.finish()
        await self.trunks.close()
        if leave_engine:
            self.engine.detach()
            await self.switch.close()
        else:
            await self.switch.close()
            await self.engine.stop()
            await self._end_calls()
        if self._settling is not None:
            self._settling.cancel()
        await self.core.records.close()
        await self.core.dispatcher.close()
        await self.core.close()

    async def _end_calls(self) -> None:
        await self._engine_gone()
        await self.instant_conferences.close()
        with contextlib.suppress(Exception):
            await self.core.records.close_dead(self.core.records.open_calls(), ())

    # -- the engine -----------------------------------------------------------------------------------

    def _ami_address(self) -> tuple[str, int, str, str]:
        port, secret = self.engine.ami
        self.core.dispatcher.addresses.own_ports.add(port)
        return "127.0.0.1", port, AMI_USER, secret

    def _on_events(self, events: Sequence[Mapping[str, str]]) -> None:
        self.live.on_events(events)
        self.instant_conferences.look()
        self.trunks.states.on_events(events)
        self.feature_codes.on_events(events)
        self.page_answers.on_events(events)
        self.passed_on.on_events(events)
        self.uacsta.on_events(events)
        self.wrap_ups.on_events(events)
        self.waits.on_events(events)
        self.messages.on_events(events)
        self.protection.on_events(events)
        self.switch.set_busy(bool(self.live.picture.calls))
        loop = asyncio.get_running_loop()
        self._settle_at = loop.time() + _SETTLE_SECONDS
        if self._settling is None:
            self._settle_until = loop.time() + _SETTLE_AT_LATEST
            self._settling = loop.call_at(self._settle_at, self._settle)

    def _settle(self) -> None:
        """Tell what waits for the end of a call, once the engine has been silent for a moment."""
        loop = asyncio.get_running_loop()
        due = min(self._settle_at, self._settle_until)
        if loop.time() < due:
            self._settling = loop.call_at(due, self._settle)
            return
        self._settling = None
        self.live.settle()

    async def _synchronise(self) -> None:
        records = self.core.records
        await records.read()
        candidates = records.open_calls()
        snapshot = await self.switch.snapshot()
        self.live.on_snapshot(snapshot)
        await self.instant_conferences.load()
        self.trunks.states.on_snapshot(snapshot.registrations, snapshot.contacts)
        self.wrap_ups.on_snapshot(snapshot.channels)
        await self.waits.on_connected()
        await self.messages.on_connected()
        await self.protection.on_connected()
        self.hotel.on_connected()
        living = {channel.get("Linkedid", "") for channel in snapshot.channels}
        self._background.begin(self._close_dead(candidates, living), name="close-dead")
        self.uacsta.refresh_soon()

    async def _close_dead(self, candidates: Collection[str], living: Collection[str]) -> None:
        """Close the calls that ended while we heard nothing. It runs when the events that came since the
        login are folded: a call that began and ended meanwhile has its last CallStatus before its record."""
        try:
            await self.core.records.close_dead(candidates, {*living, *self.live.picture.calls})
        except Exception:
            # what was found to be over stays so, and is tried again with the records
            log.exception("records: calls that are over could not be closed")

    async def _engine_died(self) -> None:
        self.messages.alarms.raise_("engine", "the engine has ended by itself; the calls that ran are lost")
        await self._engine_gone()

    async def _engine_gone(self) -> None:
        self.live.on_engine_gone()
        self.instant_conferences.look()

    async def _dialplan_changed(self) -> None:
        """The operator's dialplan has changed: which contexts are ours follows from it."""
        await self.engine_files.write(frozenset({"dialplan"}))
        try:
            await self.engine_files.reload([DIALPLAN_MODULE])
        except SwitchError as failure:
            log.warning("custom dialplan: the engine was not told: %s", failure)

    async def _new_engine(self) -> None:
        """An engine that was not there before: tokens end, and receivers hear of it (decision 8)."""
        await self.core.sessions.end_all("restart")
        self.core.dispatcher.boot_up()

    # -- the rest -------------------------------------------------------------------------------------

    def _report(self, api: ApiSettings) -> tuple[ReportMethod, int]:
        return ReportMethod(api.report_method), api.event_port or self.core.settings.event_port

    async def _api_changed(self, api: ApiSettings) -> None:
        method, port = self._report(api)
        if (method, port) == self._reporting:
            return
        self._reporting = method, port
        try:
            await self.core.dispatcher.set_method(self.core.settings.bind, method, port)
        except OSError as failure:
            self._reporting = method, 0  # so that the next change tries again
            self.messages.alarms.raise_("eventport", f"port {port} for events cannot be opened: {failure}")
        else:
            self.messages.alarms.clear("eventport", "events can be told as they should be")

    async def _find_extension(self, number: str) -> DialledExtension | None:
        found = await self.core.extensions.find(number)
        if found is None:
            return None
        return DialledExtension(
            number=found.number,
            callerid=found.callerid,
            username=found.username,
            ringtimeout=found.ringtimeout,
            maxregistrations=found.maxregistrations,
        )

    async def _extension_count(self) -> tuple[int, int]:
        return await self.core.extensions.count(), self.core.api_settings.now.max_extensions

    async def _write_sessions(self) -> None:
        while True:
            await asyncio.sleep(_SESSIONS_SECONDS)
            try:
                await self.core.sessions.write_uses()
            except Exception:
                log.exception("access: last uses of tokens could not be written")

    def describe(self) -> dict[str, str]:
        """The addresses that the ready line names."""
        settings = self.core.settings
        host = "127.0.0.1" if settings.bind == "0.0.0.0" else settings.bind  # noqa: S104
        host = f"[{host}]" if ":" in host else host
        return {
            "page": f"http://{host}:{settings.http_port}/",
            "api": f"http://{host}:{settings.http_port}/api/v2.0.0/",
            "secure": f"https://{host}:{settings.http_port}/",
            "sip": f"{host}:{settings.sip_port}",
        }
