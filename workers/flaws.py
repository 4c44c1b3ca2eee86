"""What a converter returns where a value can't be sent as it came. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemas.submission import MISSING


@dataclass(frozen=True, slots=True)
class Flawed:
    """A value that Braze would refuse or silently drop, and what of it can be sent."""

    #: The name of the flaw, never the value.
    warning: str
    #: What is left; MISSING if nothing is.
    value: Any = MISSING


#: From a value that is neither null nor blank, text already trimmed, to what to send, or a `Flawed`.
Convert = Callable[[Any], Any]
