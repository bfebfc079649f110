"""What a lamp may show next: a change outside of this was not seen whole, or did not happen."""

from trafficfeed.signals.aspects import Aspect


def is_legal(was: Aspect, now: Aspect, *, has_amber: bool) -> bool:
    """Tell whether one aspect may follow another.

    Dark, flashing and unavailable may follow and precede anything. `has_amber`: the group has shown amber, so it is no
    pedestrian light, and a green that ends without one was not seen whole.
    """
    if was is now or not was.is_timed or not now.is_timed:
        return True
    if was.is_green:
        return now.is_green or now.is_amber or (now is Aspect.STOP_AND_REMAIN and not has_amber)
    if was.is_amber:
        return now.is_amber or now is Aspect.STOP_AND_REMAIN
    if was is Aspect.PRE_MOVEMENT:
        return now.is_green
    return now.is_green or now is Aspect.PRE_MOVEMENT
