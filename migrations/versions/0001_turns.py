"""People, conversations, turns, their steps and files, and what vendors told us."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision: str | None = None
branch_labels: None = None
depends_on: None = None

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "media_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False, comment="Its name in the store"),
        sa.Column(
            "kind",
            sa.String(length=20),
            nullable=False,
            comment="recording, speech, timings, video or poster",
        ),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True, comment="Length of sound or video"),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="Of the content, in hex"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column(
            "expires_at",
            MOMENT,
            nullable=True,
            comment="May be deleted after this moment; empty: kept",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_files")),
        sa.UniqueConstraint("key", name=op.f("uq_media_files_key")),
    )
    op.create_index(op.f("ix_media_files_expires_at"), "media_files", ["expires_at"])

    op.create_table(
        "people",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "display_name", sa.String(length=100), nullable=False, comment="Empty if unknown"
        ),
        sa.Column("language", sa.String(length=10), nullable=False, comment="BCP 47"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_table(
        "conversations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=30), nullable=False, comment="Where it began"),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("last_activity_at", MOMENT, nullable=False),
        sa.Column(
            "ended_at",
            MOMENT,
            nullable=True,
            comment="Set when the person or the counsellor closed it",
        ),
        sa.Column(
            "state", DOCUMENT, nullable=False, comment="What dialogue rules keep between turns"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_conversations_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
    )
    op.create_index(
        op.f("ix_conversations_last_activity_at"), "conversations", ["last_activity_at"]
    )
    op.create_index(
        op.f("ix_conversations_person_id_channel_last_activity_at"),
        "conversations",
        ["person_id", "channel", "last_activity_at"],
    )

    op.create_table(
        "identities",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=30), nullable=False, comment="Name of the channel"),
        sa.Column(
            "address",
            sa.String(length=255),
            nullable=False,
            comment="Phone number or user id as the channel writes it",
        ),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.id"],
            name=op.f("fk_identities_person_id_people"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        sa.UniqueConstraint("channel", "address", name=op.f("uq_identities_channel_address")),
    )
    op.create_index(op.f("ix_identities_person_id"), "identities", ["person_id"])

    op.create_table(
        "turns",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "key",
            sa.String(length=32),
            nullable=False,
            comment="Unguessable name for links and deliveries",
        ),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False, comment="Where to reply"),
        sa.Column(
            "number",
            sa.Integer(),
            nullable=False,
            comment="1 for the first turn of its conversation",
        ),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column(
            "reply_to",
            DOCUMENT,
            nullable=False,
            comment="What the channel needs to reply; cleared at the end",
        ),
        sa.Column(
            "media_url",
            sa.Text(),
            nullable=False,
            comment="The vendor's address of the recording; cleared when fetched",
        ),
        sa.Column(
            "media_type", sa.String(length=100), nullable=False, comment="As the vendor says"
        ),
        sa.Column("recording_id", sa.Integer(), nullable=True),
        sa.Column(
            "text", sa.Text(), nullable=False, comment="What was asked, personal numbers masked"
        ),
        sa.Column("confidence", sa.Double(), nullable=True, comment="Of the recogniser, 0 to 1"),
        sa.Column(
            "words",
            DOCUMENT,
            nullable=False,
            comment="text, start, end (s) and confidence of each word",
        ),
        sa.Column(
            "unheard",
            sa.String(length=20),
            nullable=False,
            comment="Why nothing was heard: silence, noise or unclear",
        ),
        sa.Column(
            "outcome", sa.String(length=20), nullable=False, comment="How the answer came out"
        ),
        sa.Column("answer", sa.Text(), nullable=False, comment="What is spoken"),
        sa.Column("lines", DOCUMENT, nullable=False, comment="In three lines"),
        sa.Column("article_id", sa.String(length=100), nullable=False),
        sa.Column("article_title", sa.String(length=300), nullable=False),
        sa.Column("source_name", sa.String(length=300), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("checked", sa.Date(), nullable=True, comment="When the article was last checked"),
        sa.Column("score", sa.Double(), nullable=True, comment="Of the article, 0 to 1"),
        sa.Column(
            "candidates",
            DOCUMENT,
            nullable=False,
            comment="id, title and score of the articles found, best first",
        ),
        sa.Column(
            "choices", DOCUMENT, nullable=False, comment="Article ids offered to choose from"
        ),
        sa.Column("act", sa.String(length=30), nullable=False, comment="Dialogue act"),
        sa.Column("contact_name", sa.String(length=200), nullable=False),
        sa.Column("contact_number", sa.String(length=30), nullable=False),
        sa.Column("ends", sa.Boolean(), nullable=False, comment="The conversation ends here"),
        sa.Column("speech_id", sa.Integer(), nullable=True),
        sa.Column("timings_id", sa.Integer(), nullable=True),
        sa.Column("video_id", sa.Integer(), nullable=True),
        sa.Column("poster_id", sa.Integer(), nullable=True),
        sa.Column("failed_step", sa.String(length=20), nullable=False),
        sa.Column(
            "failure",
            sa.String(length=50),
            nullable=False,
            comment="A stable word; the turn ends as failed once delivered",
        ),
        sa.Column("failure_detail", sa.Text(), nullable=False, comment="Cause, for operators"),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="Of the step that is next"),
        sa.Column("retry_at", MOMENT, nullable=True, comment="Not before this"),
        sa.Column("queued_at", MOMENT, nullable=True, comment="Last put on a queue"),
        sa.Column(
            "lease_owner",
            sa.String(length=100),
            nullable=False,
            comment="The worker that moves it now",
        ),
        sa.Column(
            "lease_until",
            MOMENT,
            nullable=True,
            comment="Renewed by the owner's heartbeat; free after it",
        ),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_turns_conversation_id_conversations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["identities.id"],
            name=op.f("fk_turns_identity_id_identities"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["poster_id"],
            ["media_files.id"],
            name=op.f("fk_turns_poster_id_media_files"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["media_files.id"],
            name=op.f("fk_turns_recording_id_media_files"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["speech_id"],
            ["media_files.id"],
            name=op.f("fk_turns_speech_id_media_files"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["timings_id"],
            ["media_files.id"],
            name=op.f("fk_turns_timings_id_media_files"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["video_id"],
            ["media_files.id"],
            name=op.f("fk_turns_video_id_media_files"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turns")),
        sa.UniqueConstraint(
            "conversation_id", "number", name=op.f("uq_turns_conversation_id_number")
        ),
        sa.UniqueConstraint("key", name=op.f("uq_turns_key")),
    )
    op.create_index(op.f("ix_turns_article_id"), "turns", ["article_id"])
    op.create_index(op.f("ix_turns_created_at"), "turns", ["created_at"])
    op.create_index(op.f("ix_turns_identity_id"), "turns", ["identity_id"])
    op.create_index(op.f("ix_turns_poster_id"), "turns", ["poster_id"])
    op.create_index(op.f("ix_turns_recording_id"), "turns", ["recording_id"])
    op.create_index(op.f("ix_turns_speech_id"), "turns", ["speech_id"])
    op.create_index(op.f("ix_turns_state_queued_at"), "turns", ["state", "queued_at"])
    op.create_index(op.f("ix_turns_timings_id"), "turns", ["timings_id"])
    op.create_index(op.f("ix_turns_video_id"), "turns", ["video_id"])

    op.create_table(
        "inbound_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=30), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False, comment="Unique on its channel"),
        sa.Column(
            "kind", sa.String(length=30), nullable=False, comment="text, recording, status, …"
        ),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column(
            "payload",
            DOCUMENT,
            nullable=False,
            comment="What was told, without personal data and secrets",
        ),
        sa.Column("response", DOCUMENT, nullable=True, comment="What was answered first"),
        sa.Column("turn_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["turn_id"],
            ["turns.id"],
            name=op.f("fk_inbound_events_turn_id_turns"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_events")),
        sa.UniqueConstraint("channel", "key", name=op.f("uq_inbound_events_channel_key")),
    )
    op.create_index(op.f("ix_inbound_events_received_at"), "inbound_events", ["received_at"])
    op.create_index(op.f("ix_inbound_events_turn_id"), "inbound_events", ["turn_id"])

    op.create_table(
        "turn_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False, comment="By the monotonic clock"),
        sa.Column("worker", sa.String(length=100), nullable=False),
        sa.Column("error", sa.Text(), nullable=False, comment="Empty where it succeeded"),
        sa.ForeignKeyConstraint(
            ["turn_id"], ["turns.id"], name=op.f("fk_turn_steps_turn_id_turns"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turn_steps")),
    )
    op.create_index(op.f("ix_turn_steps_turn_id"), "turn_steps", ["turn_id"])


def downgrade() -> None:
    op.drop_table("turn_steps")
    op.drop_table("inbound_events")
    op.drop_table("turns")
    op.drop_table("identities")
    op.drop_table("conversations")
    op.drop_table("people")
    op.drop_table("media_files")
