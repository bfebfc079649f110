"""Everything trafficfeed raises on purpose.

TrafficFeedError
├── SourceUnavailable    a file, host or database that should be there is not
├── SourceMalformed      it is there, but cannot be read as what it claims to be
├── OrderInvalid         an order that must not be stored or simulated; carries findings
├── OrderConflict        somebody else changed it first, or the state does not allow the step
├── OrderNotFound        the store has no such order, or no such version of it
├── ScenarioInvalid      a city, its network or its demand cannot be used
├── SimulationFailed     SUMO crashed, or was killed at its time limit
├── FeedNonConformant    a document breaks its standard or our semantics; carries findings
└── PublishFailed        a release could not be completed; the last one is still served

Every message says what is wrong, where, and what to do about it.
"""

from collections.abc import Sequence

from trafficfeed.findings import Finding


class TrafficFeedError(Exception):
    """Root of the tree: catch this one at a boundary."""


class SourceUnavailable(TrafficFeedError):
    """A file, host or database that should be there is not."""


class SourceMalformed(TrafficFeedError):
    """The source is there, but cannot be read as what it claims to be."""


class _WithFindings(TrafficFeedError):
    def __init__(self, message: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.findings = tuple(findings)


class OrderInvalid(_WithFindings):
    """An order that must not be stored or simulated; `findings` says why."""


class OrderConflict(TrafficFeedError):
    """Somebody else changed the order first, or its state does not allow the step."""


class OrderNotFound(TrafficFeedError):
    """The store has no such order, or no such version of it."""


class ScenarioInvalid(_WithFindings):
    """A city, its network or its demand cannot be used."""


class SimulationFailed(TrafficFeedError):
    """SUMO crashed, or was killed at its time limit."""


class FeedNonConformant(_WithFindings):
    """A document breaks its standard or our semantics; `findings` says where."""


class PublishFailed(TrafficFeedError):
    """A release could not be completed; the last one is still served."""
