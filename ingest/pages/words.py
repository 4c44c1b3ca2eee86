"""What the names in the store mean to a person: reasons, states, causes and events, and what to do about them."""

from ingest.pages.language import _
from ingest.pages.sentences import in_words


def event_in_words(event: str) -> str:
    """What happened on the card; empty where nobody has told what an event's name means."""
    return {
        "Contact.Identified": _("Visitor recognised"),
        "Contact.ListAdded": _("Added to a list"),
        "Contact.PropertyUpdated": _("Contact details changed"),
        "Contact.Verified.Sso": _("Signed in"),
        "Coupon.Redeemed": _("Coupon redeemed"),
        "CardCoverClicked": _("Card opened"),
        "CardViewed": _("Card seen"),
        "CompetitionEntrySuccess": _("Entry submitted"),
        "Gameplay.Action": _("Answer given"),
        "Gameplay.DataCaptured": _("Form submitted"),
        "Gameplay.DataCapturedQualified": _("Form submitted, qualified"),
        "Gameplay.Ended": _("Game finished"),
        "Prize.Awarded": _("Prize awarded"),
        "Prize.Won": _("Prize won"),
        "PrizeAwarded": _("Prize awarded"),
        "QuizStarted": _("Quiz started"),
        "SignUpSuccess": _("Signed up"),
        "SiteViewed": _("Hub seen"),
        "card-answered": _("Answer given"),
        "card-clicked": _("Card clicked"),
        "card-shared": _("Card shared"),
        "card-viewed": _("Card seen"),
        "coupon-redeemed": _("Coupon redeemed"),
        "coupon-viewed": _("Coupon seen"),
        "form-start": _("Form started"),
        "form-submission": _("Form submitted"),
        "survey-submitted": _("Survey submitted"),
        "survey-viewed": _("Survey seen"),
    }.get(event, "")


def identifier_in_words(kind: str) -> str:
    """By what Braze finds a person."""
    return {
        "braze_id": _("Braze id"),
        "email": _("e-mail address"),
        "external_id": _("external id"),
        "phone": _("phone number"),
        "user_alias": _("alias"),
    }.get(kind, kind)


def job_in_words(kind: str) -> str:
    """What a person asked for."""
    return {
        "discard": _("Discard dead letters"), "forget": _("Forget a person"), "replay": _("Replay dead letters"),
    }.get(kind, kind)  # fmt: skip


def job_state_in_words(state: str) -> str:
    """How far a job is."""
    return {
        "done": _("Done"), "failed": _("Failed"), "queued": _("Waits for its turn"), "running": _("At work"),
        "stopped": _("Stopped"),
    }.get(state, state)  # fmt: skip


def outcome_in_words(outcome: str) -> str:
    """What a dry run says would become of a letter; takes reasons too."""
    if outcome == "delivered":
        return _("would be sent to Braze")
    if outcome in ("superseded", "events_too_old", "nothing_mapped", "no_identifier", "not_accepted"):
        return _("nothing to send: %(why)s", why=reason_in_words(outcome))
    return _("stays dead: %(why)s", why=reason_in_words(outcome))


def reason_in_words(reason: str) -> str:
    """Why a submission is dead, filtered or discarded, or was left alone by a job."""
    return {
        "bad_identifier": _("The person can't be told"),
        "events_too_old": _("Its events are older than was asked for"),
        "gone": _("Not a dead letter any more"),
        "mapping_failed": _("The connector could not read it"),
        "no_identifier": _("Nobody knows whose it is"),
        "no_usable_value": _("None of its values can be used"),
        "not_accepted": _("The integration does not want it"),
        "nothing_mapped": _("No rule has anything to send"),
        "refused": _("Braze refused it"),
        "superseded": _("Later submissions have set all of it"),
        "too_big": _("Too big for Braze"),
        "too_old": _("It waited for too long"),
    }.get(reason, reason)


