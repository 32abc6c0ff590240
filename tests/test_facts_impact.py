"""Impact of metaorders: books whose law is known, and one that refills."""

import math

import numpy as np
import pytest

import perpcore as pc
from impact_worlds import latent, power_rows, static
from perpcore import ScenarioError
from perpcore.analysis.facts.impact import metaorder_impact

LINEAR = {"kind": "linear", "depth": 1_000}


def test_impact_is_linear_in_a_linear_book() -> None:
    found = metaorder_impact(
        static(LINEAR), sizes=np.geomspace(50, 5_000, 9), at_s=5, over_s=20, wait_s=5, paths=1
    )
    assert found.slope.value == pytest.approx(1.0, abs=0.05)
    assert found.impact == pytest.approx(found.size / 1_000 / 100, rel=1e-3)  # size over depth over price
    assert (found.after == found.impact).all()  # nobody brings it back
    assert found.participation == pytest.approx(np.ones(9))


@pytest.mark.parametrize("a", [0.5, 0.8, 2.0])
def test_impact_has_the_inverse_exponent_of_a_power_book(a: float) -> None:
    found = metaorder_impact(
        static({"kind": "levels", "levels": power_rows(a)}),
        sizes=np.geomspace(100, 10_000, 9),
        at_s=5,
        over_s=20,
        paths=1,
    )
    assert found.slope.value == pytest.approx(1 / a, rel=0.05)
    assert found.impact[-1] == pytest.approx(5 * (10_000 / 12_000) ** (1 / a) / 100, rel=0.05)


def test_the_perpetual_is_measured_as_spot_is() -> None:
    sizes = np.geomspace(50, 5_000, 5)
    found = metaorder_impact(static(LINEAR), sizes=sizes, at_s=5, over_s=20, paths=1, market="perp")
    assert found.slope.value == pytest.approx(1.0, abs=0.05)
    assert found.impact == pytest.approx(found.size / 1_000 / 100, rel=1e-3)


def test_impact_is_concave_where_latent_orders_refill() -> None:
    """Well below the static book's 1, and beside the 0.5 that is found in markets.

    Of 200 paths: 0.60 [0.58, 0.63] at participations of 1 to 45 %, 0.49 [0.46, 0.52] at 0.3 to 25 %; 0.67 and
    0.78 where orders live 900 s and 225 s in place of an hour, no longer than the execution of 600 s.
    """
    found = metaorder_impact(
        latent(), sizes=np.geomspace(50, 5_000, 9), at_s=1_800, over_s=600, wait_s=600, paths=40, seed=1
    )
    assert found.slope.high < 0.8
    assert found.slope.low > 0.4
    assert found.slope.low < found.slope.value < found.slope.high
    assert (found.after < found.impact)[-5:].all()  # and it decays
    assert found.participation[0] < 0.02 < 0.4 < found.participation[-1]


def test_the_slope_is_the_line_through_the_means() -> None:
    found = metaorder_impact(
        latent(), sizes=np.geomspace(50, 5_000, 5), at_s=1_800, over_s=300, paths=20, seed=2
    )
    errors = (found.high - found.low) / 2 / 1.959964
    # numpy's own fit: its weights multiply residuals, so they are the root of those of the squares
    line = np.polyfit(np.log(found.size), np.log(found.impact), 1, w=found.impact / errors)
    assert found.slope.value == pytest.approx(line[0], rel=1e-9)


def test_the_same_figures_for_any_number_of_threads() -> None:
    options = {"sizes": [50, 500, 5_000], "at_s": 300, "over_s": 60, "paths": 6, "seed": 3}
    one, two = (metaorder_impact(latent(), **options, n_threads=n) for n in (1, 2))  # type: ignore[arg-type]
    assert (one.impact == two.impact).all()
    assert one.slope == two.slope


def test_a_metaorder_that_is_not_there_moves_nothing() -> None:
    # the agent who would execute it changes no random number of the others
    world = latent().replace({"time.horizon_s": 300})
    bare = world.run(seed=4).stages
    idle = world.replace({"agents": (*world.agents, pc.agents.Whale(name="metaorder"))}).run(seed=4).stages
    assert (bare["spot_last"] == idle["spot_last"]).all()
    assert (bare["spot_volume"] == idle["spot_volume"]).all()


def test_a_single_path_has_no_interval_of_its_means() -> None:
    found = metaorder_impact(static(LINEAR), sizes=[50, 500, 5_000], at_s=5, over_s=20, paths=1)
    assert np.isnan(found.low).all()
    assert math.isclose(found.slope.low, found.slope.high)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sizes": [1, 2, 50]}, "over a hundredfold or more"),
        ({"sizes": [100, 1]}, "three or more that rise"),
        ({"sizes": [1, 10, -1]}, "sizes: -1 in row 2"),
        ({"sizes": [50, 500, 2e6]}, "sizes: 2,000,000 is not allowed: what the book fills: "),
        ({"over_s": 0}, "over_s: 0"),
        ({"paths": 0}, "paths: 0"),
        ({"market": "moon"}, '"spot" or "perp"'),
    ],
)
def test_what_cannot_be_measured_is_refused(options: dict[str, object], said: str) -> None:
    given = {"sizes": [50, 500, 5_000], "at_s": 5, "over_s": 20, "paths": 1} | options
    with pytest.raises(ScenarioError, match=said):
        metaorder_impact(static(LINEAR), **given)  # type: ignore[arg-type]


def test_an_instant_cascade_has_no_metaorders() -> None:
    with pytest.raises(ScenarioError, match="a run through time"):
        metaorder_impact(pc.presets.rocketcoin(), sizes=[1, 10, 100], at_s=5, over_s=20)
