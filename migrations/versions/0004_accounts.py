"""Accounts of the console, and the append-only trail of what they looked at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels: None = None
depends_on: None = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False, comment="In small letters"),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False, comment="argon2id"),
        sa.Column("must_change", sa.Boolean(), nullable=False, comment="The password is one-time"),
        sa.Column("totp_secret", sa.String(length=64), nullable=False, comment="Base 32"),
        sa.Column(
            "totp_step",
            sa.Integer(),
            nullable=False,
            comment="The last time step whose code was used; a code works once",
        ),
        sa.Column(
            "failed",
            sa.Integer(),
            nullable=False,
            comment="Wrong log-ins since the last right one",
        ),
        sa.Column("locked_until", MOMENT, nullable=True),
        sa.Column(
            "session_version",
            sa.Integer(),
            nullable=False,
            comment="Raised to end every session of the account",
        ),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email", name=op.f("uq_accounts_email")),
    )
    op.create_table(
        "access_trail",
        sa.Column(
            "number",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="1, 2, 3 … without gaps",
        ),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True, comment="Empty: nobody was logged in"),
        sa.Column(
            "account", sa.String(length=254), nullable=False, comment="The e-mail address then"
        ),
        sa.Column(
            "origin", sa.String(length=45), nullable=False, comment="The address it came from"
        ),
        sa.Column("what", sa.String(length=40), nullable=False, comment="A stable word"),
        sa.Column("person_id", sa.Integer(), nullable=True, comment="Whose data"),
        sa.Column("subject", sa.String(length=200), nullable=False, comment="Which row or page"),
        sa.Column("why", sa.Text(), nullable=False, comment="The reason that was given"),
        sa.Column(
            "previous", sa.String(length=64), nullable=False, comment="Hash of the row before"
        ),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="SHA-256 of all the above"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_access_trail")),
        sa.UniqueConstraint("hash", name=op.f("uq_access_trail_hash")),
    )
    op.create_index(op.f("ix_access_trail_at"), "access_trail", ["at"])
    op.create_index(op.f("ix_access_trail_what"), "access_trail", ["what"])
    op.create_index(op.f("ix_access_trail_person_id"), "access_trail", ["person_id"])
    _forbid_changes()


def downgrade() -> None:
    op.drop_table("access_trail")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION access_trail_is_append_only")
    op.drop_table("accounts")


def _forbid_changes() -> None:
    """Have the database itself refuse to change or delete a row of the trail."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION access_trail_is_append_only() RETURNS trigger LANGUAGE plpgsql "
            "AS $$ BEGIN RAISE EXCEPTION 'the access trail is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER access_trail_stays BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON access_trail FOR EACH STATEMENT EXECUTE FUNCTION access_trail_is_append_only()"
        )
        return
    for name in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER access_trail_stays_{name.lower()} BEFORE {name} ON access_trail "
            "BEGIN SELECT RAISE(ABORT, 'the access trail is append-only'); END"
        )
