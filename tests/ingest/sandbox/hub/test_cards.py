import pytest

from ingest.sandbox.hub.cards import CARDS, PERSONALITY, POLL, Card

RESERVED = {
    "id", "event", "timestamp", "site_id", "site_name", "user_session_id", "user_profile_id", "card_id", "card_name",
    "card_type", "score", "correct", "competition_entry_id", "submission_id", "prize_recipient_id", "prize_id",
    "prize_name",
}  # fmt: skip


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_no_form_field_takes_the_place_of_a_member_of_komos_own(card: Card) -> None:
    """Fields and members share the top level of a legacy event."""
    keys = [field.key for field in card.fields]

    assert not RESERVED & set(keys)
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_every_question_and_answer_has_an_id_of_its_own(card: Card) -> None:
    """Two answers with one id could not be told apart."""
    ids = [card.question_id(question) for question in card.questions]
    ids += [card.answer_id(question, option) for question in card.questions for option in question.options]

    assert len(ids) == len(set(ids))


def test_every_personality_answer_leads_to_an_outcome() -> None:
    """An answer without one would count for nobody."""
    picked = {option.outcome for question in PERSONALITY.questions for option in question.options}

    assert picked == set(PERSONALITY.outcomes)


def test_a_poll_starts_with_votes_for_each_of_its_options() -> None:
    """The first player should see more than a single full bar."""
    assert len(POLL.votes) == len(POLL.questions[0].options)
