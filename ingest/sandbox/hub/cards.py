"""
The hub and its four cards, as data: what is asked, what can be won, and which fields each form has.

Ids are fixed, so that an integration can name them; those of questions and answers are made from their text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal
from uuid import UUID, uuid5

SITE_ID = "b1cb1816-7d85-457c-9f32-2a1422d00e17"
SITE_NAME = "Harbourside Summer Hub"

FieldKind = Literal["text", "email", "tel", "date", "number", "select", "choices", "consent"]


@dataclass(frozen=True)
class Option:
    """One answer that can be picked. `correct` counts in a quiz, `outcome` in a personality test."""

    text: str
    correct: bool = False
    outcome: str = ""


@dataclass(frozen=True)
class Question:
    text: str
    options: tuple[Option, ...]

    @property
    def has_right_answer(self) -> bool:
        return any(option.correct for option in self.options)


@dataclass(frozen=True)
class Prize:
    id: str
    name: str


@dataclass(frozen=True)
class Outcome:
    """What a personality test may say of a person."""

    name: str
    verdict: str


@dataclass(frozen=True)
class Segment:
    """One slice of the wheel: a short label, and the prize that it stands for, if any."""

    label: str
    prize: Prize | None = None


@dataclass(frozen=True)
class FormField:
    """One field of a data-capture form; `key` is the field's unique id, the key under which Komo posts it."""

    key: str
    label: str
    kind: FieldKind = "text"
    required: bool = False
    choices: tuple[str, ...] = ()
    autocomplete: str = "off"
    hint: str = ""


@dataclass(frozen=True)
class Card:
    slug: str
    id: str
    #: The internal name, which is what Komo posts; the public sees `title`.
    #: https://developers.komo.tech/webhook-events/cards
    name: str
    type: str
    sub_type: str
    title: str
    teaser: str
    call: str
    questions: tuple[Question, ...] = ()
    segments: tuple[Segment, ...] = ()
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    #: Votes that a poll starts with, in the order of its options.
    votes: tuple[int, ...] = ()
    extra_fields: tuple[FormField, ...] = ()

    @property
    def fields(self) -> tuple[FormField, ...]:
        return (*PERSON_FIELDS, *self.extra_fields, CONSENT)

    def question_id(self, question: Question) -> str:
        return str(uuid5(UUID(self.id), question.text))

    def answer_id(self, question: Question, option: Option) -> str:
        return str(uuid5(UUID(self.id), f"{question.text}\n{option.text}"))


COUNTRIES = (
    "Australia", "Austria", "Brazil", "Canada", "Denmark", "Fiji", "France", "Germany", "India", "Indonesia", "Ireland",
    "Italy", "Japan", "Netherlands", "New Zealand", "Philippines", "Portugal", "Singapore", "South Africa", "Spain",
    "Switzerland", "United Kingdom", "United States",
)  # fmt: skip

PERSON_FIELDS = (
    FormField("first_name", "First name", required=True, autocomplete="given-name"),
    FormField("last_name", "Last name", autocomplete="family-name"),
    FormField("email", "Email", "email", required=True, autocomplete="email"),
    FormField("mobile", "Mobile", "tel", autocomplete="tel", hint="For example +61 491 570 006"),
    FormField("date_of_birth", "Date of birth", "date", autocomplete="bday"),
    FormField("country", "Country", "select", choices=COUNTRIES, autocomplete="country-name"),
)

#: `optin` is the consent key of Komo's own examples. https://developers.komo.tech/webhook-events/form
CONSENT = FormField("optin", "Yes, send me news and offers by email", "consent")

QUIZ = Card(
    slug="quiz",
    id="5bb7fb0f-d8d9-415b-8725-460b8ce504db",
    name="SUM26 quiz - sailing",
    type="Quiz",
    sub_type="Quiz",
    title="Do you know the ropes?",
    teaser="Five questions for landlubbers and old salts.",
    call="Start the quiz",
    questions=(
        Question("Which side of a boat is port?", (Option("Left", True), Option("Right"), Option("The front"))),
        Question("What is the front of a boat called?", (Option("Stern"), Option("Bow", True), Option("Keel"))),
        Question(
            "Which knot makes a loop that does not slip?",
            (Option("Clove hitch"), Option("Reef knot"), Option("Bowline", True)),
        ),
        Question(
            "What does it mean to reef a sail?",
            (Option("To make it smaller", True), Option("To wash it"), Option("To hoist it higher")),
        ),
        Question("About how long is a nautical mile?", (Option("1.2 km"), Option("1.85 km", True), Option("2.5 km"))),
    ),
    extra_fields=(
        FormField("preferred_boat", "Your kind of boat", "select", choices=("Dinghy", "Yacht", "Kayak", "Ferry")),
        FormField("favourite_team", "Favourite team", hint="For example Harbourside Gulls"),
    ),
)

