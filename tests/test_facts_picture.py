"""The picture of facts shows the figures that the facts have."""

import numpy as np
import pytest

import perpcore as pc
from perpcore.analysis import facts

pytest.importorskip("scipy", reason="scipy: the extra facts")


def test_the_picture_has_the_facts_figures():
    from matplotlib import pyplot

    returns = np.random.default_rng(1).standard_t(3, 5_000) / 1_000
    book = facts.depth_profile([[99.9]], [[1]], [[100.1]], [[3]], within_bp=[5, 20])
    figure = pc.plots.facts(returns, depth=book, lags=20)
    panels = figure.axes
    assert len(panels) == 4
    assert np.array_equal(panels[0].lines[0].get_ydata(), facts.autocorrelation(returns, 20).value)
    assert f"{facts.hill(returns).value:.2f}" in panels[2].get_title(loc="left")
    assert panels[3].lines[0].get_ydata().tolist() == book.bid.tolist()
    pyplot.close(figure)
    figure = pc.plots.facts(returns, lags=20)
    assert len(figure.axes) == 3
    pyplot.close(figure)
