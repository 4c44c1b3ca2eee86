"""Submission + subscription rules → consent, as Braze takes it beside the attributes. Pure."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from schemas.attribute_names import GROUPS
from schemas.conditions import Hold, compile_conditions
from schemas.mapping import Source, SubscriptionRule, SubscriptionState
from schemas.submission import MISSING
from workers.attributes import filled
from workers.sources import Get, Sections, getter
from workers.values import yes_or_no

#: The attribute that holds the state of each kind.
#: https://www.braze.com/docs/api/objects_filters/user_attributes_object/
ATTRIBUTES = {"email": "email_subscribe", "push": "push_subscribe", "group": GROUPS}


class Subscription(NamedTuple):
    """One rule, ready to run."""

    attribute: str
    group_id: str | None
    get: Get
    #: None says nothing.
    when_yes: SubscriptionState | None
    when_no: SubscriptionState | None
    double_opt_in: bool
    when: Hold


def compile_subscription(rule: SubscriptionRule) -> Subscription:
    return Subscription(
        ATTRIBUTES[rule.kind], rule.group_id, getter(Source(field=rule.field)),
        rule.when_yes, rule.when_no, rule.double_opt_in, compile_conditions(rule.when),
    )  # fmt: skip


def map_subscriptions(rules: Sequence[Subscription], sections: Sections, warnings: list[str]) -> dict[str, Any]:
    """
    `email_subscribe`, `push_subscribe` and `subscription_groups`, as far as the answers say something.

    An answer that is missing, blank or no certain yes or no says nothing; where two rules are about the same thing, the
    later one that says something counts.
    """
    mapped: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    for rule in rules:
        if not rule.when(sections):
            continue
        answer = filled(rule.get(sections))
        if answer is MISSING:
            continue
        is_yes = yes_or_no(answer)
        if is_yes is None:
            warnings.append(f"{rule.attribute}: not_a_yes_or_no")
            continue
        state = rule.when_yes if is_yes else rule.when_no
        if state is None:
            continue
        if rule.group_id is None:
            mapped[rule.attribute] = state
        else:
            groups[rule.group_id] = _group(rule, rule.group_id, state)
    return mapped | {GROUPS: list(groups.values())} if groups else mapped


def _group(rule: Subscription, group_id: str, state: SubscriptionState) -> dict[str, Any]:
    """Braze asks for a second confirmation, by SMS, only of those who subscribe."""
    group = {"subscription_group_id": group_id, "subscription_state": state}
    return {**group, "use_double_opt_in_logic": True} if rule.double_opt_in and state == "subscribed" else group
