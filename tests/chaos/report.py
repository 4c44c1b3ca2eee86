"""The table for the README, and the figures beside it."""

import sys
from collections import Counter

from tests.benchmarks.table import markdown
from tests.chaos.causes import STORE_KILLED, Causes
from tests.chaos.checks import Books, Findings
from tests.chaos.diary import Diary
from tests.chaos.kinds import KINDS

HEADS = ("fault", "times", "lost", "doubled", "note")


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def tell(books: Books, findings: Findings, diary: Diary, causes: Causes) -> None:
    """The table, and what does not fit into it."""
    say("")
    say(markdown(HEADS, _rows(books, findings, diary, causes)))
    say("")
    accepted, numbers = len(books.accepted), findings.numbers
    say(f"accepted {accepted:,}; requests to Braze {len(books.calls):,}; lost {len(findings.lost)}")
    say(f"order inversions {findings.inversions} among {numbers['people in order']:,} people and integrations")
    counted = numbers["possible_duplicates"]
    say(f"events more than once in Braze {numbers['repeated']:,}, counted as possible duplicates {counted:,}")
    say(f"last values right {numbers['last values right']:,}; least spacing {numbers['least spacing in ms']} ms")
    say(f"the longest time in which Braze took nothing: {numbers['longest silence in s']} s")
    again = "sent again sooner than spaced, what Braze had not taken"
    say(f"{again}: {numbers[again]:,}")
    for name, ledger in books.ledgers.items():
        say(f"{name}: " + ", ".join(f"{key} {value:,}" for key, value in ledger.items() if value))
    kinds = Counter(line.partition(":")[0] for line in findings.explained)
    say(f"exceptions that the promises name: {dict(kinds)}")
    for line in findings.explained[:10]:
        say(f"  {line}")


def _rows(books: Books, findings: Findings, diary: Diary, causes: Causes) -> list[list[str]]:
    counts = diary.counts()
    doubled = Counter(causes.of_resending(call) for _, call in findings.doubled)
    lost = Counter(_blamed(books.accepted_at[one], diary) for one in findings.lost)
    rows = [
        [name, str(counts[name]), str(lost[name]), str(doubled[name]), _note(name, books, diary)]
        for name in [*KINDS, *sorted(counts.keys() - KINDS.keys())]
        if counts[name]
    ]
    total = sum(counts[name] for name in KINDS)
    return [*rows, ["all together", str(total), str(len(findings.lost)), str(len(findings.doubled)), ""]]


def _blamed(accepted_at: float, diary: Diary) -> str:
    """The first fault after a lost submission was accepted."""
    later = [one for one in diary.happenings if one.ended >= accepted_at and one.kind in KINDS]
    return min(later, key=lambda one: one.began).kind if later else ""


def _note(name: str, books: Books, diary: Diary) -> str:
    happened = diary.of(name)
    if name == STORE_KILLED:
        taken = [call.took_at for call in books.calls if call.taken]
        gaps = [min((at - one.began for at in taken if at > one.began), default=0.0) for one in happened]
        return f"flowing again after {sorted(gaps)[len(gaps) // 2]:.1f} s (median), {max(gaps):.1f} s at most"
    lasted = [one.ended - one.began for one in happened]
    return f"{min(lasted):.0f} to {max(lasted):.0f} s" if max(lasted) > 0.5 else ""
