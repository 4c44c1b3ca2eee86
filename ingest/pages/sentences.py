"""
Sentences that other layers make, in the reader's language.

Shapes, steps and stores speak English: logs, the API and the command line read it. A page knows their sentences by the
templates below, whose gaps hold names and numbers, puts the template into the reader's language, and fills it again.
What is not known here passes as it is: Braze's words, and what people have written.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from ingest.pages.directions import apart
from ingest.pages.language import _


def N_(text: str) -> str:  # noqa: N802 -- the name by which translation tools find such texts
    """Mark a text for translation, and leave it as it is."""
    return text


#: By where they are made.
TEMPLATES = (
    # workers/store/standing.py: why something waits
    N_("The rules by which people are found have changed: what waits is judged again first."),
    N_("Its work has been due for over a minute and nobody comes for it: is a worker running, and the clock?"),
    N_("Braze has had too many requests (429): everything for this Braze workspace waits."),
    N_("Braze seems to be away (%(num)s requests failed in a row): one request at a time tries whether it is back."),
    N_("Nothing is left of Braze's rate limit until its window ends."),
    N_("Little is left of Braze's rate limit: it is spread over the rest of the window."),
    N_("It sends as fast as braze.rate_limit allows in this Braze workspace."),
    N_("The last request failed; it is made again."),
    N_("A worker was lost while it called Braze: that request is made again in a moment."),
    N_("Its person was written to a moment ago."),
    N_("It waits for its turn."),
    N_("Paused by a person."),
    # workers/outcome.py, workers/send_outcome.py: why Braze's answer pauses an integration
    N_("There is no usable REST key. Enter it again, or set the environment variable that the document names."),
    N_("Braze does not know this REST key (401). Check the key, and that the REST endpoint is that of your instance."),
    N_("Braze refuses this key (403). Check that it has the permission users.track, and its list of allowed IPs."),
    N_("Braze does not know this address (404). Check the REST endpoint."),
    N_("The proxy asks for a password (407). Check BRAZE_PROXY."),
    N_("Braze refuses our address (%(status)s). Add it to the list of allowed IPs of this REST key."),
    N_("Braze forbids this to the account (403 Forbidden). Ask Braze whether its plan includes users.track."),
    N_("Braze's address answers with a redirect (%(status)s). Check the REST endpoint."),
    N_("Braze refuses every request (%(status)s). Check the REST endpoint, and what stands between Braze and here."),
    N_("The Braze key is not set: the workers look for it in the variable %(name)s."),
    N_("Not set up yet: finish connecting it."),
    # workers/store/integrations.py, integration_changes.py, integration_saves.py: why a change is refused, and what
    # was done
    N_("%(id)s is not set up yet: finish connecting it, and it sends by itself."),
    N_("%(id)s is set up already: save its document as a whole."),
    N_("Braze is being called right now: try again in a moment, or pause the integration first."),
    N_(
        "%(waiting)s submissions wait, %(held)s are held and %(dead)s are dead letters, and %(messages)s messages "
        "wait; discard them to delete the integration all the same."
    ),
    N_("%(id)s is changing too fast; try again."),
    N_("There is an integration %(id)s already."),
    N_("There is no integration %(id)s."),
    N_("The document is at version %(present)s by now, not %(wanted)s: read it again."),
    N_("There is no version %(wanted)s of it."),
    N_("created"),
    N_("created as a draft"),
    N_("setup finished"),
    N_("paused"),
    N_("resumed"),
    N_("%(name)s rotated"),
    N_("previous %(name)s retired"),
    # ingest/connection.py, workers/braze/probe.py, attribute_types.py: the lines of the connection test
    N_("Not set up yet: %(missing)s must be given first."),
    N_("The environment variable %(name)s is not set."),
    N_("%(address)s answers."),
    N_("Braze knows the key."),
    N_("%(address)s does not answer: %(words)s."),
    N_("This key holds characters that no key of Braze's has: copy it again."),
    N_("Braze does not know this key, or it belongs to another instance (401)."),
    N_("The key lacks the permission users.track, or its list of IP addresses leaves this machine out (403)."),
    N_("This is not the address of Braze's REST API (%(status)s)."),
    N_("Braze's rate limit is used up at the moment (429): test again later."),
    N_("The key may write to profiles (users.track)."),
    N_("Braze can't say at the moment (%(status)s): test again later."),
    N_("The key may not ask for messages of the kind %(kind)s (%(permission)s: %(status)s)."),
    N_("The key may ask for messages of the kind %(kind)s (%(permission)s)."),
    N_("Not checked: Braze answered %(answer)s."),
    N_("nothing"),
    N_("Nothing stands against the custom attributes in Braze (%(part)s of them compared)."),
    N_("all"),
    N_("the first %(count)s"),
    N_("Not all checked: only the first %(count)s custom attributes were compared."),
    N_("Not checked: the key lacks the permission custom_attributes.get."),
    N_("Braze has %(name)s, which is another attribute to it: is that meant?"),
    N_("%(name)s is %(status)s in Braze: values for it are ignored."),
    N_("%(name)s is %(kind)s in Braze, and %(wanted)s here: Braze ignores such values."),
    # workers/store/seal.py
    N_("A stored secret can't be opened with SECRET_KEY; add the key it was sealed with at the end of it."),
    # workers/notice.py: what alerts say
    N_(
        "%(name)s is paused: %(because)s Nothing is lost meanwhile. Mend it in Braze or in the settings; it is tried "
        "again every 15 minutes, and at once when its Braze settings are saved."
    ),
    N_("%(name)s was paused by a person. What arrives is kept until somebody resumes it."),
    N_("%(name)s is no longer paused, and is sending again."),
    N_("%(name)s holds %(waiting)s of %(most)s submissions"),
    N_("What waits in all integrations together takes %(bytes)s of %(most)s bytes"),
    N_("The store's memory is used up to its mark"),
    N_("The oldest submission that waits in %(name)s has waited for %(minutes)s minutes. %(why)s"),
    N_("It is paused because of Braze's answer: mend that in Braze or in the settings."),
    N_("Look whether workers and clock are running, and what Braze answers."),
    N_("%(count)s or more"),
    N_("dead letter"),
    N_("dead letters"),
    N_("%(name)s has %(count)s new %(noun)s (%(reasons)s). See why, mend it, then replay or discard them."),
    N_("Komo may not send again what is refused"),
    N_(
        "%(what)s: at least half of what may wait. See why Braze does not take it, or raise the limit. When it is "
        "full, the webhook answers 429, and %(loss)s."
    ),
    N_(
        "%(what)s: no more may wait, and the webhook answers 429. %(loss)s: see why Braze does not take what waits, or "
        "raise the limit."
    ),
    # schemas/attribute_names.py
    N_("%(name)s says whom the data is about: use the identifiers for it."),
    N_("%(name)s belongs to Braze's own SDK and can't be written here."),
    N_("Names that start with _ or $ are Braze's own."),
    N_("%(name)s is consent: use the subscriptions for it."),
    N_("A name must have no blanks around it and no empty part."),
    N_("Each part of a name has at most %(most)s characters and does not start with $."),
    N_("Braze would not take %(member)s for a member of %(name)s, but for something to do to it."),
    N_("%(name)s is Braze's own and has no members."),
    N_("Braze will make %(name)s a custom attribute; its own is called %(own)s."),
    # schemas/braze_hosts.py
    N_("Braze is called over https only: write %(address)s."),
    N_("Braze answers on the usual port only: write %(address)s."),
    N_("This is not the address of a host."),
    N_("An address must not carry a user name or a password."),
    N_("%(host)s is not a REST endpoint of Braze; %(address)s is probably meant."),
    N_("%(host)s is not a REST endpoint that Braze publishes, such as https://rest.iad-01.braze.com."),
    # schemas/date_format.py
    N_("Write the date as YYYY, MM, DD, HH, mm, ss and the signs between them, such as DD/MM/YYYY."),
    N_("A format needs the year: YYYY, or YY where it is written with two digits."),
    N_("A format names each part of the date once."),
    # schemas/dead_letter.py
    N_("There is no dead letter %(id)s, or it is no longer kept."),
    N_("There are no dead letters %(ids)s, or they are no longer kept."),
    # schemas/integration.py, integration_checks.py, integration_document.py
    N_("Another rest_endpoint needs the key again."),
    N_("A format needs the type date or datetime."),
    N_("A %(send)s can't be sent to a person known by %(kind)s, which the identifiers allow."),
    N_(
        "With existing_profiles_only this must be false: Braze skips unknown people without saying so, and what it "
        "skipped would count as sent."
    ),
    N_("Where the identifier may be a phone number, email can't be written: Braze would look for the address."),
    N_("Where the identifier is the %(name)s, %(same)s can only be written from the same field."),
    N_("A Braze key is one word of at most 255 plain characters."),
    N_('Give the key as text, {"from_env": "NAME"}, or {"set": true} to keep the stored one.'),
    N_("from_env must be the name of an environment variable."),
    N_("%(name)s is a setting of the connector and never goes to Braze."),
    N_("Use letters, digits, dots, dashes and underlines, at most 63."),
    N_("Use a-z, 0-9 and -, 1 to 63 of them."),
    N_("Write the country as two capital letters, such as AU."),
    # schemas/integration_warnings.py: allowed, but probably not meant
    N_("With more than one identifier the data of one person may end in two profiles."),
    N_("Braze checks %(name)s against a schema of its own and refuses what does not fit; use another."),
    N_("%(name)s has its own type in Braze and is read as that; the type %(type)s has no effect."),
    N_("Another rule writes %(name)s too: the later one that yields a value wins."),
    N_("Another rule writes %(name)s as a whole, which drops what Braze has in it; let that one merge."),
    N_("Neither when_yes nor when_no says anything, so this rule never does anything."),
    N_("answers is a list: write %(path)s, use question, or an event with for_each."),
    N_("did you mean %(name)s?"),
    N_("it has %(names)s."),
    N_("%(section)s has no %(name)s; %(meant)s"),
    # schemas/paths.py
    N_("%(path)s starts with %(name)s, which is none of %(names)s; the field of that name is written %(written)s"),
    N_("%(path)s is not a path: it must start with a name, like card.name or email"),
    N_('%(path)s can\'t be read from place %(place)s on; write .name, [0] or ["a name with dots or blanks"] there'),
    N_("%(path)s has a quoted name that does not end"),
    # schemas/rule_documents.py, rule_fields.py
    N_("Anybody can set this in a link, so it must not decide whom the data is about."),
    N_("Only a user_alias has a label."),
    N_("A user_alias needs a label of 1 to %(most)s bytes."),
    N_("A member of an object can't be cleared: Braze takes no null inside it."),
    N_("%(name)s is Braze's own and can only be set."),
    N_("%(operation)s does not work on a member of an object; set merges it into its object."),
    N_("The constant is nothing to %(operation)s: give %(what)s."),
    N_("a list"),
    N_("an integer"),
    N_("an object"),
    N_("plain values"),
    N_("%(operation)s needs the type %(types)s."),
    N_("Not a usable name."),
    N_("Of the kind %(kind)s this is %(states)s or null."),
    N_("Only the kind group has this."),
    N_("Give Braze's id of the subscription group, a UUID."),
    N_("Give Braze's id of the campaign or canvas."),
    N_("The constant is nested too deeply."),
    N_("The constant is too large: Braze takes at most 100 KB."),
    N_("Give a text, number, true, false or null, or a list of them."),
    N_("Give exactly one of field, question and value."),
    N_("A separator needs the type array."),
    N_("At most %(most)s properties."),
    N_("A property can't be called %(name)s."),
    N_("Give a path, or an object with field, question or value."),
    # What marshmallow itself says
    N_("Missing data for required field."),
    N_("Field may not be null."),
    N_("Unknown field."),
    N_("Invalid value."),
    N_("Invalid type."),
    N_("Invalid input type."),
    N_("Not a valid string."),
    N_("Not a valid integer."),
    N_("Not a valid number."),
    N_("Not a valid boolean."),
    N_("Not a valid list."),
    N_("Not a valid mapping type."),
    N_("Number too large."),
    N_("Special numeric values (nan or infinity) are not permitted."),
    N_("Must be one of: %(choices)s."),
    N_("Must be greater than or equal to %(least)s and less than or equal to %(most)s."),
    N_("Length must be between %(least)s and %(most)s."),
    N_("Longer than maximum length %(most)s."),
    N_("Shorter than minimum length %(least)s."),
    N_("String does not match expected pattern."),
)

_GAP = re.compile(r"%\((\w+)\)s")
#: Gaps that hold something which stands above itself; all others hold names, numbers and the words of others.
_OPEN = {"answer", "because", "count", "loss", "meant", "noun", "part", "what", "why"}
_EXACT = frozenset(template for template in TEMPLATES if not _GAP.search(template))
#: Longer sentences than any that is made here: nothing to search.
_LONGEST = 1_000


def in_words(sentence: str) -> str:
    """A sentence of another layer in the reader's language; one that nobody knows stays as it is."""
    found = _find(sentence) if len(sentence) <= _LONGEST else None
    if found is None:
        return sentence
    template, values = found
    return _(template, **{name: in_words(value) if name in _OPEN else apart(value) for name, value in values})


