"""`komo-braze submissions`: what came in, what became of it, and posting a sample as Komo would."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson
import requests

from ingest.cli.filters import moment, page_options, search_options, sought
from ingest.cli.opened import Opened, opened, say, store_options, table
from ingest.receive import accept_body
from schemas.api import STATES
from workers.store.integration_record import StoredIntegration

#: Seconds to find out whether the web process runs, and to let it answer.
TIMEOUT_ALIVE, TIMEOUT_S = (1.0, 2.0), 30.0


@click.group()
def submissions() -> None:
    """Show submissions, and send one."""


@submissions.command("list")
@click.option("--integration", "integration_id", metavar="ID")
@click.option("--state", type=click.Choice(STATES))
@click.option("--event", help="Komo's name of what happened, such as CompetitionEntrySuccess.")
@click.option("--since", callback=moment, metavar="TIME", help="Received at or after this time.")
@search_options
@page_options
@store_options
def list_submissions(
    integration_id: str | None,
    event: str | None,
    identifier: str | None,
    text: str | None,
    data_dir: Path | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """List submissions, newest first."""
    searched = identifier is not None or text is not None
    if searched and event:
        raise click.UsageError("--event does not go together with --identifier and --text.")
    with opened(data_dir) as here:
        if integration_id:
            here.stores.integrations.get(integration_id)
        filters["integration_id"] = integration_id
        try:
            if searched:
                items, following = here.stores.search.find(identifier=sought(identifier), text=text, **filters)
            else:
                items, following = here.stores.timeline.list(event=event, **filters)
        except ValueError as error:
            raise click.BadParameter(f"{error}.", param_hint="--cursor") from None
    say({"items": items, "next": following}, as_json, _listed(items, following))


@submissions.command("show")
@click.argument("submission_id", metavar="ID")
@store_options
def show_submission(submission_id: str, data_dir: Path | None, as_json: bool) -> None:
    """Show what became of one submission."""
    with opened(data_dir) as here:
        found = here.stores.timeline.show(submission_id)
    if found is None:
        raise click.ClickException(f"There is no submission {submission_id}, or it is no longer kept.")
    say(found, as_json, _told(found))


@submissions.command("send")
@click.argument("file", type=click.File("rb"))
@click.option("--integration", "integration_id", metavar="ID", required=True)
@store_options
def send(file: Any, integration_id: str, data_dir: Path | None, as_json: bool) -> None:
    """Post a sample FILE as Komo would; - reads standard input."""
    data = file.read()
    with opened(data_dir) as here:
        stored = here.stores.integrations.get(integration_id)
        status, answer = _post(here, stored, data) if _web_runs(here) else _accept(here, stored, data)
    if status != 202:
        raise click.ClickException(_why(status, answer))
    rows = [(one["id"], "duplicate" if one["duplicate"] else "accepted") for one in answer["submissions"]]
    say(answer, as_json, table(rows))


def _web_runs(here: Opened) -> bool:
    try:
        answer = _session().get(f"{here.public_url}/healthz", timeout=TIMEOUT_ALIVE, allow_redirects=False)
        return answer.status_code == 200 and answer.json() == {"status": "alive"}
    except (requests.RequestException, ValueError):
        return False


def _post(here: Opened, stored: StoredIntegration, data: bytes) -> tuple[int, Any]:
    """Over HTTP, by whichever proof the integration allows."""
    methods = stored.integration.webhook_methods
    if "bearer" not in methods and "url_key" not in methods:
        return _accept(here, stored, data)
    proof: dict[str, Any] = {"headers": {"Content-Type": "application/json"}}
    if "bearer" in methods:
        proof["headers"]["Authorization"] = f"Bearer {stored.webhook_secrets[0]}"
    else:
        proof["params"] = {"key": stored.url_keys[0]}
    url = f"{here.public_url}/webhooks/komo/{stored.id}"
    try:
        answer = _session().post(url, data=data, timeout=TIMEOUT_S, allow_redirects=False, **proof)
        return answer.status_code, answer.json()
    except (requests.RequestException, ValueError) as error:
        raise click.ClickException(f"{here.public_url} gave no usable answer: {type(error).__name__}.") from None


def _accept(here: Opened, stored: StoredIntegration, data: bytes) -> tuple[int, Any]:
    """Straight into the store: the next sweep of a clock finds it there."""

    def leave_to_the_sweep(_: str, __: str, lane: int) -> None:
        here.stores.inbox.forget_wake(stored.integration, lane)

    response = accept_body(stored, data, here.stores, leave_to_the_sweep)
    return response.status_code, orjson.loads(response.get_data())


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def _why(status: int, answer: Any) -> str:
    if not isinstance(answer, dict):
        return f"The webhook answered {status}."
    errors = [f"{one.get('pointer') or 'body'}: {one.get('detail')}" for one in answer.get("errors", [])]
    return " ".join(filter(None, [f"{answer.get('title', 'Refused')} ({status}).", answer.get("detail"), *errors]))


def _listed(items: list[dict[str, Any]], following: str | None) -> Iterator[str]:
    if not items and not following:
        yield "There are no such submissions."
        return
    rows = [("ID", "INTEGRATION", "STATE", "RECEIVED", "EVENT")]
    rows += [(one["id"], one["integration"], _state(one), one["received_at"], one["event"]) for one in items]
    yield from table(rows)
    if following:
        yield f"More with --cursor {following}"


def _state(one: dict[str, Any]) -> str:
    return f"{one['state']} ({one['reason']})" if one.get("reason") else str(one["state"])


def _told(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['id']}  {found['event']}  {found['integration']}  {_state(found)}"
    for step in found["timeline"]:
        told = ((name, value) for name, value in step.items() if name not in ("what", "at"))
        more = [f"{name}={_short(value)}" for name, value in told if value is not None]
        yield "  ".join(filter(None, [f"  {step.get('at', ''):24}", step["what"], *more])).rstrip()


def _short(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
