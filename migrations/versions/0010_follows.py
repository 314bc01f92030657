"""What follows the live conversation of a call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    op.add_column(
        "calls",
        sa.Column(
            "follows",
            sa.String(length=20),
            nullable=False,
            server_default="",
            comment="What follows its live conversation: goodbye, human, …",
        ),
    )


def downgrade() -> None:
    with op.batch_alter_table("calls") as batch:
        batch.drop_column("follows")
