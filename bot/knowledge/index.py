"""The search index: passages of articles as e5 vectors and as BM25 postings.

Vectors and word lists are kept on disk by the hash of their text, so an index over unchanged
articles is built without touching a model, and a changed article costs its own passages only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.knowledge.bm25 import Bm25, Overlap
from bot.knowledge.cache import TextCache
from bot.knowledge.embed import Embedder
from bot.knowledge.morphemes import grams, jamo
from bot.knowledge.sounds import Sounds, names
from bot.knowledge.types import Article

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Progress = Callable[[int, int], None]
"""Called with passages embedded and passages to embed."""

PIECE_CHARS = 420
"""Longest piece of a body that becomes one passage; e5 reads about 512 tokens."""
MAX_PIECES = 40
EMBEDDED_PIECES = 4000
"""More pieces than this are found by their words alone: embedding them would take too long."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One text of an article that a question can be near to.

    `kind` is `title`, `question`, `whole` (title and the beginning of all text) or `piece`.
    """

    owner: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Index:
    """Everything a search needs. Passages lie in the order of their articles."""

    articles: tuple[Article, ...]
    passages: tuple[Passage, ...]
    vectors: Floats
    """(passages, size), each of length one; zero where a passage has none."""
    embedded: NDArray[np.bool_]
    """(passages,): which have a vector."""
    centre: Floats
    """(size,): what all passages have in common; without it cosines spread further."""
    centred: Floats
    """(passages, size): the vectors less their centre, each of length one."""
    starts: Ints
    """(articles,): place of each article's first passage."""
    words: Bm25
    """Over passages."""
    letters: Bm25
    """Over articles."""
    jamo: Bm25
    """Over articles."""
    titles: Overlap
    """Over articles."""
    terms: tuple[frozenset[str], ...]
    """The morphemes of each article."""
    sounds: Sounds
    """The nouns of titles and keywords by their sound."""


def build(
    articles: Sequence[Article],
    embedder: Embedder,
    cache: TextCache,
    progress: Progress | None = None,
) -> Index:
    """Return the index over `articles`; only passages that `cache` does not know are embedded."""
    passages = tuple(p for place, a in enumerate(articles) for p in passages_of(place, a))
    texts = [p.text for p in passages]
    embedded = _worth_embedding(passages)
    worth = [text for text, kept in zip(texts, embedded, strict=True) if kept]
    # Both leave Python for most of their time: a core that waits for one does the other.
    with ThreadPoolExecutor(1) as beside:
        splitting = beside.submit(cache.words, texts)
        made = cache.vectors(embedder, worth, progress)
        split = splitting.result()
    vectors = np.zeros((len(passages), made.shape[1]), np.float32)
    vectors[embedded] = made
    letters: list[list[str]] = [[] for _ in articles]
    spoken: list[list[str]] = [[] for _ in articles]
    terms: list[set[str]] = [set() for _ in articles]
    for passage, found in zip(passages, split, strict=True):
        letters[passage.owner] += grams(passage.text)
        spoken[passage.owner] += jamo(passage.text)
        terms[passage.owner].update(found.content)
    words_of = Bm25([found.content for found in split])
    titles = [
        (p.text, found) for p, found in zip(passages, split, strict=True) if p.kind == "title"
    ]
    owners = np.array([p.owner for p in passages], np.int64)
    centre = made.mean(0) if len(passages) else np.zeros(1, np.float32)
    return Index(
        articles=tuple(articles),
        passages=passages,
        vectors=vectors,
        embedded=embedded,
        centre=centre,
        centred=unit(np.where(embedded[:, None], vectors - centre, 0)),
        starts=np.searchsorted(owners, np.arange(len(articles))),
        words=words_of,
        letters=Bm25(letters),
        jamo=Bm25(spoken),
        titles=Overlap([grams(article.title) for article in articles]),
        terms=tuple(frozenset(found) for found in terms),
        sounds=Sounds((name for title in titles for name in names(*title)), words_of.knows),
    )


def _worth_embedding(passages: Sequence[Passage]) -> NDArray[np.bool_]:
    pieces = np.array([passage.kind == "piece" for passage in passages], bool)
    return np.ones(len(passages), bool) if pieces.sum() <= EMBEDDED_PIECES else ~pieces


def texts_of(articles: Sequence[Article]) -> dict[str, None]:
    """Return every text that an index over `articles` embeds, each once, in order."""
    return dict.fromkeys(p.text for place, a in enumerate(articles) for p in passages_of(place, a))


def unit(vectors: Floats) -> Floats:
    """Return `vectors` (…, size) scaled to length one; a zero vector stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Floats = (vectors / np.maximum(length, 1e-9)).astype(np.float32)
    return scaled


def passages_of(place: int, article: Article) -> list[Passage]:
    """Return the passages of one article: title, questions, the whole, and pieces of a body."""
    keywords = " ".join(article.keywords)
    found = [Passage(place, "title", f"{article.title}. {keywords}".strip(" ."))]
    found += [Passage(place, "question", q) for q in article.questions if q != article.title]
    text = article.body or f"{article.answer} {article.next_step}".strip()
    flat = " ".join(text.split())
    whole = f"{article.title}. {flat}"
    found.append(Passage(place, "whole", whole[: PIECE_CHARS + len(article.title)]))
    pieces = split_body(text)
    if len(pieces) > 1:
        found += [Passage(place, "piece", f"{article.title}: {p}") for p in pieces[:MAX_PIECES]]
    return found


def split_body(body: str, limit: int = PIECE_CHARS) -> list[str]:
    """Cut `body` into pieces of at most `limit` letters, at its lines and then at spaces."""
    pieces: list[str] = []
    for line in body.splitlines():
        rest = line.strip()
        while len(rest) > limit:
            cut = rest.rfind(" ", limit // 2, limit)
            cut = cut if cut > 0 else limit
            pieces.append(rest[:cut].strip())
            rest = rest[cut:].strip()
        if rest:
            pieces.append(rest)
    return pieces
