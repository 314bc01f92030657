"""What reviewers think of turns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column(
            "text",
            sa.Text(),
            nullable=False,
            comment="What was really said, masked; empty where it was heard right",
        ),
        sa.Column("comment", sa.Text(), nullable=False, comment="Masked like what was said"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["turn_id"], ["turns.id"], name=op.f("fk_reviews_turn_id_turns"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_reviews_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_index(op.f("ix_reviews_turn_id"), "reviews", ["turn_id"])
    op.create_index(op.f("ix_reviews_account_id"), "reviews", ["account_id"])
    op.create_index(op.f("ix_reviews_created_at"), "reviews", ["created_at"])


def downgrade() -> None:
    op.drop_table("reviews")
