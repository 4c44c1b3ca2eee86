from schemas.arrival import packed_marks


def test_a_mark_is_short_and_the_same_everywhere() -> None:
    """It is kept beside every held submission, and compared by processes that never met."""
    assert packed_marks([("session", "s1")]) == ("55132f8e7509cc59",)
    [long] = packed_marks([("session", "s" * 100_000)])
    assert len(long) == 16


def test_the_same_id_of_two_kinds_is_two_marks() -> None:
    """Nobody says that a profile's number is not another's contact number."""
    assert len({*packed_marks((kind, "7") for kind in ("contact", "profile", "user", "session"))}) == 4
