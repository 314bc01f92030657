"""What is said where no article answers: dialogue acts, choices, refusals. Plain 해요체."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.knowledge.dialogue import Act
from bot.knowledge.safety import Line
from bot.knowledge.types import Answer, Article, Candidate, Context, Outcome
from bot.knowledge.wording import screen_lines, simpler, spoken

ABUSE_WARNING = (
    "말씀을 조금만 부드럽게 해 주세요. 그러면 제가 더 잘 도와 드릴 수 있어요. 무엇이 궁금하세요?"
)
ABUSE_END = "계속 말씀을 나누기 어려워서 여기서 마칠게요. 다음에 다시 찾아 주세요."
_AGAIN = frozenset({Act.REPEAT, Act.SLOWER, Act.LOUDER})
_FIXED: dict[Act, tuple[Outcome, str]] = {
    Act.START_OVER: (Outcome.CLARIFIED, "처음부터 다시 할게요. 무엇이 궁금하세요?"),
    Act.GOODBYE: (Outcome.ANSWERED, "네, 언제든 다시 물어보세요. 건강하세요. 안녕히 계세요."),
    Act.GREETING: (Outcome.CLARIFIED, "안녕하세요. 저는 상담사 실버라인이에요. 무엇이 궁금하세요?"),
    Act.THANKS: (Outcome.ANSWERED, "도움이 되었다니 저도 기뻐요. 더 궁금한 것이 있으세요?"),
    Act.YES: (Outcome.CLARIFIED, "네, 말씀하세요. 무엇이 궁금하세요?"),
    Act.NO: (Outcome.CLARIFIED, "네, 알겠어요. 다른 궁금한 것이 있으면 말씀해 주세요."),
}
_NOTHING_YET = "아직 말씀드린 것이 없어요. 무엇이 궁금하세요?"


@dataclass(frozen=True, slots=True)
class Human:
    """Who takes over: a `name` and a `number`."""

    name: str
    number: str


def urgent(line: Line) -> Answer:
    """Return the answer to an emergency: the number at once and an offer to connect."""
    return Answer(
        Outcome.HANDED_OVER,
        line.text,
        score=1.0,
        act="emergency",
        contact_name=line.name,
        contact_number=line.number,
        lines=(f"☎ {line.number} {line.name}", "지금 바로 전화하세요"),
    )


def declined(line: Line) -> Answer:
    """Return the answer to a question for a doctor or a lawyer: where to go."""
    return Answer(
        Outcome.REFUSED,
        line.text,
        act=line.kind,
        contact_name=line.name,
        contact_number=line.number,
        lines=(f"☎ {line.number} {line.name}",),
    )


def abused(context: Context) -> Answer:
    """Return one calm warning, and after it a polite end."""
    if context.warned:
        return Answer(Outcome.REFUSED, ABUSE_END, act="abuse", end=True)
    return Answer(Outcome.REFUSED, ABUSE_WARNING, act="abuse")


def about(
    article: Article, score: float, found: tuple[Candidate, ...], act: str = "", text: str = ""
) -> Answer:
    """Return `article` as the answer; `text` replaces what it says."""
    return Answer(
        Outcome.ANSWERED,
        text or spoken(article),
        article,
        score,
        found,
        act=act,
        contact_name=article.contact_name,
        contact_number=article.contact_number,
        lines=screen_lines(article),
    )


def choice(found: Sequence[Candidate], score: float) -> Answer:
    """Return "did you mean one or two" for the first two of `found`."""
    one, two = found[0].article, found[1].article
    text = (
        f"혹시 어느 것이 궁금하세요? 하나, {one.title}. 둘, {two.title}. "
        "하나 또는 둘이라고 말씀해 주세요."
    )
    return Answer(
        Outcome.CLARIFIED,
        text,
        None,
        score,
        tuple(found),
        choices=(one.id, two.id),
        act="choose",
        lines=(f"하나: {one.title}", f"둘: {two.title}"),
    )


def unclear(score: float, found: tuple[Candidate, ...]) -> Answer:
    """Return a question back, where too little was said."""
    text = "조금만 더 자세히 말씀해 주세요. 어떤 일이 궁금하세요?"
    return Answer(Outcome.CLARIFIED, text, None, score, found, act="clarify")


def refusal(human: Human, score: float, found: tuple[Candidate, ...]) -> Answer:
    """Return an honest "I do not know" with the number of a human who may."""
    text = (
        "죄송해요. 그 내용은 제가 정확히 알지 못해요. "
        f"{human.name} {human.number}번에 전화하시면 사람이 안내해 드려요."
    )
    return Answer(
        Outcome.REFUSED,
        text,
        None,
        score,
        found,
        contact_name=human.name,
        contact_number=human.number,
        lines=(f"☎ {human.number} {human.name}",),
    )


def act_reply(act: Act, context: Context, last: Article | None, human: Human) -> Answer:
    """Return the answer to a dialogue act; `last` is the article answered before."""
    if act is Act.HUMAN:
        return _human(last, human)
    if act in _FIXED:
        outcome, text = _FIXED[act]
        return Answer(outcome, text, act=act.value, end=act is Act.GOODBYE)
    if not context.last_answer and last is None:
        return Answer(Outcome.CLARIFIED, _NOTHING_YET, act=act.value)
    if act is Act.SIMPLER and last is not None:
        return about(last, 1.0, (), act.value, simpler(last))
    if act is Act.BY_TEXT and last is not None:
        return about(last, 1.0, (), act.value, f"글자로 보내 드릴게요. {spoken(last)}")
    if act in _AGAIN and last is not None:
        return about(last, 1.0, (), act.value, context.last_answer)
    return Answer(Outcome.ANSWERED, context.last_answer, act=act.value)


def _human(last: Article | None, human: Human) -> Answer:
    name, number = human.name, human.number
    if last is not None and last.contact_number:
        name, number = last.contact_name, last.contact_number
    text = f"네, 사람과 통화하실 수 있어요. {name} {number}번으로 연결해 드릴게요."
    return Answer(
        Outcome.HANDED_OVER,
        text,
        act=Act.HUMAN.value,
        contact_name=name,
        contact_number=number,
        lines=(f"☎ {number} {name}",),
    )
