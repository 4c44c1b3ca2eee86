"""Which rule a field most likely needs, by its name and by what was sent in it. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ingest.pages.fields.shapes import Shape
from schemas.attribute_names import refusal
from workers.words import plain

#: Names in the languages in which forms are made, as `_simple` leaves them -> Braze's own attribute.
_SPELLINGS: Final[Mapping[str, str]] = {
    "first_name": "firstname givenname forename fname nome primeironome nombre primernombre vorname prenom",
    "last_name": "lastname surname familyname lname sobrenome apelido ultimonome apellido apellidos nachname "
    "familienname nomdefamille cognome",
    "email": "email emailaddress mail correo correoelectronico correio enderecodeemail emailadresse courriel",
    "phone": "phone phonenumber mobile mobilenumber mobilephone cell cellphone telephone tel telefone celular "
    "numerodetelefone movil telefono telefon telefonnummer handy handynummer mobilnummer portable whatsapp",
    "dob": "dob dateofbirth birthdate birthday datanascimento datadenascimento nascimento fechanacimiento "
    "fechadenacimiento nacimiento geburtsdatum geburtstag datedenaissance",
    "gender": "gender sex genero sexo geschlecht genre",
    "country": "country countrycode pais land paisderesidencia",
    "home_city": "homecity city town suburb cidade ciudad stadt ort wohnort ville",
    "language": "language lang locale idioma lingua sprache langue",
    "time_zone": "timezone tz fusohorario zonahoraria zeitzone",
    "image_url": "imageurl avatar avatarurl photourl profilepicture",
}  # fmt: skip
STANDARD_BY_NAME: Final = {spelling: attribute for attribute, words in _SPELLINGS.items() for spelling in words.split()}

_CONSENT: Final = re.compile(
    r"opt_?in|opted|newsletter|marketing|consent|subscri|aceit[oae]|acepto|autoriz|consentim|einwillig|zustimm|"
    r"(^|_)(sms|whatsapp)(_|$)|email_ok|sms_ok|receive|receber|recibir"
)
_GROUP: Final = re.compile(r"(^|_)(sms|whatsapp|phone|mobile|text|celular|telefon)")
#: Never sent on: what opens doors, and what pays.
_SECRET: Final = re.compile(
    r"passw|pass_?word|pwd|passcode|senha|contrasen|kennwort|secret|token|(^|_)pin(_|$)|cvv|cvc|csc|"
    r"card_?num|credit_?card|numero_?(do|de)?_?cart|kreditkart|iban|security_?code|captcha|(^|_)ssn(_|$)"
)
#: Members of the sections of Komo's own that say something about the person; the others are ids and names of things.
TELLING: Final = frozenset({("result", "outcome"), ("result", "score"), ("prize", "name")})
#: What anybody can fill in by writing a link.
FORGEABLE: Final = frozenset({"extension", "tracked"})
_FORGEABLE_BLOCK: Final = re.compile(r"(extension|tracked)_?data", re.IGNORECASE)


class Suggestion(NamedTuple):
    """A rule to begin with, and the list of the document that it belongs to."""

    list: str
    rule: Mapping[str, Any]


def can_be_forged(path: Sequence[str]) -> bool:
    """Whether anybody can set a field in a link; some bodies bring such data as a block among their fields."""
    return path[0] in FORGEABLE or (path[0] != "question" and any(map(_FORGEABLE_BLOCK.fullmatch, path[1:])))


def is_secret(name: str) -> bool:
    """Whether a field of this name should never leave Komo."""
    return _SECRET.search(snake(name)) is not None


def suggest(source: Mapping[str, str], path: Sequence[str], shape: Shape, taken: set[str]) -> Suggestion | None:
    """
    A rule for a field or an answer; None where there is nothing sensible to do with it.

    Args:
        source: The member that names it: `{"field": "nome"}` or `{"question": "Which beach?"}`.
        path: Section and keys of a field; the question for an answer.
        taken: Attributes that have a rule; the suggested one is added.
    """
    name = path[-1]
    if is_secret(name) or shape.is_card_number or shape.is_too_long:
        return None
    if path[0] in ("fields", *FORGEABLE) and shape.may_be_yes_or_no and _CONSENT.search(snake(name)):
        return _consent(source, name)
    if path[0] not in ("fields", "question", *FORGEABLE) and tuple(path[:2]) not in TELLING:
        return None
    attribute = _attribute(path, taken)
    if attribute is None:
        return None
    taken.add(attribute)
    is_standard = attribute in _SPELLINGS
    return Suggestion("attributes", {**source, "attribute": attribute, **_options(attribute, shape, is_standard)})


def snake(name: str) -> str:
    """A name in plain small letters: `Favourite Team?` is `favourite_team`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"\W+", "_", plain(spaced)).strip("_")


def _consent(source: Mapping[str, str], name: str) -> Suggestion:
    if _GROUP.search(snake(name)):
        rule = {**source, "kind": "group", "group_id": "", "when_yes": "subscribed", "when_no": None}
        return Suggestion("subscriptions", rule)
    return Suggestion("subscriptions", {**source, "kind": "email", "when_yes": "opted_in", "when_no": None})


def _attribute(path: Sequence[str], taken: set[str]) -> str | None:
    standard = STANDARD_BY_NAME.get(snake(path[-1]).replace("_", "")) if path[0] == "fields" else None
    if standard and standard not in taken:
        return standard
    own = path if path[0] in ("result", "prize") else path[1:]
    name = snake("_".join(own))[:60].strip("_")
    name = f"komo_{name}" if name in _SPELLINGS or name in taken or path[0] in ("result", "prize") else name
    return None if not name or name in taken or refusal(name) else name


def _options(attribute: str, shape: Shape, is_standard: bool) -> dict[str, str]:
    """Type and what goes with it; Braze's own attributes have their own type, but for the format of a date."""
    if is_standard:
        return {"format": shape.format} if attribute == "dob" and shape.format else {}
    options = {"type": shape.kind} if shape.kind != "string" else {}
    options |= {"format": shape.format} if shape.format else {}
    return options | ({"separator": shape.separator} if shape.separator else {})
