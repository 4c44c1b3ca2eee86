"""The integration document: what may be saved, and everything that is wrong with the rest."""

from typing import Any

import orjson
import pytest

from schemas.integration import BrazeTarget, Reading, build, read_document, write_document
from schemas.mapping import SendRule, Source, SubscriptionRule
from schemas.paths import parse_element_path
from schemas.problems import InvalidDocument


def a_document(**members: Any) -> dict[str, Any]:
    return {
        "id": "summer-hub",
        "name": "Summer hub",
        "braze": {"rest_endpoint": "https://rest.iad-03.braze.com", "api_key": "0f3b-key"},
        "identifiers": [{"kind": "external_id", "field": "member_id"}],
    } | members


def problems_with(document: Any, **options: Any) -> dict[str, str]:
    with pytest.raises(InvalidDocument) as caught:
        read_document(document, **options)
    return {problem.pointer: problem.detail for problem in caught.value.problems}


def read(**members: Any) -> Reading:
    return read_document(a_document(**members))


def test_the_shortest_document_gets_every_default() -> None:
    """A newcomer writes five lines and must see what was assumed."""
    reading = read()

    assert reading.document == {
        "id": "summer-hub",
        "name": "Summer hub",
        "enabled": True,
        "default_region": None,
        "webhook": {"methods": ["bearer", "url_key", "signature"]},
        "accept": {"site_ids": [], "card_ids": [], "events": []},
        "braze": {
            "rest_endpoint": "https://rest.iad-03.braze.com",
            "max_objects_per_request": 75,
            "rate_limit": {"requests": 3000, "per_seconds": 3},
        },
        "identifiers": [{"kind": "external_id", "field": "member_id"}],
        "existing_profiles_only": False,
        "send_only_changes": True,
        "attributes": [],
        "subscriptions": [],
        "events": [],
        "sends": [],
    }
    assert reading.warnings == ()


def test_defaults_are_not_shared_between_documents() -> None:
    """A list that one document changes must not appear in the next."""
    read().document["webhook"]["methods"].clear()

    assert read().document["webhook"]["methods"] == ["bearer", "url_key", "signature"]


def test_the_key_is_no_part_of_the_document() -> None:
    """The document is shown and kept in plain text; the key is sealed."""
    reading = read()

    assert reading.api_key == "0f3b-key"
    assert "0f3b-key" not in str(reading.document)


def test_a_full_document_becomes_rules_with_parsed_paths() -> None:
    """What is saved is what runs."""
    integration = read(
        default_region="AU",
        accept={"events": ["PrizeAwarded"], "when": {"entry.qualified": [True, None]}},
        identifiers=[{"kind": "user_alias", "field": "email", "alias_label": "email"}],
        attributes=[
            {"field": "date_of_birth", "attribute": "dob", "type": "date", "format": "DD/MM/YYYY"},
            {"question": "Best beach?", "attribute": "beach", "when": {"card.type": "Quiz"}},
            {"value": None, "attribute": "boat.length"},
        ],
        events=[
            {"name": "entry", "properties": {"card": "card.name", "n": {"field": "result.score", "type": "number"}}},
            {"name": "answer", "for_each": "answers", "when": {"correct": True}, "properties": {"q": "question"}},
        ],
    ).integration()

    assert integration.accept.when == ((("entry", "qualified"), (True, None)),)
    assert integration.identifiers[0].alias_label == "email"
    dob, beach, boat = integration.attributes
    assert dob.source == Source(field=("fields", "date_of_birth"), type="date", format="DD/MM/YYYY")
    assert beach.source.question == "Best beach?"
    assert beach.when == ((("card", "type"), ("Quiz",)),)
    assert boat.source.has_value
    assert boat.source.value is None
    entry, answer = integration.events
    assert entry.properties == {
        "card": Source(field=("card", "name")),
        "n": Source(field=("result", "score"), type="number"),
    }
    assert answer.for_each == ("answers",)
    assert answer.properties == {"q": Source(field=parse_element_path("question"))}
    assert answer.when == ((parse_element_path("correct"), (True,)),)


