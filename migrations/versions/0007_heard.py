"""What of an answer was heard, where it was cut."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    op.add_column(
        "turns",
        sa.Column(
            "heard",
            sa.Text(),
            nullable=True,
            comment="What of the answer was heard, where the person spoke over the rest",
        ),
    )


def downgrade() -> None:
    with op.batch_alter_table("turns") as batch:
        batch.drop_column("heard")
