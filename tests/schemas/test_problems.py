"""Problems and their places."""

from schemas.problems import InvalidDocument, Problem, pointer, problems_of


def test_nested_messages_become_pointers() -> None:
    """Callers find the place without knowing marshmallow."""
    messages = {"name": ["a"], "rules": {0: {"field": ["b", "c"]}, 10: {"_schema": ["d"]}}}

    assert list(problems_of(messages)) == [
        Problem("/name", "a"),
        Problem("/rules/0/field", "b"),
        Problem("/rules/0/field", "c"),
        Problem("/rules/10", "d"),
    ]


def test_names_with_slashes_are_written_as_the_standard_says() -> None:
    """https://www.rfc-editor.org/rfc/rfc6901#section-3"""
    assert pointer("a/b", "c~d", 0) == "/a~1b/c~0d/0"


def test_problems_come_in_the_order_of_the_document_each_once() -> None:
    """Place 10 comes after place 9."""
    error = InvalidDocument([Problem("/a/10", "x"), Problem("/a/9", "x"), Problem("", "y"), Problem("/a/9", "x")])

    assert [one.pointer for one in error.problems] == ["", "/a/9", "/a/10"]


def test_a_name_of_thousands_of_digits_is_a_name_like_any_other() -> None:
    """Whoever sends such a member is told that it is unknown: it is no place in a list."""
    name = "7" * 5000
    told = InvalidDocument([Problem(pointer(name), "Unknown field."), Problem("/2", "b"), Problem("/10", "a")])

    assert [one.pointer for one in told.problems] == [f"/{name}", "/2", "/10"]