POLL = Card(
    slug="poll",
    id="0583542f-4cd5-413d-8c6e-3438c63be5a9",
    name="SUM26 poll - beach",
    type="Poll",
    sub_type="Poll",
    title="The great beach vote",
    teaser="One bay, four beaches, one winner. Where do you stand?",
    call="Cast your vote",
    questions=(
        Question(
            "Best beach of the bay?",
            (Option("North Cove"), Option("Lantern Beach"), Option("Gull Point"), Option("Old Pier")),
        ),
    ),
    votes=(412, 286, 193, 121),
    extra_fields=(
        FormField(
            "interests",
            "What brings you to the bay?",
            "choices",
            choices=("Sailing", "Swimming", "Surfing", "Food"),
        ),
    ),
)

PERSONALITY = Card(
    slug="personality",
    id="e35fd989-b021-4ac8-8c31-76236de8809a",
    name="SUM26 personality - skipper",
    type="Personality",
    sub_type="Personality",
    title="What kind of skipper are you?",
    teaser="Four quick choices, one honest verdict.",
    call="Find out",
    questions=(
        Question(
            "A squall is coming. You...",
            (
                Option("Reef early and put the kettle on", outcome="calm"),
                Option("Grin and sheet in", outcome="bold"),
                Option("Start a singalong below deck", outcome="social"),
            ),
        ),
        Question(
            "Your perfect crew is...",
            (
                Option("One old friend who likes silence", outcome="calm"),
                Option("Four people who hate to lose", outcome="bold"),
                Option("Whoever is standing on the pier", outcome="social"),
            ),
        ),
        Question(
            "What is in your cool box?",
            (
                Option("Sandwiches, labelled by day", outcome="calm"),
                Option("Nothing, it is ballast", outcome="bold"),
                Option("Enough for the whole marina", outcome="social"),
            ),
        ),
        Question(
            "The best moment of the day is...",
            (
                Option("First light, flat water", outcome="calm"),
                Option("The starting gun", outcome="bold"),
                Option("Sunset at anchor with guests", outcome="social"),
            ),
        ),
    ),
    outcomes=MappingProxyType(
        {
            "calm": Outcome("The Calm Skipper", "Storms come and go. You have already made the tea."),
            "bold": Outcome("The Bold Racer", "If it floats, it can go faster, and you will see to it."),
            "social": Outcome("The Sunset Host", "Nobody knows how you steer, but everybody wants to come along."),
        }
    ),
    extra_fields=(FormField("boat_length", "Length of your dream boat, in metres", "number"),),
)

_SCARF = Prize("b3c5ccd1-1df7-4fd9-a5c7-2fb5e1981b50", "Team scarf")
_ICE_CREAM = Prize("5f0a3a53-9c36-4d55-8f63-0c2a4f4f7d11", "Ice cream for two")
_CRUISE = Prize("dd530390-0355-484f-a7a2-894bd120fa23", "Weekend on the water for two")
_NOTHING = Segment("No luck")

WHEEL = Card(
    slug="wheel",
    id="ce9c02e4-aafb-4062-97ff-bbaaeca05990",
    name="SUM26 spin - merch",
    type="Spin to Win",
    sub_type="Spin to Win",
    title="Spin the ship's wheel",
    teaser="Half of all slices win something. The sea decides.",
    call="To the wheel",
    segments=(
        Segment("Team scarf", _SCARF),
        _NOTHING,
        Segment("Ice cream", _ICE_CREAM),
        _NOTHING,
        Segment("Weekend", _CRUISE),
        _NOTHING,
        Segment("Ice cream", _ICE_CREAM),
        _NOTHING,
    ),
    extra_fields=(FormField("postcode", "Postcode", autocomplete="postal-code"),),
)

CARDS: Mapping[str, Card] = MappingProxyType({card.slug: card for card in (QUIZ, POLL, PERSONALITY, WHEEL)})
