"""The processes, as the Procfile beside the project has them; an installed package has no such file."""

from honcho.environ import parse_procfile

PROCFILE = """\
web: logs=$(python -m ingest.check) && exec granian --log-config "$logs" \
--interface rsgi --factory --host ${HOST:-0.0.0.0} --port ${PORT:-8000} \
--workers ${WEB_WORKERS:-2} --http 1 --backlog 2048 --backpressure 900 --respawn-failed-workers \
--workers-kill-timeout 10 --no-ws --no-access-log ingest.front:from_environment
worker: exec celery --quiet --app workers.app worker --pool threads --concurrency ${WORKER_THREADS:-16} \
--queues wake,backlog,ops --hostname ${WORKER_NAME:-worker}@%h --loglevel ${LOG_LEVEL:-INFO} \
--without-gossip --without-mingle --without-heartbeat
clock: exec celery --quiet --app workers.app beat --loglevel ${LOG_LEVEL:-INFO}
"""


def process_lines() -> dict[str, str]:
    """Each process's name and its line for the shell, in the order of the file."""
    return dict(parse_procfile(PROCFILE).processes)
