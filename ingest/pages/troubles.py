"""What is wrong with an integration, in plain words, and what to do about it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from ingest.pages.language import _, many, number
from ingest.pages.sentences import in_words
from workers.store import standing
from workers.store.glance import Look

#: Causes that end by themselves.
_PASSING = (standing.LIMITED, standing.NONE_LEFT, standing.RETRY, standing.QUIET, standing.REDO)
#: What comes before the number in it.
_AWAY = standing.AWAY.partition("{")[0]


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing to know, and where to go with it."""

    tone: Literal["wait", "bad", "idle"]
    words: str
    #: What to do, or that there is nothing to do.
    advice: str = ""
    #: When it ends, ISO; None where nobody knows.
    until: str | None = None
    #: What the last attempt said, in Braze's own words; they may be long.
    answer: str = ""
    link: str = ""
    link_text: str = ""


def trouble_of(look: Look, told: Mapping[str, Any]) -> Iterator[Trouble]:
    """
    Everything that is to be said of an integration, worst first.

    Args:
        told: As `Standing.tell` has it; empty where nobody asked.
    """
    address = f"/integrations/{look.integration.id}"
    if look.integration.draft:
        yield Trouble("idle", _("Somebody has begun to connect this hub. What arrives is kept until it is set up."),
                      link=address, link_text=_("Go on setting it up"))  # fmt: skip
    elif because := told.get("because"):
        yield _of_cause(look, because, told, address)
    elif problem := told.get("last_problem"):
        yield Trouble("wait", _problem(problem), _("It is tried again; nothing is lost."), answer=_answer(problem))
    if look.dead:
        words = many(
            "%(count)s submission could not be delivered (a dead letter). It is kept for you.",
            "%(count)s submissions could not be delivered (dead letters). They are kept for you.", look.dead,
            count=number(look.dead),
        )  # fmt: skip
        query = urlencode({"integration": look.integration.id})
        yield Trouble("wait", words, _("See why, mend it, then send them again."),
                      link=f"/dead-letters?{query}", link_text=_("Look at the dead letters"))  # fmt: skip


def _of_cause(look: Look, because: str, told: Mapping[str, Any], address: str) -> Trouble:
    problem = told.get("last_problem")
    answer = _answer(problem) if problem and look.paused != "person" else ""
    words, until = in_words(because), told.get("until")
    if look.paused == "braze":
        advice = _("Nothing is lost. It is tried again every 15 minutes, and at once when you save its Braze settings.")
        return Trouble("bad", words, advice, until, answer, f"{address}/braze", _("Check its Braze settings"))
    if look.paused == "person":
        advice = _("What arrives is kept until somebody resumes it.")
        return Trouble("wait", words, advice, link=address, link_text=_("Open it to resume"))
    if because == standing.LATE:
        advice = _("Nothing is lost. Start a worker and the clock; the line above says which of them is missing.")
        return Trouble("bad", words, advice, until, answer)
    if because in _PASSING or because.startswith(_AWAY):
        return Trouble("wait", words, _("There is nothing to do: it goes on by itself."), until, answer)
    return Trouble("idle", words, until=until)


def _problem(problem: Mapping[str, Any]) -> str:
    """What an answer of Braze's means."""
    match problem.get("status"):
        case 0 | None:
            return _("Braze did not answer the last request.")
        case 429:
            return _("Braze had too many requests (429).")
        case int(status) if status >= 500:
            return _("Braze had trouble of its own (%(status)s).", status=status)
        case status:
            return _("Braze did not take the last request (%(status)s).", status=status)


def _answer(problem: Mapping[str, Any]) -> str:
    return str(problem.get("answer") or "")[:300]
