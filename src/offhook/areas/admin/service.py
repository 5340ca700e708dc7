"""Serves the operators' API from the areas' own services, so that its rules are those of the contract's API.

/<kind>            GET all, POST one          /prompts, /prompts/<name>
/<kind>/<id>       GET, PATCH, DELETE         /musiconhold, /musiconhold/<class>, /musiconhold/<class>/<name>
/settings/<name>   GET, PATCH                 /dialplan GET (checks), POST (puts in force)
/records, …        what other areas serve: the parts
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from offhook.areas.admin.document import document
from offhook.areas.customdialplan.service import CustomDialplan
from offhook.areas.customdialplan.translate import DialplanError
from offhook.areas.objects.errors import Conflict, Missing
from offhook.areas.objects.field import Row
from offhook.areas.objects.service import ObjectService, one
from offhook.areas.pbxsettings.sections import SECTIONS
from offhook.areas.pbxsettings.service import SettingsService
from offhook.areas.prompts.audio import AudioError
from offhook.areas.prompts.files import NameRefused, SoundFile
from offhook.areas.prompts.service import MusicService, PromptService
from offhook.areas.prompts.speech import SpeechUnavailable
from offhook.contract.admin import (
    AdminAnswer,
    AdminPart,
    AdminRefused,
    AdminRequest,
    not_allowed,
    not_here,
    only_known,
)
from offhook.contract.errors import ContractError
from offhook.contract.rules import Selection
from offhook.store.errors import StoreError


class Objects(Protocol):
    """The services of all kinds."""

    def __getitem__(self, key: str) -> ObjectService: ...

    def __iter__(self) -> Any: ...


class AdminService:
    """Answers requests whose caller is known to be an operator."""

    def __init__(
        self,
        objects: Objects,
        settings: SettingsService,
        prompts: PromptService,
        music: MusicService,
        dialplan: CustomDialplan,
        version: str,
        parts: Sequence[AdminPart] = (),
    ) -> None:
        self._services: dict[str, ObjectService] = {service.kind.key: service for service in objects}
        self._settings = settings
        self._prompts = prompts
        self._music = music
        self._dialplan = dialplan
        self._parts = {part.key: part for part in parts}
        kinds = [service.kind for service in self._services.values()]
        more = {path: one for part in parts for path, one in part.paths().items()}
        self._document = document(kinds, version, more)

    async def handle(self, request: AdminRequest) -> AdminAnswer:
        """Answer one request. Raises AdminRefused."""
        try:
            return await self._answer(request)
        except Missing as refused:
            raise AdminRefused(404, refused.detail) from None
        except Conflict as refused:
            raise AdminRefused(409, refused.detail) from None
        except ContractError as refused:
            raise AdminRefused(400, refused.detail) from None
        except (AudioError, NameRefused, SpeechUnavailable, DialplanError) as refused:
            raise AdminRefused(400, str(refused)) from None
        except StoreError as failure:
            raise AdminRefused(503, str(failure)) from None

    async def _answer(self, request: AdminRequest) -> AdminAnswer:
        match request.path:
            case () if request.method == "GET":
                kinds = [*self._services, "settings", "prompts", "musiconhold", "dialplan", *self._parts]
                return AdminAnswer(body={"kinds": kinds})
            case ("openapi.json",) if request.method == "GET":
                return AdminAnswer(body=self._document)
            case () | ("openapi.json",):
                raise not_allowed(request)
            case ("settings", name):
                return await self._section(request, name)
            case ("prompts", *rest):
                return await self._prompt(request, rest)
            case ("musiconhold", *rest):
                return await self._musiconhold(request, rest)
            case ("dialplan",):
                return await self._custom(request)
            case (key, *rest) if key in self._parts:
                return await self._parts[key].answer(request, rest)
            case (key,) if key in self._services:
                return await self._collection(request, self._services[key])
            case (key, identity) if key in self._services:
                return await self._object(request, self._services[key], identity)
        raise not_here()

    async def _collection(self, request: AdminRequest, service: ObjectService) -> AdminAnswer:
        kind = service.kind
        if request.method == "GET":
            rows = await service.query(Selection(every=True))
            return AdminAnswer(body={"items": [_shown(service, row) for row in rows]})
        if request.method != "POST":
            raise not_allowed(request)
        only_known(request.values, kind.by_name, "setting")
        identity = await service.create(kind.read_new(request.values, find_number=True))
        return AdminAnswer(201, {kind.primary: str(identity)})

    async def _object(self, request: AdminRequest, service: ObjectService, identity: str) -> AdminAnswer:
        kind = service.kind
        if request.method in {"PATCH", "PUT"}:
            only_known(request.values, kind.by_name, "setting")
            await service.update(identity, kind.read_changes(request.values))
        elif request.method == "DELETE":
            await service.delete(one(identity))
            return AdminAnswer(204)
        elif request.method != "GET":
            raise not_allowed(request)
        row = await service.one(identity)
        if row is None:
            raise AdminRefused(404, f"no {kind.word} has this {kind.primary}")
        return AdminAnswer(body=_shown(service, row))

    async def _section(self, request: AdminRequest, name: str) -> AdminAnswer:
        section = next((one for one in SECTIONS if one.key == name), None)
        if section is None:
            raise AdminRefused(404, f"the settings are {', '.join(one.key for one in SECTIONS)}")
        if request.method in {"PATCH", "PUT"}:
            only_known(request.values, section.defaults, "setting")
            await self._settings.update(section, self._settings.read_changes(section, request.values))
        elif request.method != "GET":
            raise not_allowed(request)
        settings = await self._settings.get(section)
        return AdminAnswer(body={f.name: _json(settings[f.name]) for f in section.fields if not f.secret})

    async def _prompt(self, request: AdminRequest, path: list[str]) -> AdminAnswer:
        match request.method, path:
            case "GET", []:
                return AdminAnswer(body={"items": [_file(one) for one in await self._prompts.all()]})
            case "GET", [name]:
                return AdminAnswer(body=await self._prompts.read(name), content_type="audio/wav")
            case "DELETE", [name]:
                await self._prompts.delete(name)
                return AdminAnswer(204)
            case (("PUT" | "POST"), [name]):
                if request.values:
                    only_known(request.values, ("text", "language"), "setting")
                    language = request.values.get("language") or "en"
                    made = await self._prompts.speak(name, request.values.get("text", ""), language)
                else:
                    filename = request.query.get("filename", "upload.wav")
                    made = await self._prompts.store(name, request.data, filename)
                return AdminAnswer(201, _file(made))
        raise _not_here(request, path, 1)

    async def _musiconhold(self, request: AdminRequest, path: list[str]) -> AdminAnswer:
        match request.method, path:
            case "GET", []:
                found = await self._music.all()
                items = [{"name": n, "files": [_file(one) for one in files]} for n, files in found.items()]
                return AdminAnswer(body={"items": items})
            case "DELETE", [music]:
                await self._music.delete(music)
                return AdminAnswer(204)
            case "GET", [music, name]:
                return AdminAnswer(body=await self._music.read(music, name), content_type="audio/wav")
            case "DELETE", [music, name]:
                await self._music.delete_file(music, name)
                return AdminAnswer(204)
            case (("PUT" | "POST"), [music, name]):
                filename = request.query.get("filename", "upload.wav")
                await self._music.store(music, name, request.data, filename)
                return AdminAnswer(201, {"name": music})
        raise _not_here(request, path, 2)

    async def _custom(self, request: AdminRequest) -> AdminAnswer:
        if request.method == "GET":
            done = await self._dialplan.check()
        elif request.method == "POST":
            done = await self._dialplan.reload()
        else:
            raise not_allowed(request)
        return AdminAnswer(body={"contexts": sorted(done.contexts)})


def _not_here(request: AdminRequest, path: list[str], depth: int) -> AdminRefused:
    return not_here() if len(path) > depth else not_allowed(request)


def _shown(service: ObjectService, row: Row) -> dict[str, Any]:
    kind = service.kind
    named = {field.name: _json(row[field.name]) for field in kind.fields if not field.secret}
    return {kind.primary: str(row[kind.primary]), **named}


def _json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _file(file: SoundFile) -> dict[str, Any]:
    return {"name": file.name, "seconds": round(file.seconds, 1), "changed": int(file.changed)}
