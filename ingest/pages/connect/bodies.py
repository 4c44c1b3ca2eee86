"""
Ready-made bodies for the step of a Komo workflow that makes a request.

Komo publishes neither how its placeholders are written nor how they are called, so each `<...>` says in words what
belongs there. One that nobody replaced names nobody: see `schemas.komo.spellings.is_placeholder`.
Source: https://developers.komo.tech/workflows, https://knowledge.komo.tech/integrations-automation/workflows/triggers
"""

from dataclasses import dataclass
from typing import Any

from ingest.pages.drawing import pretty
from ingest.pages.language import _


@dataclass(frozen=True, slots=True)
class Body:
    """What to send for one kind of trigger."""

    #: For the addresses inside the page.
    key: str
    title: str
    #: Komo's names of the triggers.
    triggers: str
    text: str


def bodies() -> list[Body]:
    """For each kind of trigger, in the reader's language."""
    form = {
        "submissionId": _put(_("id of the form submission")),
        "qualified": _put(_("true or false: does the entry qualify")),
        "fields": {
            "email": _put(_("form field: e-mail")),
            "first_name": _put(_("form field: first name")),
            "optin": _put(_("form field: consent, true or false")),
        },
    }
    action = {
        "type": "Answer",
        "question": _put(_("question")),
        "answer": _put(_("answer")),
        "correct": _put(_("true or false: is it correct")),
    }
    gameplay = {
        "status": _put(_("completed or left")),
        "score": _put(_("score")),
        "correct": _put(_("number of correct answers")),
        "result": _put(_("outcome, of a personality test")),
    }
    prize = {
        "id": _put(_("prize id")),
        "name": _put(_("prize name")),
        "recipientId": _put(_("id of this win")),
    }
    coupon = {"offerId": _put(_("offer id")), "couponId": _put(_("coupon id"))}
    return [
        _body("form", _("A form was sent"), "Gameplay.DataCapturedQualified", form=form),
        _body("answer", _("A question was answered"), "Gameplay.Action", action=action),
        _body("end", _("A game ended"), "Gameplay.Ended", gameplay=gameplay),
        _body("prize", _("A prize was won"), "Prize.Awarded", prize=prize),
        _body("coupon", _("A coupon was redeemed"), "Coupon.Redeemed", coupon=coupon),
        _body("contact", _("A contact was identified"), "Contact.Identified", has_card=False),
    ]


def _body(key: str, title: str, trigger: str, *, has_card: bool = True, **more: Any) -> Body:
    contact = {"contactId": _put(_("contact id")), "email": _put(_("contact's e-mail"))}
    card = {"id": _put(_("card id")), "name": _put(_("card name")), "type": _put(_("card type"))}
    found = {
        "trigger": trigger,
        "runId": _put(_("id of this run of the workflow")),
        "timestamp": _put(_("time of this run")),
        "site": {"id": _put(_("hub id")), "name": _put(_("hub name"))},
        "contact": contact,
        **({"card": card} if has_card else {}),
        **more,
    }
    return Body(key, title, trigger, pretty(found))


def _put(what: str) -> str:
    return f"<{what}>"
