"""What the tests of the environment share."""

import numpy as np

import perpcore as pc
from stepping import CROWD, world

#: A minute with a push and a crowd, quick to play.
SMALL = world(*CROWD, **{"venue.funding": pc.venues.Funding(interval_h="0.004", cap="0.02")})


def market(scenario=SMALL, **terms):
    return pc.gym.Market(scenario, **terms)


def zero():
    return pc.gym.action()


def steps(env, action, n):
    """So many, as long as the episode lasts; the last answer."""
    answer = None
    for _ in range(n):
        answer = env.step(action() if callable(action) else action)
        if answer[2] or answer[3]:
            break
    return answer


def same_series(run, other):
    ours, theirs = run.series, other.series
    assert ours.columns == theirs.columns
    for column in ours.columns:
        np.testing.assert_array_equal(ours[column], theirs[column], err_msg=column)
