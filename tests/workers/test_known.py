"""Readings that are remembered."""

from workers.known import MAX_REMEMBERED, REMEMBERED, Known


def test_a_text_is_read_once() -> None:
    """The same choices come from everybody."""
    read: list[str] = []

    def upper(text: str) -> str:
        read.append(text)
        return text.upper()

    known = Known(upper)

    assert [known["a"], known["b"], known["a"]] == ["A", "B", "A"]
    assert read == ["a", "b"]


def test_only_so_much_is_remembered() -> None:
    """Free texts never come twice, and a mapping lives for weeks."""
    known = Known(str.upper)
    for number in range(3 * REMEMBERED):
        assert known[f"a{number}"] == f"A{number}"

    assert len(known) <= REMEMBERED
    assert known["x" * (MAX_REMEMBERED + 1)] == "X" * (MAX_REMEMBERED + 1)
    assert "x" * (MAX_REMEMBERED + 1) not in known
