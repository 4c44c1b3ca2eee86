"""Whether the web process can be reached by the address that Komo has."""

from collections.abc import Callable, Iterator

from ingest.doctor.finding import Finding, ok, warning

ADDRESS = "address"


def check_address(public_url: str, answers: Callable[[str], bool]) -> Iterator[Finding]:
    """
    Args:
        answers: Whether a GET is answered with 2xx, in bounded time.
    """
    url = f"{public_url}/healthz"
    if answers(url):
        yield ok(ADDRESS, f"{url} answers.")
    else:
        yield warning(
            ADDRESS, f"{url} does not answer from here.",
            "Look at PUBLIC_URL, the proxy and the web process; some machines can't reach their own address.",
        )  # fmt: skip