def test_every_problem_is_told_at_once_with_its_place() -> None:
    """Mending one mistake only to meet the next one is a waste of a person's time."""
    problems = problems_with(
        {
            "id": "Summer Hub",
            "colour": "blue",
            "default_region": "Australia",
            "webhook": {"methods": ["bearer", "post"]},
            "braze": {"rest_endpoint": "https://example.com", "workspace": "a:b"},
            "identifiers": [{"kind": "email"}, {"kind": "user_alias", "field": "email"}],
            "attributes": [
                {"attribute": "a", "field": "x", "value": 1},
                {"attribute": "_x", "field": "x.y"},
                {"attribute": "b", "field": "x", "when": {"no.such": 1, "card.type": {"a": 1}}},
            ],
            "events": [{"name": "e", "properties": {"time": "x", "ok": 3, "deep": {"field": "x", "kind": 1}}}],
        }
    )

    assert set(problems) == {
        "/id",
        "/name",
        "/colour",
        "/default_region",
        "/webhook/methods/1",
        "/braze/rest_endpoint",
        "/braze/workspace",
        "/braze/api_key",
        "/identifiers/0/field",
        "/identifiers/1/alias_label",
        "/attributes/0",
        "/attributes/1/field",
        "/attributes/2/when/no.such",
        "/attributes/2/when/card.type",
        "/events/0/properties/time",
        "/events/0/properties/ok",
        "/events/0/properties/deep/kind",
    }


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_something_that_is_no_object_is_one_problem(document: Any) -> None:
    """The API hands over whatever JSON it got."""
    assert list(problems_with(document)) == [""]


@pytest.mark.parametrize(
    "path", ["extension.member", "tracked.email", "raw.extensionData.email", "raw.trackedData.email", "extension"]
)
def test_an_identifier_is_never_read_from_what_a_link_can_set(path: str) -> None:
    """Anybody could write to anybody's profile."""
    problems = problems_with(a_document(identifiers=[{"kind": "email", "field": path}]))

    assert list(problems) == ["/identifiers/0/field"]


@pytest.mark.parametrize(
    "name",
    [
        *("external_id", "braze_id", "user_alias", "user_alias.alias_name", "push_token", "push_token_import"),
        *("email_subscribe", "push_subscribe", "subscription_groups", "email_subscription_info"),
        *("_merge_objects", "$x", "a..b", " a", ""),
    ],
)
def test_attributes_that_are_not_for_mappings_are_refused(name: str) -> None:
    """They decide whom data is about, or what a person agreed to."""
    assert list(problems_with(a_document(attributes=[{"field": "x", "attribute": name}]))) == [
        "/attributes/0/attribute"
    ]


@pytest.mark.parametrize(
    ("kind", "attribute", "field"),
    [("phone", "email", "email"), ("email", "email", "other"), ("phone", "phone", "other")],
)
def test_an_attribute_that_would_change_the_identifier_is_refused(kind: str, attribute: str, field: str) -> None:
    """Without another identifier Braze looks for people by these two."""
    identifiers = [{"kind": "external_id", "field": "id"}, {"kind": kind, "field": "mine"}]
    rule = {"field": field, "attribute": attribute}

    assert list(problems_with(a_document(identifiers=identifiers, attributes=[rule]))) == ["/attributes/0/attribute"]


@pytest.mark.parametrize(("kind", "attribute"), [("email", "email"), ("email", "phone"), ("external_id", "email")])
def test_contact_attributes_beside_a_harmless_identifier_are_fine(kind: str, attribute: str) -> None:
    """The usual case: the address is both the identifier and an attribute."""
    assert read(
        identifiers=[{"kind": kind, "field": "x"}], attributes=[{"field": "x", "attribute": attribute}]
    ).document["attributes"]


