"""Articles, all their versions, and the stamp that says when something changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    op.create_table(
        "articles",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("origin", sa.String(length=100), nullable=False),
        sa.Column(
            "published",
            sa.Integer(),
            nullable=True,
            comment="Number of the version that answers; none where none does",
        ),
        sa.Column(
            "edited",
            sa.Boolean(),
            nullable=False,
            comment="By an admin: imports leave it as it is",
        ),
        sa.Column(
            "vanished", sa.Date(), nullable=True, comment="Since when the source has it no more"
        ),
        sa.Column(
            "review_on", sa.Date(), nullable=True, comment="When somebody should check it again"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
    )
    op.create_index(op.f("ix_articles_origin"), "articles", ["origin"])
    op.create_index(op.f("ix_articles_review_on"), "articles", ["review_on"])
    op.create_table(
        "article_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="1, 2, … within its article"),
        sa.Column("value", sa.Text(), nullable=False, comment="The article's fields as JSON"),
        sa.Column(
            "author",
            sa.String(length=200),
            nullable=False,
            comment="An account, or empty for the source",
        ),
        sa.Column("note", sa.Text(), nullable=False, comment="Why it was changed"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"],
            ["articles.id"],
            name=op.f("fk_article_versions_article_id_articles"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_versions")),
        sa.UniqueConstraint(
            "article_id", "number", name=op.f("uq_article_versions_article_id_number")
        ),
    )
    op.create_index(op.f("ix_article_versions_article_id"), "article_versions", ["article_id"])
    op.create_table(
        "article_stamp",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Integer(), nullable=False, comment="Grows with every change"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_stamp")),
    )
    op.execute("INSERT INTO article_stamp (id, value) VALUES (1, 0)")


def downgrade() -> None:
    op.drop_table("article_stamp")
    op.drop_table("article_versions")
    op.drop_table("articles")
