"""Hand-overs, cases, remarks, pronunciations, days' summaries; what finding turns quickly needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bot.conversation import search

revision = "0008"
down_revision = "0007"
branch_labels: None = None
depends_on: None = None

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
)
TURN_INDEXES = {
    "ix_turns_act": ["act"],
    "ix_turns_outcome": ["outcome"],
    "ix_turns_failure": ["failure"],
    "ix_turns_unheard": ["unheard"],
    "ix_turns_seconds": ["seconds"],
    "ix_turns_helpful": ["helpful"],
}


def upgrade() -> None:
    op.add_column(
        "turns",
        sa.Column("seconds", sa.Double(), comment="From the question until its reply had left"),
    )
    op.add_column(
        "turns", sa.Column("helpful", sa.Boolean(), comment="What the person thought of the answer")
    )
    for name, columns in TURN_INDEXES.items():
        op.create_index(name, "turns", columns)
    op.add_column(
        "reviews",
        sa.Column(
            "article_id",
            sa.String(length=100),
            nullable=False,
            server_default="",
            comment="The article that is right, where the reviewer named one",
        ),
    )
    op.create_index("ix_reviews_verdict", "reviews", ["verdict"])
    _handovers()
    _cases()
    op.create_table(
        "pronunciations",
        sa.Column("word", sa.String(length=50), nullable=False),
        sa.Column(
            "sounds", sa.String(length=50), nullable=False, comment="Hangul, as many syllables"
        ),
        _account("account_id", "pronunciations", nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_pronunciations")),
    )
    op.create_index(op.f("ix_pronunciations_account_id"), "pronunciations", ["account_id"])
    op.create_table(
        "day_summaries",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counts", DOCUMENT, nullable=False, comment="See bot.admin.figures"),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_day_summaries")),
    )
    for statement in search.tables(op.get_bind().dialect.name):
        op.execute(statement)
    search.rebuild(op.get_bind())


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER turn_search_forgets")
    op.execute("DROP TABLE turn_search")
    for table in ("day_summaries", "pronunciations", "remarks", "cases", "handovers"):
        op.drop_table(table)
    op.drop_index("ix_reviews_verdict", "reviews")
    op.drop_column("reviews", "article_id")
    for name in TURN_INDEXES:
        op.drop_index(name, "turns")
    op.drop_column("turns", "helpful")
    op.drop_column("turns", "seconds")


def _handovers() -> None:
    op.create_table(
        "handovers",
        sa.Column("id", sa.Integer(), nullable=False),
        _turn("handovers"),
        sa.Column(
            "conversation_id",
            sa.Integer(),
            sa.ForeignKey(
                "conversations.id",
                name=op.f("fk_handovers_conversation_id_conversations"),
                ondelete="CASCADE",
            ),
            nullable=False,
        ),
        sa.Column("stage", sa.String(length=20), nullable=False),
        _account("account_id", "handovers", comment="Who took it"),
        sa.Column(
            "result",
            sa.String(length=20),
            nullable=False,
            comment="given_back, called or dismissed",
        ),
        sa.Column("note", sa.Text(), nullable=False, comment="Masked like what was said"),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("taken_at", MOMENT),
        sa.Column("closed_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
        sa.UniqueConstraint("turn_id", name=op.f("uq_handovers_turn_id")),
    )
    op.create_index(op.f("ix_handovers_stage"), "handovers", ["stage"])
    op.create_index(op.f("ix_handovers_account_id"), "handovers", ["account_id"])
    op.create_index(
        op.f("ix_handovers_conversation_id_stage"), "handovers", ["conversation_id", "stage"]
    )


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer(), nullable=False),
        _turn("cases"),
        _account("assignee_id", "cases"),
        _account("opened_by_id", "cases", nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        _account("resolved_by_id", "cases"),
        sa.Column("resolved_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("turn_id", name=op.f("uq_cases_turn_id")),
    )
    for column in ("assignee_id", "opened_by_id", "resolved_by_id", "resolved_at"):
        op.create_index(op.f(f"ix_cases_{column}"), "cases", [column])
    op.create_table(
        "remarks",
        sa.Column("id", sa.Integer(), nullable=False),
        _turn("remarks"),
        _account("account_id", "remarks", nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="Masked like what was said"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remarks")),
    )
    op.create_index(op.f("ix_remarks_turn_id"), "remarks", ["turn_id"])
    op.create_index(op.f("ix_remarks_account_id"), "remarks", ["account_id"])


def _turn(table: str) -> sa.Column[int]:
    key = sa.ForeignKey("turns.id", name=op.f(f"fk_{table}_turn_id_turns"), ondelete="CASCADE")
    return sa.Column("turn_id", sa.Integer(), key, nullable=False)


def _account(
    column: str, table: str, nullable: bool = True, comment: str | None = None
) -> sa.Column[int]:
    key = sa.ForeignKey("accounts.id", name=op.f(f"fk_{table}_{column}_accounts"))
    return sa.Column(column, sa.Integer(), key, nullable=nullable, comment=comment)
