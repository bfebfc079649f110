"""What follows an officer's step, after the answer: the release, and the runs that are asked for.

Neither can undo the step. What fails here is logged and done again: a release within seconds by the ticker
(`api.ticker`), a run by the reconcile run within a minute.
"""

import logging
from datetime import datetime

from api.deps import Services
from trafficfeed.errors import TrafficFeedError
from trafficfeed.pipeline.flood_intake import Intake
from trafficfeed.pipeline.flood_release import reading_to_release
from trafficfeed.pipeline.releasing import release
from trafficfeed.pipeline.triggers import drain
from trafficfeed.store.outbox import Outbox

_log = logging.getLogger(__name__)


def publish(services: Services, as_of: datetime) -> None:
    """Release the feeds as of `as_of` and serve them: street time does not wait for Airflow."""
    try:
        release(services.settings, database=services.database, as_of=as_of)
    except TrafficFeedError as error:
        _log.error("the feeds could not be released, the last release is still served: %s", error)
    services.feeds.refresh()
    services.wake()


def publish_water(services: Services, intake: Intake) -> None:
    """Decide on what is new of the water, release what follows from it, and serve it; its simulation comes after."""
    as_of = services.clock()
    done = reading_to_release(services.settings, services.database, intake, as_of)
    if done is None:
        return
    for trouble in done.troubles:
        _log.error("water data from %s: %s", intake.source, trouble)
    if done.map_release is not None:
        services.flooding.renew()
    if done.released is not None:
        services.feeds.refresh()
        services.wake()
        ask_for_runs(services, as_of)


def ask_for_runs(services: Services, as_of: datetime) -> None:
    """Give Airflow what waits in the outbox; what it does not take now, it is asked again."""
    try:
        drain(Outbox(services.database, as_of=as_of), settings=services.settings)
    except TrafficFeedError as error:
        _log.warning("the outbox is not empty: %s", error)
