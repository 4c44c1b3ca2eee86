"""
A mapping as one writes it first: for each submission the document is read anew, and nothing is remembered.

It knows as much as the benchmark's document needs; values that Braze would not take are not looked for.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import phonenumbers
import pycountry

from schemas.person import Person
from schemas.submission import Submission


def uncompiled(document: Mapping[str, Any], visits: Sequence[tuple[Submission, Person]], batch: int) -> list[bytes]:
    """Bodies of requests, one for each batch of visits; nobody comes twice in one."""
    bodies = []
    for start in range(0, len(visits), batch):
        attributes: list[dict[str, Any]] = []
        events: list[dict[str, Any]] = []
        for submission, person in visits[start : start + batch]:
            attributes.append(person.identifier() | _attributes(document, submission))
            events += _events(document, submission, person)
        bodies.append(orjson.dumps({"attributes": attributes, "events": events}))
    return bodies


def _attributes(document: Mapping[str, Any], submission: Submission) -> dict[str, Any]:
    found = {}
    for rule in document["attributes"]:
        if _holds(rule.get("when", {}), submission):
            value = _value(rule, submission)
            if value is not None:
                found[rule["attribute"]] = _convert(rule, value, document["default_region"])
    return found


def _events(document: Mapping[str, Any], submission: Submission, person: Person) -> list[dict[str, Any]]:
    events = []
    for number, rule in enumerate(document["events"], 1):
        if not _holds(rule.get("when", {}), submission):
            continue
        properties: dict[str, Any] = {}
        for name, source in rule["properties"].items():
            given = {"field": source} if isinstance(source, str) else source
            value = _value(given, submission)
            if value is not None:
                properties[name] = _convert({"attribute": name} | given, value, document["default_region"])
        properties["komo_submission_id"] = f"{submission.id}:{number}"
        at = submission.occurred_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        events.append(person.identifier() | {"name": rule["name"], "time": at, "properties": properties})
    return events


def _holds(when: Mapping[str, Any], submission: Submission) -> bool:
    return all(str(_look_up(path, submission)).lower() == str(wanted).lower() for path, wanted in when.items())


def _value(rule: Mapping[str, Any], submission: Submission) -> Any:
    return rule["value"] if "value" in rule else _look_up(rule["field"], submission)


def _look_up(path: str, submission: Submission) -> Any:
    steps = path.split(".")
    found: Any = submission.sections
    for step in steps if len(steps) > 1 else ["fields", path]:
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _convert(rule: Mapping[str, Any], value: Any, region: str) -> Any:
    match rule["attribute"], rule.get("type"):
        case "phone", _:
            return phonenumbers.format_number(phonenumbers.parse(value, region), phonenumbers.PhoneNumberFormat.E164)
        case "email", _:
            return value.strip().lower()
        case "gender", _:
            return {"female": "F", "male": "M"}[value.strip().lower()]
        case "country", _:
            return pycountry.countries.lookup(value).alpha_2
        case "dob", _:
            return datetime.strptime(value, "%d/%m/%Y").replace(tzinfo=UTC).date().isoformat()
        case _, "number":
            number = float(value)
            return int(number) if number.is_integer() else number
        case _, "boolean":
            return value.strip().lower() in ("yes", "true", "1")
        case _, "array":
            return [one.strip() for one in value.split(rule["separator"])]
        case _:
            return str(value).strip()