class _Pattern(NamedTuple):
    """A template, cut at its gaps."""

    names: tuple[str, ...]
    #: What stands before, between and behind the gaps: one more than there are names.
    texts: tuple[str, ...]

    def match(self, sentence: str) -> tuple[str, ...] | None:
        """
        What is in the gaps, each as short as can be and never empty.

        Looks once from left to right: a hostile sentence must not make it try every way to cut it, as an expression
        with many gaps would.
        """
        first, *between, last = self.texts
        if not sentence.startswith(first):
            return None
        found, start = list[str](), len(first)
        for text in between:
            at = sentence.find(text, start + 1)
            if at < 0:
                return None
            found.append(sentence[start:at])
            start = at + len(text)
        end = len(sentence) - len(last)
        return (*found, sentence[start:end]) if end > start and sentence.endswith(last) else None


def _pattern(template: str) -> _Pattern:
    parts = _GAP.split(template)
    return _Pattern(tuple(parts[1::2]), tuple(parts[::2]))


#: Those that say most themselves come first, and the name of somebody's hub stays a name.
_PATTERNS = sorted(
    ((template, _pattern(template)) for template in TEMPLATES if template not in _EXACT),
    key=lambda one: -len(_GAP.sub("", one[0])),
)


@lru_cache(2_000)
def _find(sentence: str) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """The template of a sentence, and what is in its gaps."""
    if sentence in _EXACT:
        return sentence, ()
    for template, pattern in _PATTERNS:
        if (found := pattern.match(sentence)) is not None:
            return template, tuple(zip(pattern.names, found, strict=True))
    return None
