"""A Braze for simulations: applies what it takes at once, answers as the moment pleases, and watches the promises."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from workers.braze.client import Attempt
from workers.braze.reply import (
    Accepted,
    AllRefused,
    BadRequest,
    NoAnswer,
    NotAllowed,
    RateLimited,
    Refusal,
    Reply,
    Unavailable,
)

#: A value that no Braze takes.
BAD = "bad"
Profile = tuple[str, str]


@dataclass
class Applied:
    """What Braze holds in the end."""

    #: (submission id, event name) -> how often it was applied.
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: (profile, attribute) -> every value, in the order of application.
    values: dict[tuple[Profile, str], list[Any]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class SimulatedBraze:
    """
    In place of the client, for all workspaces; a key's name says which it is.

    Args:
        rest: Lets the call take so many ms, and whatever happens meanwhile happen.
    """

    rng: Random
    now: Callable[[], float]
    rest: Callable[[float], None]
    spacing_ms: int
    #: Whether it names what it refuses: "some" of a request is taken, "none" is, or "silent": none, and no name.
    manner: str
    tell: Callable[[str], None]
    #: How often something other than a plain answer comes.
    trouble: float = 0.3
    #: More objects than this in one request are answered with 413.
    most_objects: int = 10_000
    applied: Applied = field(default_factory=Applied)
    #: Profiles about which a request is out, and whose it is.
    out: dict[Profile, object] = field(default_factory=dict)
    left_alone_since: dict[Profile, float] = field(default_factory=dict)
    #: (profile, what kind of event) -> the newest submission of which anything was sent.
    newest: dict[tuple[Profile, str], float] = field(default_factory=dict)
    number_of: dict[str, float] = field(default_factory=dict)
    first_sent: set[str] = field(default_factory=set)
    #: Of which nobody but the store knows when they were accepted: rules for people have changed.
    unordered: set[str] = field(default_factory=set)
    #: What was held for whoever made a submission, and whether a submission waits.
    ahead: dict[str, list[str]] = field(default_factory=dict)
    waits: Callable[[str], bool] = lambda _: False
    requests: int = 0

    def track(self, endpoint: str, key: str, body: bytes, *, beat: Callable[[], object]) -> Attempt:
        request = orjson.loads(body)
        objects = [*request.get("attributes", []), *request.get("events", [])]
        workspace = key.split("-")[3]
        profiles = {(workspace, _name(one)) for one in objects}
        token = object()
        self._check(profiles, request, workspace)
        self.out |= dict.fromkeys(profiles, token)
        self.requests += 1
        reply = self._reply(request, workspace, len(objects))
        names = sorted({(_submission(event)[-4:], event["name"]) for event in request.get("events", [])})
        self.tell(f"{workspace} {sorted(profiles)} {names} -> {reply!r}")
        took = min(30_000.0, self.rng.choice((20.0, 100.0, 100.0, 300.0, 2000.0, 31_000.0)))
        try:
            for beats in range(1, 7):
                if took <= beats * 5000:
                    break
                self.rest(5000)
                beat()
            self.rest(took % 5000)
        finally:
            self.let_go(token)
        self.tell(f"{workspace} {sorted(profiles)} ended")
        if self.rng.random() < self.trouble / 20:
            self.rest(60_000)  # frozen with the answer in hand
        return Attempt(reply, round(took))

    def let_go(self, token: object) -> None:
        """The attempt has ended, in whatever way."""
        for profile in [one for one, held in self.out.items() if held is token]:
            del self.out[profile]
            self.left_alone_since[profile] = self.now()

    def _check(self, profiles: set[Profile], request: dict[str, Any], workspace: str) -> None:
        for profile in profiles:
            assert profile not in self.out, f"two requests at once for {profile}"
            since = self.now() - self.left_alone_since.get(profile, float("-inf"))
            assert since >= self.spacing_ms, f"only {since} ms after the last request for {profile}"
        fresh: dict[tuple[Profile, str], list[float]] = defaultdict(list)
        together = set(map(_submission, request.get("events", [])))
        for event in request.get("events", []):
            submission = _submission(event)
            late = [one for one in self.ahead.get(submission, ()) if one not in self.first_sent | together]
            assert not any(map(self.waits, late)), f"{submission} went ahead of {late}"
            if submission not in self.first_sent and submission not in self.unordered:
                fresh[(workspace, _name(event)), event["name"].rpartition("_")[2]].append(self.number_of[submission])
        for place, numbers in fresh.items():
            assert min(numbers) > self.newest.get(place, -1), f"{place} overtook: {numbers} after {self.newest[place]}"
            self.newest[place] = max(numbers)
        self.first_sent |= together

    def _reply(self, request: dict[str, Any], workspace: str, objects: int) -> Reply:
        refused = [
            Refusal(array, place, "no")
            for array in ("attributes", "events")
            for place, one in enumerate(request.get(array, []))
            if BAD in (one.get("team"), one.get("properties", {}).get("card"))
        ]
        takes = objects <= self.most_objects and (self.manner == "some" or not refused)
        # Where every object is at fault, nothing is taken, whatever the manner.
        takes = takes and len(refused) < objects
        if self.rng.random() < self.trouble:
            return self._trouble(request, workspace, refused if takes else None)
        if objects > self.most_objects:
            return BadRequest(413, "too large")
        if takes:
            self._apply(request, workspace, refused)
            return Accepted(201, "success", refused=refused)
        return BadRequest(400, "no") if self.manner == "silent" else AllRefused(400, "no", refused=refused)

    def _trouble(self, request: dict[str, Any], workspace: str, refused: list[Refusal] | None) -> Reply:
        kind = self.rng.choice(("429", "429 unnamed", "502", "503", "cut", "refused", "401"))
        if kind in ("503", "cut") and refused is not None and self.rng.random() < 0.5:
            self._apply(request, workspace, refused)
        replies: dict[str, Reply] = {
            "429": RateLimited(429, reset_s=self.rng.choice((0.0, 1.5, 70.0))),
            "429 unnamed": RateLimited(429),
            "502": Unavailable(502),
            "503": Unavailable(503),
            "cut": NoAnswer(0, applied="unknown"),
            "refused": NoAnswer(0, applied="no"),
            "401": NotAllowed(401),
        }
        return replies[kind]

    def _apply(self, request: dict[str, Any], workspace: str, refused: list[Refusal]) -> None:
        bad = {(one.array, one.index) for one in refused}
        for place, one in enumerate(request.get("attributes", [])):
            if ("attributes", place) not in bad:
                profile = (workspace, _name(one))
                for name in one.keys() - {"external_id", "user_alias", "_update_existing_only"}:
                    self.applied.values[profile, name].append(one[name])
        for place, one in enumerate(request.get("events", [])):
            if ("events", place) not in bad:
                self.applied.events[_submission(one), one["name"]] += 1


def _submission(event: dict[str, Any]) -> str:
    found: str = event["properties"]["komo_submission_id"].partition(":")[0]
    return found


def _name(one: dict[str, Any]) -> str:
    return str(one.get("external_id") or one["user_alias"]["alias_name"])
