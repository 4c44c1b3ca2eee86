"""The wheel as a drawing: slices as SVG paths around the origin, the first one centred at the top, clockwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin

from .cards import Segment

RADIUS = 100


@dataclass(frozen=True)
class Slice:
    """`path` is an SVG path, `angle` the degrees from the top to the slice's middle."""

    label: str
    wins: bool
    path: str
    angle: float


def draw(segments: Sequence[Segment]) -> list[Slice]:
    width = 360 / len(segments)
    return [
        Slice(segment.label, segment.prize is not None, _path((n - 0.5) * width, (n + 0.5) * width), n * width)
        for n, segment in enumerate(segments)
    ]


def _path(start: float, end: float) -> str:
    (x1, y1), (x2, y2) = _rim(start), _rim(end)
    return f"M0 0L{x1:.2f} {y1:.2f}A{RADIUS} {RADIUS} 0 0 1 {x2:.2f} {y2:.2f}Z"


def _rim(angle: float) -> tuple[float, float]:
    return RADIUS * sin(radians(angle)), -RADIUS * cos(radians(angle))
