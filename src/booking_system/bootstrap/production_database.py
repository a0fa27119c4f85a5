"""What production refuses and only the database can say: as whom the API comes, who is there."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Executable, bindparam, select, text
from sqlalchemy.exc import SQLAlchemyError

from booking_system.bootstrap import pooler_check
from booking_system.bootstrap.migrations import DatabaseProblemError
from booking_system.bootstrap.settings import Settings
from booking_system.directory.records.tables import clinics
from booking_system.identity.domain.account import email_key
from booking_system.identity.domain.actor import Role
from booking_system.identity.records.tables import role_grants, users
from booking_system.platform.postgres.transaction import engine_for
from booking_system.platform.postgres.url import sqlalchemy_url


@dataclass(frozen=True, slots=True)
class Question:
    """A statement that says true where production refuses, and the sentence for that."""

    about: str
    sentence: str
    statement: Executable


SUPERUSER = Question(
    "a superuser",
    "BOOKING_DATABASE_URL comes as a superuser, or as a role that may do what superusers do: give "
    "the API a role of its own (docs/database/roles.sql).",
    text(
        "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
        " FROM pg_roles WHERE rolname = current_user"
    ),
)
OWNER = Question(
    "an owner of tables",
    "BOOKING_DATABASE_URL comes as a role that owns the tables, or may act as the one that does: "
    "let BOOKING_MIGRATION_URL come as the owner, and give the API a role of its own "
    "(docs/database/roles.sql).",
    text(
        "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_roles r ON r.rolname = current_user"
        " WHERE c.relkind IN ('r', 'p') AND NOT r.rolsuper"
        " AND c.relnamespace::regnamespace::text = ANY (current_schemas(false)::text[])"
        " AND pg_has_role(current_user, c.relowner, 'MEMBER'))"
    ),
)
ADMINISTRATOR = Question(
    "an administrator's password that is not needed any more",
    "BOOKING_ADMIN_PASSWORD is still set, although its administrator has been made: take it and "
    "BOOKING_ADMIN_EMAIL out.",
    select(
        select(role_grants.c.id)
        .join(users, users.c.id == role_grants.c.user_id)
        .where(
            users.c.email_key == bindparam("email"),
            users.c.deleted_at.is_(None),
            role_grants.c.role == Role.PLATFORM_ADMIN.value,
        )
        .exists()
    ),
)


RELAY_ONLY = Question(
    "a relay that clinics insist on",
    "BOOKING_TURN_URL names no relay, but a clinic lets its pages use nothing else "
    "(consultation_relay_only): its consultations have neither picture nor sound.",
    select(
        select(clinics.c.id)
        .where(clinics.c.consultation_relay_only, clinics.c.deleted_at.is_(None))
        .exists()
    ),
)


async def refused(settings: Settings) -> list[str]:
    """Say what production does not start with; the tables have to be up to date.

    Raises `DatabaseProblemError`.
    """
    through = await pooler_check.refused(settings)
    return [*through, *await _true_of(settings, [(SUPERUSER, {}), (OWNER, {})])]


async def advised(settings: Settings) -> list[str]:
    """Say what is not needed any more, or lacks; an instance that is started anew is not kept back.

    Raises `DatabaseProblemError`.
    """
    asked: list[tuple[Question, dict[str, str]]] = []
    if settings.admin_email is not None:
        asked.append((ADMINISTRATOR, {"email": email_key(settings.admin_email)}))
    if not settings.turn_url:
        asked.append((RELAY_ONLY, {}))
    return await _true_of(settings, asked) if asked else []


async def _true_of(
    settings: Settings, questions: Iterable[tuple[Question, dict[str, str]]]
) -> list[str]:
    assert settings.database_url is not None
    url = sqlalchemy_url(settings.database_url)
    engine = engine_for(url, pool_size=1, is_pooled=settings.is_pooled)
    try:
        async with engine.connect() as connection:
            return [
                question.sentence
                for question, values in questions
                if (await connection.execute(question.statement, values)).scalar_one()
            ]
    except (SQLAlchemyError, OSError):
        raise DatabaseProblemError("The database broke off the connection.") from None
    finally:
        await engine.dispose()
