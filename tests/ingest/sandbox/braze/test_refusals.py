"""The words of a refusal."""

from ingest.sandbox.braze import refusals


def test_prose_and_code_names_are_never_the_same() -> None:
    """The mode with code names must be tellable from the one with prose."""
    assert not set(refusals.CODE_NAMES) & set(refusals.CODE_NAMES.values())
