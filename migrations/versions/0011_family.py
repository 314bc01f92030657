"""Family links: codes, links, wrong tries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels: None = None
depends_on: None = None

MOMENT = sa.DateTime(timezone=True)


def _person(table: str, column: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_people")
    return sa.ForeignKeyConstraint([column], ["people.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "family_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("senior_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the digits"),
        sa.Column(
            "wording",
            sa.String(length=50),
            nullable=False,
            comment="Version of what the senior was told",
        ),
        sa.Column(
            "receives",
            sa.Boolean(),
            nullable=True,
            comment="Whether answers are sent to the family, too; empty: not said yet",
        ),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        _person("family_codes", "senior_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family_codes")),
    )
    op.create_index(op.f("ix_family_codes_senior_id"), "family_codes", ["senior_id"])
    op.create_index(op.f("ix_family_codes_digest"), "family_codes", ["digest"])
    op.create_table(
        "family_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("senior_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column(
            "identity_id", sa.Integer(), nullable=False, comment="Where the member is reached"
        ),
        sa.Column("code_id", sa.Integer(), nullable=False, comment="The consent"),
        sa.Column(
            "receives",
            sa.Boolean(),
            nullable=False,
            comment="Answers are sent to the member, too",
        ),
        sa.Column("linked_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        _person("family_links", "senior_id"),
        _person("family_links", "member_id"),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["identities.id"],
            name=op.f("fk_family_links_identity_id_identities"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["code_id"],
            ["family_codes.id"],
            name=op.f("fk_family_links_code_id_family_codes"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family_links")),
        sa.UniqueConstraint("code_id", name=op.f("uq_family_links_code_id")),
    )
    op.create_index(op.f("ix_family_links_senior_id"), "family_links", ["senior_id"])
    op.create_index(op.f("ix_family_links_member_id"), "family_links", ["member_id"])
    op.create_table(
        "family_tries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        _person("family_tries", "person_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family_tries")),
    )
    op.create_index(op.f("ix_family_tries_person_id"), "family_tries", ["person_id"])
    op.create_index(op.f("ix_family_tries_at"), "family_tries", ["at"])


def downgrade() -> None:
    for table in ("family_tries", "family_links", "family_codes"):
        op.drop_table(table)
