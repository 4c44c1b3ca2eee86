"""The HTTP requests that were made for a submission: the first and the last of them, and how many there were."""

from typing import Any, NamedTuple

#: Of many attempts, these say how it began and how it ended.
FIRST, LAST = 3, 10
#: Characters of the answers to all attempts but the last: they go with every submission of a batch.
SHORT_ANSWER = 100


class Attempts(NamedTuple):
    """What was tried, oldest first."""

    #: `at` (ms), `status` (0 without an answer), `answer` (Braze's words), `duration_ms`, `objects`.
    kept: list[dict[str, Any]]
    #: How many there were; those in the middle may be missing.
    number: int

    def followed_by(self, later: "Attempts") -> "Attempts":
        """All of these, then those; whatever is not the last of them keeps the beginning of its answer."""
        kept = [*map(_shortened, self.kept), *later.kept] if later.kept else self.kept
        if len(kept) > FIRST + LAST:
            kept = kept[:FIRST] + kept[-LAST:]
        return Attempts(kept, self.number + later.number)

    def numbered(self) -> list[tuple[int, dict[str, Any]]]:
        """Each with its number, counted from 1."""
        gap = self.number - len(self.kept)
        return [(place + 1 + (gap if place >= FIRST else 0), one) for place, one in enumerate(self.kept)]

    def packed(self) -> dict[str, Any]:
        """The form that is kept in the store; `read_attempts` reads it back."""
        return {"attempts": self.kept, "number": self.number}


def _shortened(one: dict[str, Any]) -> dict[str, Any]:
    answer = one.get("answer", "")
    return one if len(answer) <= SHORT_ANSWER else {**one, "answer": answer[:SHORT_ANSWER] + "…"}


NO_ATTEMPTS = Attempts([], 0)


def read_attempts(packed: Any) -> Attempts:
    """What `Attempts.packed` made; nothing for anything else."""
    match packed:
        case {"attempts": [*kept], "number": int(number)}:
            return Attempts(kept, number)
    return NO_ATTEMPTS