def test_a_constant_never_says_whom_data_is_about() -> None:
    """Everybody would become one person."""
    rule = {"kind": "external_id", "value": "m1"}

    assert set(problems_with(a_document(identifiers=[rule]))) == {"/identifiers/0/value", "/identifiers/0/field"}


@pytest.mark.parametrize(
    ("rule", "member"),
    [
        ({"operation": "add", "type": "string"}, "type"),
        ({"operation": "add", "type": "object"}, "type"),
        ({"operation": "remove", "type": "object_array"}, "type"),
        ({"operation": "increment", "type": "string"}, "type"),
        ({"operation": "merge", "type": "array"}, "type"),
        ({"operation": "multiply"}, "operation"),
        ({"operation": "increment", "value": 1.5}, "operation"),
        ({"operation": "increment", "value": True}, "operation"),
        ({"operation": "merge", "value": [1]}, "operation"),
        ({"operation": "remove", "value": {"a": 1}}, "operation"),
        ({"operation": "remove", "value": [{"a": 1}]}, "operation"),
        ({"operation": "add", "attribute": "boat.crew"}, "operation"),
        ({"operation": "increment", "attribute": "boat.trips"}, "operation"),
        *(({"operation": "add", "attribute": name}, "operation") for name in ("email", "phone", "dob", "facebook")),
        ({"operation": "merge", "attribute": "current_location"}, "operation"),
        ({"on_null": "clear", "attribute": "boat.name"}, "on_null"),
        ({"on_empty": "clear", "attribute": "boat.name"}, "on_empty"),
        ({"on_null": "wipe"}, "on_null"),
    ],
)
def test_an_operation_that_makes_no_sense_is_refused(rule: dict[str, Any], member: str) -> None:
    """Braze would ignore it without a word."""
    document = a_document(attributes=[{"attribute": "a", **({} if "value" in rule else {"field": "x"}), **rule}])

    assert list(problems_with(document)) == [f"/attributes/0/{member}"]


@pytest.mark.parametrize(
    "rule",
    [
        {"operation": "add"},
        {"operation": "add", "type": "array", "separator": ",", "on_null": "clear", "on_empty": "clear"},
        {"operation": "add", "type": "object_array"},
        {"operation": "add", "value": [{"a": 1}]},
        {"operation": "remove", "value": "vip"},
        {"operation": "increment", "value": -1},
        {"operation": "merge", "type": "object"},
        {"operation": "merge", "attribute": "boat.engine", "type": "object"},
        {"operation": "merge", "attribute": "twitter"},
    ],
)
def test_an_operation_that_fits_is_taken(rule: dict[str, Any]) -> None:
    """The type may be left to the operation."""
    asked = {"attribute": "a", **({} if "value" in rule else {"field": "x"}), **rule}

    assert read(attributes=[asked]).integration().attributes[0].operation == rule["operation"]


GROUP = "a2a4b1a0-7d3c-4f6b-9c58-0d1f2e3a4b5c"


