"""What the hubs of a simulation are like, and what people do there."""

from random import Random
from typing import Any

from tests.factories import a_body, a_document
from tests.workers.simulated_braze import BAD

BY_MEMBER = [{"kind": "external_id", "field": "member_id"}]
BY_EMAIL = [{"kind": "user_alias", "field": "email", "alias_label": "email"}]
MEMBERS = 12


def some_document(rng: Random, integration_id: str, *, moves: bool = True) -> dict[str, Any]:
    """A document with whatever a person may change in it, whatever was there before."""
    workspace = rng.choice(("acme", "acme", "acme", "zeta")) if moves else "acme"
    names = [f"e{n}_{integration_id}" for n in range(rng.choice((0, 1, 1, 2, 5)))]
    attributes = [
        {"field": "first_name", "attribute": f"last_{integration_id}"},
        {"field": "team", "attribute": "team"},
    ]
    return a_document(
        id=integration_id,
        braze={
            "rest_endpoint": "https://rest.iad-03.braze.com", "api_key": f"a-key-of-{workspace}-of-braze-0000",
            "workspace": workspace, "max_objects_per_request": rng.choice((75, 75, 10, 3)),
        },
        identifiers=rng.choice((BY_MEMBER, BY_MEMBER, BY_EMAIL)),
        attributes=rng.choice((attributes, attributes, [])),
        events=[{"name": name, "properties": {"card": "card.name"}} for name in names],
        enabled=rng.random() < 0.9,
    )  # fmt: skip


def some_body(rng: Random, number: int) -> dict[str, Any]:
    """
    What Komo posts for one of a few people, some of them more often; now and then it holds what Braze refuses.

    Some of it says nothing of whose it is, or not to everybody; then it has no number either, as it may come late.
    """
    member = f"p{int(MEMBERS * rng.random() ** 2)}"
    fields: dict[str, Any] = {"member": member, "first_name": str(number), "email": f"{member}@example.com"}
    fields["user_session_id"] = f"session-{rng.randrange(2)}-of-{member}"
    if rng.random() < 0.3:
        fields["user_profile_id"] = f"profile-of-{member}"
    chance = rng.random()
    if chance > 0.7:
        fields |= rng.choice(({"member": ""}, {"email": ""}, {"member": "", "email": ""}))
        del fields["first_name"]
    if chance < 0.05:
        fields["team"] = BAD
    elif chance < 0.08:
        fields["card_name"] = BAD
    elif chance < 0.5:
        fields["team"] = "red"
    elif chance < 0.52:
        fields |= {"email": "no address", "member": "", "first_name": ""}
    return a_body(number=number, **fields)


def marks(body: dict[str, Any]) -> list[str]:
    """By what an unknown person is known again; what names nobody is held under the first."""
    return [body[name] for name in ("user_profile_id", "user_session_id") if name in body]


def names_everybody(body: dict[str, Any]) -> bool:
    """Whether every hub knows whose it is."""
    return bool(body["member_id"] and body["email"])
