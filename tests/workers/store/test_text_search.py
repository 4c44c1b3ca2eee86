import orjson
import pytest

from workers.store.text_search import holds_text


@pytest.mark.parametrize(
    ("raw", "needle"),
    [
        (b'{"name": "Ann Example"}', "ann example"),
        (b'{"name": "Ann"}', '"name": "ann"'),
        ('{"city": "Zürich"}'.encode(), "zürich"),
        (b'{"city": "Z\\u00FCrich"}', "ZÜRICH"),
        (b'{"face": "\\ud83d\\ude00"}', "😀"),
        (orjson.dumps({"said": 'He said "yes"'}), 'said "yes"'),
        (b'{"url": "https:\\/\\/example.com"}', "https://example.com"),
        (b'{"street": "Hauptstra\\u00dfe"}', "hauptstrasse"),
        (b"{}", ""),
    ],
)
def test_a_text_is_found_however_it_is_written(raw: bytes, needle: str) -> None:
    """Nobody who searches knows how the sender escapes."""
    assert holds_text(raw, needle)


@pytest.mark.parametrize(
    ("raw", "needle"),
    [
        (b'{"name": "Ann"}', "anne"),
        (b'{"city": "Z\\u00FCrich"}', "u00fc rich"),
        (b'{"x": "\\ud800"}', "y"),
        (b"\\", "x"),
    ],
)
def test_what_is_not_there_is_not_found(raw: bytes, needle: str) -> None:
    """Also where the body is no JSON that we can read again."""
    assert not holds_text(raw, needle)
