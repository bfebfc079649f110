"""Water data in the API process: the feeders of the city's sources, and what is done with what they bring."""

import logging

from api.deps import Services
from trafficfeed.errors import TrafficFeedError
from trafficfeed.pipeline.flood_feeders import Feeders
from trafficfeed.pipeline.flood_intake import Intake

_log = logging.getLogger(__name__)


def start_water(services: Services) -> Feeders | None:
    """Start the feeders, where the settings say so; what fails is logged, and the feeds served."""
    if services.settings.flooding.intake != "on":
        return None
    try:
        feeders = Feeders(services.settings, services.database, services.clock, lambda intake: after(services, intake))
        feeders.start()
    except TrafficFeedError as error:
        _log.error("no water sources: %s", error)
        return None
    return feeders


def after(services: Services, intake: Intake) -> None:
    """Do with news what this process is to do; it is stored already, so a failure is told and nothing more."""
    if services.after_water is None or not intake.has_news:
        return
    try:
        services.after_water(intake)
    except TrafficFeedError as error:
        _log.error("water data from %s is stored, but was not acted on: %s", intake.source, error)
