from ingest.sandbox.hub.cards import WHEEL
from ingest.sandbox.hub.wheel import draw


def test_the_slices_go_once_around_clockwise_from_the_top() -> None:
    """The script turns the wheel by a slice's number; the drawing has to agree with it."""
    slices = draw(WHEEL.segments)

    assert [one.angle for one in slices] == [0, 45, 90, 135, 180, 225, 270, 315]
    assert slices[0].path == "M0 0L-38.27 -92.39A100 100 0 0 1 38.27 -92.39Z"
    assert [one.wins for one in slices] == [True, False] * 4
