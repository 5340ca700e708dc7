"""What a group of settings is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from offhook.areas.objects.field import Field, Reference, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A group of settings; `parts` says which generated files of the engine depend on it, `references`
    which settings name an object."""

    key: str
    fields: tuple[Field, ...]
    parts: frozenset[str]
    references: tuple[Reference, ...] = ()

    @property
    def by_name(self) -> Mapping[str, Field]:
        """The settings by their names."""
        return {field.name: field for field in self.fields}

    @property
    def defaults(self) -> Row:
        """All settings as they are when nobody set them."""
        return {field.name: field.default for field in self.fields}
