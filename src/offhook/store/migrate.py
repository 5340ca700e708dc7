"""Opening the store: its file, its schema and the views that the engine reads.

A migration runs in one transaction: drop all views, change tables, create all views (architecture,
decision 2). Readers, the engine among them, see the old schema until the commit and the new one after it.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from offhook.store import kept
from offhook.store.errors import StoreError, store_error
from offhook.store.script import statements
from offhook.store.tables import store_state
from offhook.store.unit import Store, sqlite_engine

_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
_MIGRATIONS = Path(__file__).parent / "migrations"


def open_store(path: Path, views: Sequence[str], *, readers: int = 4) -> Store:
    """The store in the file `path`, made or brought to this program's schema as needed.

    `views` are SQL scripts of CREATE VIEW statements; they are created anew when their text has changed.
    The file can be read and written by its owner only. Raises StoreError with a sentence for the operator
    when the file cannot be used or was written by a newer offhook.
    """
    engine: sa.Engine | None = None
    try:
        _make_private(path)
        engine = sqlite_engine(path)
        _keep_old(engine, path)
        bring_up_to_date(engine, views)
    except sa.exc.DBAPIError as failure:
        _dispose(engine)
        raise store_error(failure) or StoreError(
            f"store: {path} cannot be opened: {failure.orig}"
        ) from failure
    except OSError as failure:
        hint = "; it is read-only for the user that runs offhook" if failure.errno in _READ_ONLY else ""
        raise StoreError(f"store: {path} cannot be opened: {failure.strerror}{hint}") from failure
    except BaseException:
        _dispose(engine)
        raise
    return Store(engine, readers=readers)


def _dispose(engine: sa.Engine | None) -> None:
    if engine is not None:
        engine.dispose()


def _make_private(path: Path) -> None:
    # SQLite gives its -wal and -shm files the mode of the main file.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _keep_old(engine: sa.Engine, path: Path) -> None:
    """Keep a copy of a store whose schema is about to change."""
    with engine.connect() as connection:
        revision = current_revision(connection)
    scripts = ScriptDirectory(str(_MIGRATIONS))
    if revision in _known(scripts) - {scripts.get_current_head()}:
        kept.keep(path, str(revision))
    else:
        kept.forget(path)


def bring_up_to_date(engine: sa.Engine, views: Sequence[str]) -> None:
    """Migrate the schema and create the views, in one transaction; nothing is written when all is current."""
    with engine.connect().execution_options(offhook_write=True) as connection, connection.begin():
        revision = current_revision(connection)
        scripts = ScriptDirectory(str(_MIGRATIONS))
        _refuse_newer(scripts, revision)
        wanted = _hash(views)
        if revision == scripts.get_current_head() and _views_state(connection) == wanted:
            return
        _drop_views(connection)
        _migrate(connection, scripts)
        _create_views(connection, views)
        _remember_views(connection, wanted)


def current_revision(connection: sa.Connection) -> str | None:
    """The revision of the schema, None for an empty store."""
    return MigrationContext.configure(connection).get_current_revision()


def known_revisions() -> frozenset[str]:
    """Every revision of the schema that this program can open."""
    return _known(ScriptDirectory(str(_MIGRATIONS)))


def _known(scripts: ScriptDirectory) -> frozenset[str]:
    return frozenset(script.revision for script in scripts.walk_revisions())


def _refuse_newer(scripts: ScriptDirectory, revision: str | None) -> None:
    if revision is not None and revision not in _known(scripts):
        raise StoreError(
            f"store: its schema ({revision}) was written by a newer offhook than this one; "
            "start that version again, or restore a backup made before the upgrade"
        )


def _migrate(connection: sa.Connection, scripts: ScriptDirectory) -> None:
    context = MigrationContext.configure(
        connection, opts={"fn": lambda revision, _context: scripts._upgrade_revs("head", revision)}
    )
    with Operations.context(context):
        context.run_migrations()


def _hash(views: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(views).encode()).hexdigest()


def _views_state(connection: sa.Connection) -> str | None:
    return connection.execute(
        sa.select(store_state.c.value).where(store_state.c.name == "views")
    ).scalar_one_or_none()


def _remember_views(connection: sa.Connection, state: str) -> None:
    connection.execute(sa.delete(store_state).where(store_state.c.name == "views"))
    connection.execute(sa.insert(store_state).values(name="views", value=state))


def _quoted(connection: sa.Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)


def _drop_views(connection: sa.Connection) -> None:
    for name in sa.inspect(connection).get_view_names():
        connection.exec_driver_sql(f"DROP VIEW {_quoted(connection, name)}")


def _create_views(connection: sa.Connection, views: Sequence[str]) -> None:
    for script in views:
        for statement in statements(script):
            connection.exec_driver_sql(statement)
    for name in sa.inspect(connection).get_view_names():
        # A view over a missing column is accepted when made and fails when read: better here than in a call.
        connection.exec_driver_sql(f"SELECT * FROM {_quoted(connection, name)} WHERE 1 = 0")  # nosec B608  # noqa: S608