def reason_meaning(reason: str) -> str:
    """The same in a sentence or two."""
    return {
        "bad_identifier": _(
            "The field by which people are found was filled in, but with something that can't be used: no e-mail "
            "address, no phone number, or a placeholder."
        ),
        "events_too_old": _(
            "It was replayed without events from before a certain time, and there was nothing else in it."
        ),
        "gone": _("It was replayed or discarded meanwhile, is no longer kept, or never was a dead letter."),
        "mapping_failed": _(
            "Something in it brought the rules to a stop. This is a mistake in the connector, not yours."
        ),
        "no_identifier": _(
            "It carries nothing by which Braze could find the person, and nobody came back in time to tell."
        ),
        "no_usable_value": _("Every value that your rules would send was unusable, so there was nothing left to send."),
        "not_accepted": _("The integration is set to take other hubs, cards or events only."),
        "nothing_mapped": _("None of your rules takes anything out of a submission like this one."),
        "refused": _("Braze looked at it and said no. Its words are with each letter."),
        "superseded": _("The same person has submitted again since, and the newer values were kept."),
        "too_big": _("Even by itself it is bigger than any request that Braze takes."),
        "too_old": _("Braze could not be reached, or sending was paused, for longer than the integration allows."),
    }.get(reason, "")


def reason_advice(reason: str) -> str:
    """What to do about it."""
    return {
        "bad_identifier": _(
            "Look at what was typed. If another field tells the person better, choose it under People, then replay. "
            "If the answer is simply wrong, discard the letter; a check in the Komo form keeps the next ones out."
        ),
        "events_too_old": _(
            "Nothing is wrong. Replay without a limit for the age of events if you want them all the same."
        ),
        "gone": _("Nothing is to be done."),
        "mapping_failed": _(
            "Ask whoever runs the connector to look for mapping.failed in the worker's log. Keep the letter: it can be "
            "replayed once this is mended."
        ),
        "no_identifier": _(
            "Ask for the e-mail address or phone number on the card, or choose a field that is there under People."
        ),
        "no_usable_value": _("Open a letter, read its warnings, mend the rules under Fields, then replay."),
        "not_accepted": _("If it should go to Braze, change what the integration accepts."),
        "nothing_mapped": _("If something of it should go to Braze, add a rule for it under Fields."),
        "refused": _(
            "Read Braze's words, mend the field or the setting in Braze that they name, try one letter with a dry run, "
            "then replay the others."
        ),
        "superseded": _("Nothing is to be done."),
        "too_big": _("Send fewer or shorter fields: take long answers out under Fields, then replay."),
        "too_old": _(
            "Replay them if they are still worth sending. To wait longer the next time, raise or remove max_age_hours."
        ),
    }.get(reason, "")


#: Reason -> the step of an integration in which it is mended.
STEPS = {
    "bad_identifier": "people", "no_identifier": "people", "no_usable_value": "fields", "nothing_mapped": "fields",
    "refused": "fields", "too_big": "fields",
}  # fmt: skip


def state_in_words(state: str) -> str:
    """Where a submission stands."""
    return {
        "dead": _("Dead letter"), "delivered": _("Delivered"), "discarded": _("Discarded"), "filtered": _("Not sent"),
        "held": _("Held"), "in_flight": _("On its way"), "waiting": _("Waiting"),
    }.get(state, state)  # fmt: skip


def state_meaning(state: str) -> str:
    """The same in a sentence."""
    return {
        "dead": _("It could not be sent, and waits for a person to decide."),
        "delivered": _("Braze has it."),
        "discarded": _("A person gave it up, or it was dead for too long."),
        "filtered": _("There was nothing in it for Braze, or no one to send it for."),
        "held": _("It is kept until the same visitor tells who they are."),
        "in_flight": _("It is part of a request that Braze is answering right now."),
        "waiting": _("It is kept safe, and is sent when its turn comes."),
    }.get(state, "")


def state_colour(state: str) -> str:
    """The tag's class; the words say it all without it."""
    return {"dead": "bad", "delivered": "good", "held": "wait", "in_flight": "wait", "waiting": "wait"}.get(state, "")


def way_in_words(way: str) -> str:
    """By way of what somebody changed something."""
    return {
        "api": _("the API"), "command line": _("the command line"), "demo": _("the demo"), "page": _("these pages"),
    }.get(way, way)  # fmt: skip


def changes_in_words(what: str) -> str:
    """What a line of an integration's audit names, one after the other; the names of members stay as they are."""
    return ", ".join(in_words(one) for one in what.split(", "))


def events_known() -> list[tuple[str, str]]:
    """Events whose names are known, with their words."""
    names = ("CompetitionEntrySuccess", "SignUpSuccess", "PrizeAwarded", "QuizStarted", "CardViewed", "SiteViewed",
             "Gameplay.DataCaptured", "Gameplay.Action", "Gameplay.Ended", "form-submission")  # fmt: skip
    return [(name, event_in_words(name)) for name in names]
