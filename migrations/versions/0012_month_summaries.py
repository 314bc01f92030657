"""Summaries of whole months, which the dashboard adds up instead of their days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels: None = None
depends_on: None = None

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "month_summaries",
        sa.Column("month", sa.Date(), nullable=False, comment="Its first day"),
        sa.Column("counts", DOCUMENT, nullable=False, comment="See bot.admin.figures"),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_month_summaries")),
    )


def downgrade() -> None:
    op.drop_table("month_summaries")
