"""How a mapping writes down the order of a date."""

import pytest

from schemas.date_format import format_problem, parts


@pytest.mark.parametrize(
    "pattern",
    ["YYYY-MM-DD", "DD/MM/YYYY", "D.M.YY", "MMMM D, YYYY", "DD MMM YY", "YYYYMMDD", "YYYY-MM-DDTHH:mm:ss", "MM/YYYY"],
)
def test_a_format_is_made_of_tokens_and_signs(pattern: str) -> None:
    """Two-digit years and names of months have tokens of their own, so that they are read only where asked for."""
    assert format_problem(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("DD/MM", "needs the year"),
        ("", "needs the year"),
        ("dd/MM/YYYY", "Write the date"),
        ("DD of MM YYYY", "Write the date"),
        ("YYYY-MM-DDTHH:mm:ssZ", "Write the date"),
        ("DD/MM/YYYY YY", "once"),
        ("DD/MM/MMM/YYYY", "once"),
    ],
)
def test_what_is_no_format_is_told_why(pattern: str, problem: str) -> None:
    """Whoever saves it learns it then, and not from a timeline."""
    assert problem in (format_problem(pattern) or "")


def test_parts_come_with_the_signs_before_them() -> None:
    """The longest token counts: YYYY is one year, not two short ones."""
    assert [(part.before, part.name) for part in parts("(DD/MMMM YYYY)")] == [
        ("(", "day"),
        ("/", "month_name"),
        (" ", "year"),
        (")", ""),
    ]
