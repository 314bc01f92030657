"""Alembic's entry: runs migrations on the connection that `bot.conversation.schema` hands over."""

from __future__ import annotations

from alembic import context

from bot.conversation.schema import options

connection = context.config.attributes["connection"]
context.configure(connection=connection, **options())
with context.begin_transaction():
    context.run_migrations()
