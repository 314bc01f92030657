"""The tables of articles, in the service's database: what answers, and every version of it."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ARTICLES = Table(
    "articles",
    METADATA,
    Column("id", String(100), primary_key=True),
    Column("origin", String(100), nullable=False, index=True),
    Column(
        "published", Integer, comment="Number of the version that answers; none where none does"
    ),
    Column("edited", Boolean, nullable=False, comment="By an admin: imports leave it as it is"),
    Column("vanished", Date, comment="Since when the source has it no more"),
    Column("review_on", Date, index=True, comment="When somebody should check it again"),
)

VERSIONS = Table(
    "article_versions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("article_id", ForeignKey("articles.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("number", Integer, nullable=False, comment="1, 2, … within its article"),
    Column("value", Text, nullable=False, comment="The article's fields as JSON"),
    Column("author", String(200), nullable=False, comment="An account, or empty for the source"),
    Column("note", Text, nullable=False, comment="Why it was changed"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("article_id", "number"),
)

STAMP = Table(
    "article_stamp",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", Integer, nullable=False, comment="Grows with every change"),
)
