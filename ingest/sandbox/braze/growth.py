"""How a profile grew: when each of its fields was written, and what each request brought."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

ChangeKind = Literal["new", "changed", "removed"]

#: Requests whose part in a profile stays readable, the newest; and changes of each.
STEPS_KEPT = 20
CHANGES_KEPT = 250


@dataclass(slots=True)
class Written:
    """When a field was written, in epoch seconds; `changed` is when its value last became another one."""

    first: float
    last: float
    changed: float


@dataclass(slots=True)
class Change:
    """One field that became another; `before` is None for a new one, `after` for one that was removed."""

    name: str
    kind: ChangeKind
    before: Any
    after: Any


@dataclass(slots=True)
class Step:
    """What one request brought to one person."""

    #: Counted from 1 over all steps of the person.
    number: int
    #: Epoch second at which it was applied.
    at: float
    #: Number of the request; None where it is not known.
    request: int | None = None
    changes: list[Change] = field(default_factory=list)
    #: Fields that were written with the value that they had.
    unchanged: list[str] = field(default_factory=list)
    #: Names of events and purchases, in order.
    happened: list[str] = field(default_factory=list)
    #: Changes that were not kept.
    left_out: int = 0
    #: Fields of the profile after it.
    fields: int = 0


@dataclass(slots=True)
class Growth:
    """One profile's past. What is applied at one moment came with one request."""

    fields: dict[str, Written] = field(default_factory=dict)
    steps: deque[Step] = field(default_factory=lambda: deque(maxlen=STEPS_KEPT))

    def wrote(self, name: str, before: Any, after: Any, now: float) -> None:
        """
        Note that a field was written.

        Args:
            before: Its value until now; None if it had none.
            after: Its value from now on; None if it has none.
            now: Epoch second.
        """
        step, known = self._step(now), self.fields.get(name)
        if after is None:
            self.fields.pop(name, None)
            if before is None:
                return
        elif known is None:
            self.fields[name] = Written(now, now, now)
        else:
            known.last = now
            if after != before:
                known.changed = now
        if after == before:
            step.unchanged.append(name)
        elif len(step.changes) >= CHANGES_KEPT:
            step.left_out += 1
        else:
            step.changes.append(Change(name, _kind(before, after), before, after))

    def happened(self, name: str, now: float) -> None:
        """Note an event or a purchase."""
        self._step(now).happened.append(name)

    def came_with(self, request: int | None, fields: int, now: float) -> None:
        """Note which request brought what was applied just now, and how many fields the profile has after it."""
        if self.steps and self.steps[-1].at == now:
            self.steps[-1].request, self.steps[-1].fields = request, fields

    def _step(self, now: float) -> Step:
        last = self.steps[-1] if self.steps else None
        if last is not None and last.at == now:
            return last
        made = Step(last.number + 1 if last else 1, now)
        self.steps.append(made)
        return made


def _kind(before: Any, after: Any) -> ChangeKind:
    if before is None:
        return "new"
    return "removed" if after is None else "changed"
