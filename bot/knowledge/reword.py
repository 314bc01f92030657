"""A language model may say an article's text in other words; it may not add a fact.

What it gives back is used only where every number, amount, date and name in it stands in the
article. Else the article's own text is said, and the event is counted.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol

import requests

from bot.knowledge.facts import invented
from bot.knowledge.mask import mask
from bot.knowledge.types import Article
from bot.knowledge.wording import MAX_SYLLABLES, sentences, syllables

INSTRUCTION = (
    "너는 어르신께 공공 서비스를 알려 드리는 상담사야. 아래 안내문만 쓰고 새로운 사실을 보태지 마. "
    "숫자, 금액, 날짜, 전화번호, 기관 이름은 그대로 둬. 쉬운 해요체로 네 문장 안에서 다시 말해."
)
MAX_SENTENCES = 5


class ModelError(RuntimeError):
    """A language model that did not answer; the article's own text is said instead."""


class LanguageModel(Protocol):
    """Completes an instruction about a text."""

    def complete(self, instruction: str, text: str) -> str:
        """Return the model's words; ModelError where it has none."""


@dataclass(frozen=True, slots=True)
class OpenAIModel:
    """An OpenAI-compatible endpoint: `url` ends before `/chat/completions`."""

    url: str
    model: str
    key: str = ""
    timeout: float = 8.0

    def complete(self, instruction: str, text: str) -> str:
        """Return the first choice's content."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        body = {
            "model": self.model,
            "temperature": 0,
            "messages": [
                {"role": "system", "content": instruction},
                {"role": "user", "content": text},
            ],
        }
        try:
            response = requests.post(
                f"{self.url.rstrip('/')}/chat/completions",
                json=body,
                headers=headers,
                timeout=self.timeout,
                allow_redirects=False,
            )
            response.raise_for_status()
            return str(response.json()["choices"][0]["message"]["content"]).strip()
        except (requests.RequestException, ValueError, KeyError, IndexError) as error:
            raise ModelError(f"{self.url}: {type(error).__name__}") from error


class TransformersModel:
    """A causal model by hub name or folder (extra `neural`); it loads on first use."""

    def __init__(self, model: str, max_new_tokens: int = 160):
        """Remember the model's name."""
        self._name = model
        self._limit = max_new_tokens
        self._lock = threading.Lock()
        self._parts: tuple[Any, Any] | None = None

    def complete(self, instruction: str, text: str) -> str:
        """Return what the model writes after the instruction and the text, greedily."""
        import torch

        with self._lock, torch.inference_mode():
            tokenizer, model = self._load()
            batch = tokenizer(self._prompt(tokenizer, instruction, text), return_tensors="pt")
            made = model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                max_new_tokens=self._limit,
                do_sample=False,
            )
            new = made[0, batch["input_ids"].shape[1] :]
            return str(tokenizer.decode(new, skip_special_tokens=True)).strip()

    def _prompt(self, tokenizer: Any, instruction: str, text: str) -> str:
        if not tokenizer.chat_template:
            return f"{instruction}\n\n{text}\n\n"
        messages = [{"role": "user", "content": f"{instruction}\n\n{text}"}]
        return str(
            tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        )

    def _load(self) -> tuple[Any, Any]:
        if self._parts is None:
            from transformers import AutoModelForCausalLM, AutoTokenizer

            model: Any = AutoModelForCausalLM.from_pretrained(self._name)
            self._parts = (AutoTokenizer.from_pretrained(self._name), model.eval())
        return self._parts


class Reworder:
    """Rewords answers with `model` and counts what happened in `events`."""

    def __init__(self, model: LanguageModel):
        """Use `model` for every answer."""
        self._model = model
        self.events: Counter[str] = Counter()
        """`reworded`, `invented` (a fact that the article has not), `unusable`, `failed`."""

    def reword(self, text: str, article: Article, question: str = "") -> str:
        """Return `text` in the model's words where they can be trusted, else `text` itself."""
        request = f"질문: {mask(question)}\n안내문: {text}" if question else f"안내문: {text}"
        try:
            said = self._model.complete(INSTRUCTION, request)
        except ModelError:
            self.events["failed"] += 1
            return text
        event = self._verdict(said, text, article)
        self.events[event] += 1
        return said if event == "reworded" else text

    def _verdict(self, said: str, text: str, article: Article) -> str:
        parts = sentences(said)
        if not parts or len(parts) > MAX_SENTENCES:
            return "unusable"
        if any(syllables(part) > MAX_SYLLABLES for part in parts):
            return "unusable"
        return "invented" if invented(said, sources(article, text)) else "reworded"


def sources(article: Article, text: str = "") -> tuple[str, ...]:
    """Return every text of `article` that a reworded answer may take its facts from."""
    return (
        text, article.title, article.answer, article.next_step, " ".join(article.documents),
        article.contact_name, article.contact_number, article.source_name, article.body,
    )  # fmt: skip


def reworder(kind: str, model: str, url: str = "", key: str = "") -> Reworder | None:
    """Return the reworder that the settings name: `none`, `transformers` or `openai`."""
    if kind == "transformers":
        return Reworder(TransformersModel(model))
    if kind == "openai":
        return Reworder(OpenAIModel(url, model, key))
    return None
