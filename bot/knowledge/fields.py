"""What the commands print of an answer, for programs."""

from __future__ import annotations

from typing import Any

from bot.knowledge.types import Answer


def answer_fields(answer: Answer) -> dict[str, Any]:
    """Return the fields of `answer`; `article` is the article's id, null where there is none."""
    article = answer.article
    return {
        "outcome": answer.outcome.value,
        "answer": answer.text,
        "article": article.id if article else None,
        "title": article.title if article else None,
        "source": article.source_name if article else None,
        "source_url": article.source_url if article else None,
        "checked": article.checked.isoformat() if article else None,
        "score": round(answer.score, 4),
        "act": answer.act,
        "contact_name": answer.contact_name,
        "contact_number": answer.contact_number,
        "lines": list(answer.lines),
        "choices": list(answer.choices),
    }
