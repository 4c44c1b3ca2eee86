"""Somebody who uses the pages without a browser: follows links, and sends forms as they stand in the page."""

from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "a-password-for-the-pages"


class _Reader(HTMLParser):
    """Collects what a form would send, and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._select = self._area = ""
        self._chosen = False
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag in ("script", "style", "template"):
            self._skipped += 1
        name, kind = found.get("name") or "", found.get("type")
        if self._skipped or "disabled" in found:
            return
        if tag == "input" and name and kind not in ("submit", "button"):
            if kind not in ("checkbox", "radio") or "checked" in found:
                self.fields.append((name, found.get("value") or ("on" if kind == "checkbox" else "")))
        elif tag == "select":
            self._select, self._chosen = name, False
        elif tag == "option" and self._select and ("selected" in found or not self._chosen):
            if self._chosen:
                self.fields.pop()
            self.fields.append((self._select, found.get("value") or ""))
            self._chosen = True  # the first one, until another says that it is
        elif tag == "textarea":
            self._area = name
            self.fields.append((name, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "template"):
            self._skipped -= 1
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            name, before = self.fields[-1]
            data = data.replace("\r\n", "\n")
            self.fields[-1] = (name, before + (data.removeprefix("\n") if not before else data))
        elif not self._skipped and data.strip():
            self.words.append(" ".join(data.split()))


def words(answer: TestResponse) -> str:
    """What a person reads on a page, without markup."""
    reader = _Reader()
    reader.feed(answer.text)
    return " ".join(reader.words)


def tags(answer: TestResponse, name: str) -> list[dict[str, str | None]]:
    """The attributes of every tag of this name."""
    reader = _Reader()
    reader.feed(answer.text)
    return [found for tag, found in reader.tags if tag == name]


def fields(answer: TestResponse) -> dict[str, str]:
    """What the forms of a page would send as they stand."""
    reader = _Reader()
    reader.feed(answer.text)
    return dict(reader.fields)


def form_fields(html: str) -> list[tuple[str, str]]:
    """The same of some HTML, in its order."""
    reader = _Reader()
    reader.feed(html)
    return reader.fields


class Visitor:
    """A browser without scripts."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def open(self, path: str, **options: Any) -> TestResponse:
        """A page, wherever it leads."""
        return self.client.get(path, headers={"Accept": "text/html"}, follow_redirects=True, **options)

    def sign_in(self, password: str = PASSWORD) -> TestResponse:
        return self.send("/sign-in", password=password)

    def send(self, path: str, to: str | None = None, *, follow: bool = True, **filled: Any) -> TestResponse:
        """
        Open a page, fill in its forms, and send what stands there then.

        Args:
            to: Where the form leads, if not to the page itself.
            filled: By name of the field; None leaves a field out, a list sends it several times.
        """
        known = {**fields(self.client.get(path, headers={"Accept": "text/html"}, follow_redirects=True)), **filled}
        data = {name: value for name, value in known.items() if value is not None}
        return self.client.post(to or path, data=data, headers={"Accept": "text/html"}, follow_redirects=follow)