def test_subscriptions_become_rules() -> None:
    """What is left out says nothing, and two spellings of a group are one."""
    integration = read(
        subscriptions=[
            {"field": "optin", "kind": "email", "when_yes": "opted_in", "when_no": None},
            {
                "field": "sms", "kind": "group", "group_id": GROUP.upper(), "when_yes": "subscribed",
                "when_no": "unsubscribed", "double_opt_in": True, "when": {"card.type": "Quiz"},
            },
        ]
    ).integration()  # fmt: skip

    assert integration.subscriptions == (
        SubscriptionRule(("fields", "optin"), "email", when_yes="opted_in"),
        SubscriptionRule(
            ("fields", "sms"), "group", GROUP, "subscribed", "unsubscribed",
            double_opt_in=True, when=((("card", "type"), ("Quiz",)),),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "member"),
    [
        ({"kind": "email", "when_yes": "yes"}, "when_yes"),
        ({"kind": "push", "when_no": "left"}, "when_no"),
        ({"kind": "group", "group_id": GROUP, "when_yes": "opted_in"}, "when_yes"),
        ({"kind": "group"}, "group_id"),
        ({"kind": "group", "group_id": "sms"}, "group_id"),
        ({"kind": "email", "group_id": GROUP}, "group_id"),
        ({"kind": "email", "double_opt_in": True}, "double_opt_in"),
        ({"kind": "group", "group_id": GROUP, "double_opt_in": "yes"}, "double_opt_in"),
        ({"kind": "sms"}, "kind"),
        ({"kind": "email", "colour": 1}, "colour"),
    ],
)
def test_consent_that_braze_does_not_know_is_refused(rule: dict[str, Any], member: str) -> None:
    """It would cost the whole object of everybody who answers."""
    problems = problems_with(a_document(subscriptions=[{"field": "x", "when_yes": "subscribed", **rule}]))

    assert list(problems) == [f"/subscriptions/0/{member}"]


