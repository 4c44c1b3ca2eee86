"""A real web process over a real store, with the sandbox as Braze and a worker that delivers."""

from typing import Any

import orjson
import requests

from tests.benchmarks.processes import Machine, free_port, listens, procfile
from tests.factories import a_document
from workers.store.embedded import server_program

API_KEY, TOKEN, PASSWORD = "an-example-of-a-key-0000", "token-for-everything", "password-of-tests"
GRANIAN = "exec granian --interface wsgi --factory --host 127.0.0.1 --port ${PORT} --workers 1 --no-access-log "


class System:
    """Everything that has to run, and how to ask it."""

    def __init__(self, machine: Machine) -> None:
        store_port, self.web_port, self.braze_port = free_port(), free_port(), free_port()
        self.braze_url, self.url = f"http://127.0.0.1:{self.braze_port}", f"http://127.0.0.1:{self.web_port}"
        environ = {
            "REDIS_URL": f"redis://127.0.0.1:{store_port}/0", "HOST": "127.0.0.1", "PORT": str(self.web_port),
            "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz", "ADMIN_PASSWORD": PASSWORD, "API_TOKEN": TOKEN,
            "PUBLIC_URL": "https://komo.example.org", "EXTRA_BRAZE_HOSTS": self.braze_url, "WEB_WORKERS": "1",
            "PERSON_SPACING_MS": "50",
        }  # fmt: skip
        store = machine.start("store", [server_program(), "--port", str(store_port), "--save", ""], {})
        store.wait_for(lambda: listens(store_port), "listening")
        sandbox = GRANIAN + "--blocking-threads 4 ingest.sandbox.braze.app:from_environment"
        self.braze = machine.start("braze", sandbox, {"PORT": str(self.braze_port), "SANDBOX_BRAZE_KEY": API_KEY})
        self.web, self.worker, self.clock = (
            machine.start(name, procfile(name), environ) for name in ("web", "worker", "clock")
        )
        self.web.wait_for(lambda: listens(self.web_port), "listening")
        self.braze.wait_for(lambda: listens(self.braze_port), "listening")
        self.settings = environ
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {TOKEN}"

    def connect(self, integration_id: str) -> str:
        """Make an integration. Returns: its webhook secret."""
        document = a_document(id=integration_id, rest_endpoint=self.braze_url)
        document["braze"]["api_key"] = API_KEY
        made = self.session.post(f"{self.url}/api/v1/integrations", json=document, timeout=30)
        assert made.status_code == 201, made.text
        return str(made.json()["webhook_secret"])

    def post(self, integration_id: str, secret: str, body: bytes, **headers: str) -> requests.Response:
        """One request to the webhook."""
        address = f"{self.url}/webhooks/komo/{integration_id}"
        return requests.post(address, body, headers={"Authorization": f"Bearer {secret}", **headers}, timeout=30)

    def ledger(self, integration_id: str) -> dict[str, Any]:
        answer = self.session.get(f"{self.url}/api/v1/integrations/{integration_id}/ledger", timeout=30)
        return dict(orjson.loads(answer.content))

    def troubles(self) -> list[str]:
        """What none of the processes may have written into its log, or that one is gone."""
        them = (self.web, self.worker, self.clock, self.braze)
        gone = [f"{one.name} ended" for one in them if not one.runs()]
        logs = [(one.name, one.log.read_text("utf-8", "replace")) for one in them]
        return gone + [f"{name}: {line[:2000]}" for name, log in logs for line in log.splitlines() if _is_bad(line)]


def _is_bad(line: str) -> bool:
    return "Traceback" in line or '"request.failed"' in line
