"""GET /metrics: the whole system in Prometheus' format, told by any web process out of the store."""

from ingest.metrics.view import metrics as metrics
from ingest.metrics.webhooks import count_webhooks as count_webhooks
