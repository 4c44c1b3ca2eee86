"""
Step: the rules for people have changed, or there are some at last: judge again what waits, in acceptance order, before
sending goes on.
"""

import logging
from datetime import UTC, datetime
from uuid import uuid4

import orjson

from schemas.arrival import Judgement
from schemas.integration import Integration
from schemas.komo import read_submission
from workers.errors import LeaseLost, UnknownIntegration
from workers.judge import judge
from workers.store import Stores
from workers.store.inbox import Rest
from workers.store.redo import Waiting
from workers.transform import CompiledMapping, compile_mapping

log = logging.getLogger("komo_braze")

#: A drain that is still at work is through after its budget and one call of Braze's.
BUSY_MS = 500


def redo(integration_id: str, stores: Stores) -> Rest:
    """
    Judge everything that waits under the rules that are current now. A crash at any line is finished by the next run.

    Returns: `empty` if nothing is left to do, `wait` if drains are still at work, `busy` if another run took over.
    """
    token = uuid4().hex
    try:
        status = stores.redo.begin(stores.integrations.get(integration_id).integration, token)
        if status != "begun":
            return Rest("empty") if status == "none" else Rest("wait", BUSY_MS, alarm=True)
        # Read only now, so that these rules are no older than those whose turn it is.
        return _judge_all(stores.integrations.get(integration_id).integration, token, stores)
    except (LeaseLost, UnknownIntegration):
        return Rest("busy")


def _judge_all(integration: Integration, token: str, stores: Stores) -> Rest:
    mapping, count = compile_mapping(integration), 0
    while True:
        page = stores.redo.oldest(integration)
        if page:
            stores.redo.move(integration, token, [(one, _judge(one, integration, mapping)) for one in page])
            count += len(page)
        elif stores.redo.finish(integration, token):
            log.info("integration.redone", extra={"integration": integration.id, "submissions": count})
            return Rest("empty")
        if stores.redo.begin(integration, token) != "begun":
            return Rest("wait", BUSY_MS, alarm=True)
        newest = stores.integrations.get(integration.id).integration
        if newest.version != integration.version:
            integration, mapping = newest, compile_mapping(newest)


def _judge(one: Waiting, integration: Integration, mapping: CompiledMapping) -> Judgement:
    received_at = datetime.fromtimestamp(one.head[4] / 1000, UTC)
    return judge(read_submission(orjson.loads(one.body), id="", received_at=received_at), integration, mapping)