def test_sends_become_rules() -> None:
    """Their data is mapped as that of an event; Braze reserves no names there."""
    send = {"kind": "campaign", "id": "c0ffee", "when": {"submission.event": "PrizeAwarded"},
            "trigger_properties": {"prize": "prize.name", "time": {"value": "noon"}}}  # fmt: skip

    properties = {"prize": Source(field=("prize", "name")), "time": Source(value="noon", has_value=True)}
    assert read(sends=[send, {"kind": "canvas", "id": "x"}]).integration().sends == (
        SendRule(
            "campaign", "c0ffee", properties,
            when=((("submission", "event"), ("PrizeAwarded",)),),
        ),
        SendRule("canvas", "x"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "identifier", "is_fine"),
    [
        ("transactional", "external_id", True),
        ("transactional", "user_alias", True),
        ("transactional", "email", False),
        ("transactional", "braze_id", False),
        ("campaign", "email", True),
        ("canvas", "phone", False),
    ],
)
def test_a_send_must_be_able_to_reach_its_person(
    kind: str, identifier: str, is_fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Braze would refuse each call, one winner after the other."""
    label = {"alias_label": "email"} if identifier == "user_alias" else {}
    members = {"identifiers": [{"kind": identifier, "field": "x", **label}], "sends": [{"kind": kind, "id": "c0"}]}

    if is_fine:
        assert read(**members).document["sends"]
    else:
        assert list(problems_with(a_document(**members))) == ["/sends/0/kind"]


@pytest.mark.parametrize(
    ("send", "place"),
    [
        ({"id": "a/b"}, "/sends/0/id"),
        ({"id": ""}, "/sends/0/id"),
        ({"broadcast": True}, "/sends/0/broadcast"),
        ({"recipients": []}, "/sends/0/recipients"),
        ({"trigger_properties": {"$x": "a"}}, "/sends/0/trigger_properties/$x"),
        ({"kind": "all"}, "/sends/0/kind"),
        ({"kind": []}, "/sends/0/kind"),
    ],
)
def test_a_send_holds_nothing_else(send: dict[str, Any], place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`broadcast` would mail everybody the campaign is meant for."""

    assert list(problems_with(a_document(sends=[{"kind": "campaign", "id": "c0", **send}]))) == [place]


@pytest.mark.parametrize("odd", [[], {}, 3, None])
def test_odd_shapes_are_told_and_never_crash(odd: Any) -> None:
    """The API hands over whatever JSON it got."""
    rule = {"attribute": odd, "field": odd, "kind": odd, "type": odd, "format": "YYYY", "operation": odd, "when": odd}
    rules = {member: [rule, odd] for member in ("identifiers", "attributes", "subscriptions", "events", "sends")}

    assert problems_with(a_document(**rules))


def test_existing_profiles_only_needs_every_value_sent() -> None:
    """Braze skips unknown people without saying so; remembering those values as sent would lose them."""
    assert list(problems_with(a_document(existing_profiles_only=True))) == ["/send_only_changes"]
    assert read(existing_profiles_only=True, send_only_changes=False).integration().existing_profiles_only


def test_more_than_one_identifier_warns() -> None:
    """It is allowed, but one person may end in two profiles."""
    rules = [{"kind": "external_id", "field": "a"}, {"kind": "email", "field": "b"}]

    assert [warning.pointer for warning in read(identifiers=rules).warnings] == ["/identifiers"]


def test_a_standard_attribute_in_the_wrong_case_warns() -> None:
    """Braze makes a custom attribute of it without a word."""
    reading = read(attributes=[{"field": "x", "attribute": "First_Name"}])

    assert [warning.pointer for warning in reading.warnings] == ["/attributes/0/attribute"]


def test_read_only_members_are_ignored() -> None:
    """What was read can be sent back as it is."""
    shown = write_document(read().document, {"set": True, "last4": "-key"}, {"version": 3, "state": "active"})

    assert read_document(shown, kept_for="https://rest.iad-03.braze.com").document == read().document


def test_a_stored_key_is_kept_only_for_its_own_host() -> None:
    """Else whoever may edit a document could send the key anywhere."""
    braze = {"rest_endpoint": "https://rest.fra-01.braze.eu"}
    host = "https://rest.iad-03.braze.com"

    assert list(problems_with(a_document(braze=braze), kept_for=host)) == ["/braze/api_key"]
    assert list(problems_with(a_document(braze=braze | {"api_key": {"set": True}}), kept_for=host)) == [
        "/braze/api_key"
    ]
    assert read_document(a_document(braze=braze | {"api_key": "new"}), kept_for=host).api_key == "new"


def test_a_key_may_come_from_the_environment_but_not_from_our_own_settings() -> None:
    """A document must not be a way to send our secrets away."""
    braze = {"rest_endpoint": "https://rest.iad-03.braze.com", "api_key": {"from_env": "BRAZE_KEY"}}

    assert read(braze=braze).api_key == {"from_env": "BRAZE_KEY"}
    assert list(problems_with(a_document(braze=braze | {"api_key": {"from_env": "SECRET_KEY"}}))) == ["/braze/api_key"]


@pytest.mark.parametrize("key", ["", "two words", "naïve", 3, {"from_env": "A B"}, {"other": 1}, "x" * 256])
def test_a_key_that_can_not_be_one_is_refused(key: Any) -> None:
    """It would end in a header."""
    braze = {"rest_endpoint": "https://rest.iad-03.braze.com", "api_key": key}

    assert list(problems_with(a_document(braze=braze))) == ["/braze/api_key"]


@pytest.mark.parametrize("value", ["x" * 100_001, orjson.loads("[" * 300 + "]" * 300)])
def test_a_constant_that_braze_would_drop_is_refused(value: Any) -> None:
    """It would cost the value of everybody, silently."""
    problems = problems_with(a_document(attributes=[{"value": value, "attribute": "a"}]))

    assert list(problems) == ["/attributes/0/value"]


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_a_switch_takes_true_and_false_only(value: Any) -> None:
    """A document in git should mean what it says."""
    assert list(problems_with(a_document(enabled=value))) == ["/enabled"]


def a_target(**members: Any) -> dict[str, Any]:
    return {"rest_endpoint": "https://rest.iad-03.braze.com", "api_key": "0f3b-key"} | members


def test_a_limit_for_bursts_stands_beside_the_other() -> None:
    """Contracts name an hourly limit and one for a few seconds, and both have to hold."""
    hourly = {"requests": 250_000, "per_seconds": 3600}
    reading = read(braze=a_target(rate_limit=hourly, burst_limit={"requests": 250, "per_seconds": 1.5}))

    braze = reading.integration().braze
    assert (braze.rate_limit_requests, braze.rate_limit_per_seconds) == (250_000, 3600)
    assert (braze.burst_limit_requests, braze.burst_limit_per_seconds) == (250, 1.5)
    assert write_document(reading.document, {"set": True}, {})["braze"]["burst_limit"] == {
        "requests": 250, "per_seconds": 1.5,
    }  # fmt: skip


@pytest.mark.parametrize("braze", [{}, {"burst_limit": None}])
def test_nobody_needs_a_limit_for_bursts(braze: dict[str, Any]) -> None:
    """Most have one limit; null says so in words."""
    assert read(braze=a_target(**braze)).integration().braze.burst_limit_requests is None


def test_a_limit_for_bursts_counts_in_three_seconds_unless_told_otherwise() -> None:
    """As the other one does."""
    target = read(braze=a_target(burst_limit={"requests": 100})).integration().braze

    assert (target.burst_limit_requests, target.burst_limit_per_seconds) == (100, 3)


@pytest.mark.parametrize(
    ("limit", "place"),
    [
        (7, "/braze/burst_limit"),
        ({"requests": 0}, "/braze/burst_limit/requests"),
        ({"requests": 1.5}, "/braze/burst_limit/requests"),
        ({"requests": 10, "per_seconds": 0}, "/braze/burst_limit/per_seconds"),
        ({"requests": 10, "per_seconds": "soon"}, "/braze/burst_limit/per_seconds"),
        ({"requests": 10, "per_minute": 1}, "/braze/burst_limit/per_minute"),
    ],
)
def test_a_limit_for_bursts_that_can_not_be_one_is_refused(limit: Any, place: str) -> None:
    """With its place, like everything else."""
    assert list(problems_with(a_document(braze=a_target(burst_limit=limit)))) == [place]


@pytest.mark.parametrize(
    ("limits", "rates"),
    [
        ((), "3000/3000"),
        ((20, 1), "20/1000"),
        ((7, 0.25), "7/250"),
        ((250_000, 3600, 250, 3), "250000/3600000 250/3000"),
        ((250_000, 3600.0, 10, 1.5), "250000/3600000 10/1500"),
        ((250_000, 3600, None, 3), "250000/3600000"),
    ],
)
def test_the_limits_are_written_as_the_gate_reads_them(limits: tuple[Any, ...], rates: str) -> None:
    """Requests, and whole milliseconds."""
    assert BrazeTarget("https://rest.iad-03.braze.com", "acme", 75, *limits).rates == rates


@pytest.mark.parametrize("hours", [0.01, 2, 36.5, 8760])
def test_what_waits_may_have_a_greatest_age(hours: float) -> None:
    """A reminder of last week is better not sent."""
    reading = read(max_age_hours=hours)

    assert reading.integration().max_age_hours == hours
    assert write_document(reading.document, {"set": True}, {})["max_age_hours"] == hours


@pytest.mark.parametrize("members", [{}, {"max_age_hours": None}])
def test_without_a_greatest_age_everything_waits_for_as_long_as_it_takes(members: dict[str, Any]) -> None:
    """An outage must not cost anything that nobody has said it may."""
    assert read(**members).integration().max_age_hours is None


@pytest.mark.parametrize("hours", [0, -1, 0.001, 8761, "soon", True, [2], float("nan"), float("inf")])
def test_an_age_that_can_not_be_meant_is_refused(hours: Any) -> None:
    """With none, everything would be too old at once."""
    assert list(problems_with(a_document(max_age_hours=hours))) == ["/max_age_hours"]


def test_a_document_that_was_saved_before_these_members_is_still_read() -> None:
    """It lies in the store as it was."""
    document = read().document
    assert "max_age_hours" not in document
    assert "burst_limit" not in document["braze"]

    integration = build(document)

    assert (integration.max_age_hours, integration.braze.rates) == (None, "3000/3000")
