"""Clinics, doctors, services and patients; roles point to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LIVE = sa.text("deleted_at IS NULL")
WHERE_ROLES_POINT = {"clinic_id": "clinics", "doctor_id": "doctors", "patient_id": "patients"}


def required(name: str, kind: sa.types.TypeEngine[object]) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False)


def optional(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text()) for name in names]


def changes() -> list[sa.Column[object]]:
    return [
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
    ]


def upgrade() -> None:
    _create_clinics()
    _create_doctors()
    _create_services()
    _create_patients()
    for column, table in WHERE_ROLES_POINT.items():
        op.create_foreign_key(
            f"fk_role_grants_{column}_{table}", "role_grants", table, [column], ["id"]
        )


def _create_clinics() -> None:
    op.create_table(
        "clinics",
        sa.Column("id", sa.Uuid(), primary_key=True),
        required("name", sa.Text()),
        required("slug", sa.Text()),
        required("time_zone", sa.Text()),
        *optional("address", "phone", "email"),
        required("locale", sa.Text()),
        required("currency", sa.Text()),
        required("embed_origins", postgresql.ARRAY(sa.Text())),
        required("min_notice_minutes", sa.Integer()),
        required("cancel_notice_minutes", sa.Integer()),
        required("horizon_days", sa.Integer()),
        required("hold_minutes", sa.Integer()),
        required("max_open_bookings_per_patient", sa.Integer()),
        required("anonymous_holds", sa.Boolean()),
        required("reminder_offsets_minutes", postgresql.ARRAY(sa.Integer())),
        *changes(),
    )
    op.create_index("uq_clinics_slug", "clinics", ["slug"], unique=True, postgresql_where=LIVE)
    _find_parts_of("clinics", "name")


def _create_doctors() -> None:
    op.create_table(
        "doctors",
        sa.Column("id", sa.Uuid(), primary_key=True),
        required("clinic_id", sa.Uuid()),
        required("full_name", sa.Text()),
        *optional("title", "specialty"),
        required("languages", postgresql.ARRAY(sa.Text())),
        *optional("bio", "photo_url"),
        *changes(),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_doctors_clinic_id_clinics"),
        sa.UniqueConstraint("id", "clinic_id", name="uq_doctors_id_clinic_id"),
    )
    op.create_index("ix_doctors_clinic", "doctors", ["clinic_id", "id"], postgresql_where=LIVE)
    op.create_index(
        "ix_doctors_specialty",
        "doctors",
        [sa.text("lower(specialty)"), "id"],
        postgresql_where=LIVE,
    )
    op.create_index("ix_doctors_languages", "doctors", ["languages"], postgresql_using="gin")
    _find_parts_of("doctors", "full_name")


def _create_services() -> None:
    op.create_table(
        "services",
        sa.Column("id", sa.Uuid(), primary_key=True),
        required("clinic_id", sa.Uuid()),
        required("name", sa.Text()),
        required("duration_minutes", sa.Integer()),
        required("buffer_before_minutes", sa.Integer()),
        required("buffer_after_minutes", sa.Integer()),
        sa.Column("price_amount", sa.Integer()),
        sa.Column("deposit_amount", sa.Integer()),
        required("mode", sa.Text()),
        required("payment", sa.Text()),
        *changes(),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name="fk_services_clinic_id_clinics"
        ),
        sa.UniqueConstraint("id", "clinic_id", name="uq_services_id_clinic_id"),
        sa.CheckConstraint(
            "duration_minutes BETWEEN 1 AND 1440", name=op.f("ck_services_duration")
        ),
        sa.CheckConstraint("price_amount >= 0", name=op.f("ck_services_price")),
        sa.CheckConstraint(
            "deposit_amount BETWEEN 0 AND price_amount", name=op.f("ck_services_deposit")
        ),
        sa.CheckConstraint(
            "mode IN ('in_person', 'online', 'phone')", name=op.f("ck_services_mode")
        ),
        sa.CheckConstraint(
            "payment IN ('none', 'optional', 'required')", name=op.f("ck_services_payment")
        ),
    )
    op.create_index("ix_services_clinic", "services", ["clinic_id", "id"], postgresql_where=LIVE)
    op.create_table(
        "service_doctors",
        sa.Column("service_id", sa.Uuid(), primary_key=True),
        sa.Column("doctor_id", sa.Uuid(), primary_key=True),
        required("clinic_id", sa.Uuid()),
        *(
            sa.ForeignKeyConstraint(
                [f"{one}_id", "clinic_id"],
                [f"{one}s.id", f"{one}s.clinic_id"],
                name=f"fk_service_doctors_{one}_id_clinic_id_{one}s",
            )
            for one in ("service", "doctor")
        ),
    )
    op.create_index("ix_service_doctors_doctor_id", "service_doctors", ["doctor_id"])


def _create_patients() -> None:
    op.create_table(
        "patients",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid()),
        required("full_name", sa.Text()),
        *optional("email", "phone"),
        sa.Column("birth_date", sa.Date()),
        *optional("locale", "time_zone"),
        *changes(),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_patients_user_id_users"),
    )
    op.create_index(
        "uq_patients_user_id", "patients", ["user_id"], unique=True, postgresql_where=LIVE
    )
    _find_parts_of("patients", "full_name")
    op.create_table(
        "clinic_patients",
        sa.Column("clinic_id", sa.Uuid(), primary_key=True),
        sa.Column("patient_id", sa.Uuid(), primary_key=True),
        required("known_since", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name="fk_clinic_patients_clinic_id_clinics"
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name="fk_clinic_patients_patient_id_patients"
        ),
    )
    op.create_index("ix_clinic_patients_patient_id", "clinic_patients", ["patient_id"])


def _find_parts_of(table: str, column: str) -> None:
    op.create_index(
        f"ix_{table}_{column}_trgm",
        table,
        [column],
        postgresql_using="gin",
        postgresql_ops={column: "gin_trgm_ops"},
    )


def downgrade() -> None:
    for column, table in WHERE_ROLES_POINT.items():
        op.drop_constraint(f"fk_role_grants_{column}_{table}", "role_grants")
    for table in (
        "clinic_patients",
        "patients",
        "service_doctors",
        "services",
        "doctors",
        "clinics",
    ):
        op.drop_table(table)
