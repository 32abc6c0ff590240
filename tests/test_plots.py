"""Pictures: what they show is what the run says, whatever the run, and a file is whole or not there."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any, get_args

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

import perpcore as pc
from perpcore import results
from perpcore.plots import rounds, sweeps

mpl.use("Agg")
PANELS = ("price", "depth", "cost")


def spread() -> pc.Scenario:
    """300,000 tokens evenly on [11, 15], all of which go."""
    return pc.presets.rocketcoin(reading="consistent").replace({"market_maker.hedge_ratio": 0.4})


def stop_losses() -> pc.Scenario:
    ladders = (
        pc.Ladder(side="short", qty=150_000, lump=10, liquidation_price=(11.5, 15)),
        pc.Ladder(side="short", qty=150_000, lump=10, liquidation_price=(18, 22), stop_price=(11, 14)),
    )
    return spread().replace(positions=ladders)


def sale() -> pc.Scenario:
    return pc.presets.rocketcoin().replace(
        {
            "spot.bids": pc.Linear(depth=20_000),
            "market_maker.quote.side": "bids",
            "market_maker.spot_inventory": 300_000,
            "positions": (pc.Ladder(side="long", qty=100_000, lump=10, liquidation_price=(7, 9)),),
            "ignition": pc.Ignition(side="sell", qty=21_000),
        }
    )


def no_asks_in_the_perpetual() -> pc.Scenario:
    changes = {"perp.bids": pc.Linear(depth=100), "market_maker.quote": None}
    return pc.presets.rocketcoin().replace(changes)


def inverse() -> pc.Scenario:
    ladder = pc.Ladder(side="short", qty=1_000_000, lump=100, liquidation_price=[11, 12])
    changes = {"venue": pc.venues.load("deribit_inverse"), "positions": [ladder], "ignition.qty": 60_000}
    return pc.presets.rocketcoin().replace(changes)


SCENARIOS = {
    "rocketcoin": pc.presets.rocketcoin,
    "300k": lambda: pc.presets.rocketcoin(reading="300k"),
    "spread": spread,
    "stop_losses": stop_losses,
    "takeovers": lambda: pc.presets.rocketcoin().replace({"venue.liquidation_order": "limit_at_bankruptcy"}),
    "nobody": lambda: pc.presets.rocketcoin().replace({"ignition.qty": 100}),
    "no_positions": lambda: pc.presets.rocketcoin().replace(positions=()),
    "two_rounds": lambda: pc.presets.rocketcoin().replace({"venue.max_rounds": 1}),
    "maker_gone": lambda: pc.presets.rocketcoin().replace({"market_maker.capital": 1_000_000}),
    "sale": sale,
    "no_asks_in_the_perpetual": no_asks_in_the_perpetual,
    "reference": lambda: pc.presets.reference(smallest_size=20),
    "requote": lambda: pc.presets.reference(requote=True),
    "two_books": pc.presets.two_books,
    "inverse": inverse,
    "30,000 rounds": lambda: spread().replace({"venue.liquidations_per_round": 1}),
}


@pytest.fixture(params=SCENARIOS)
def run(request: pytest.FixtureRequest) -> pc.Run:
    return SCENARIOS[request.param]().run(seed=1)


@pytest.fixture(autouse=True)
def _closed() -> Any:
    yield
    pyplot.close("all")


def bars(ax: Axes) -> dict[str, PolyCollection]:
    """Batches by kind."""
    found = [each for each in ax.collections if isinstance(each, PolyCollection)]
    return {str(each.get_label()).split(",")[0]: each for each in found}


def corners(collection: PolyCollection) -> Any:
    """Of every bar: left, low, right, high."""
    points = np.array([path.vertices[:4] for path in collection.get_paths()])
    return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)


def steps(ax: Axes) -> dict[str, Any]:
    """Stacked areas by kind."""
    return {str(p.get_label()): p.get_data() for p in ax.patches if isinstance(p, StepPatch)}


# ---- what every picture has ----


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_is_labelled_and_uses_the_axes_it_is_given(run: pc.Run, panel: str) -> None:
    figure = Figure()
    ax = figure.subplots()
    assert getattr(run.plot, panel)(ax) is ax
    assert ax.get_xlabel()
    assert any(unit in ax.get_ylabel() for unit in ("(quote per token)", "(tokens", "(quote)"))
    assert ax.get_title(loc="left")
    assert "nan" not in ax.get_title(loc="left")
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(labels) == len(set(labels)) > 0
    assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()
    figure.canvas.draw()


def test_a_panel_makes_its_own_axes_and_a_figure_holds_all_three(run: pc.Run) -> None:
    ax = run.plot.cost()
    assert isinstance(ax, Axes)
    figure = run.plot.figure()
    assert figure.number in pyplot.get_fignums()
    assert len(figure.axes) == len(PANELS)
    assert len({ax.get_title(loc="left") for ax in figure.axes}) == len(PANELS)
    assert figure.get_suptitle().startswith(run.scenario.name)


# ---- the price ----


def test_the_line_is_the_spot_price_of_every_round(run: pc.Run) -> None:
    ax = run.plot.price()
    line, *others = ax.get_lines()
    np.testing.assert_array_equal(line.get_xdata(), run.stages["round"])
    np.testing.assert_array_equal(line.get_ydata(), run.stages["spot_last"])
    push = [[*each.get_ydata()] for each in others if each.get_label() == "the push"]
    in_spot = run.scenario.ignition.market == "spot"
    assert push == [[run.summary["start_price"], run.stages["spot_last"][0]]] * in_spot
    low, high = ax.get_ylim()
    assert low < min(line.get_ydata()) <= max(line.get_ydata()) < high
    assert ax.get_xlim()[1] >= run.summary["rounds"]


def test_batches_of_rocketcoin_stand_at_their_thresholds() -> None:
    run = pc.presets.rocketcoin().run(seed=1)
    ax = run.plot.price()
    (kind,) = bars(ax)
    assert kind == "liquidated"
    left, low, right, high = corners(bars(ax)[kind]).T
    np.testing.assert_allclose((low + high) / 2, 11 + 0.4 * np.arange(10))
    assert left.tolist() == [1, 2, 2, 3, 3, 3, 3, 3, 4, 4]
    # As long as the tokens are many: a million dollars of each price.
    orders = run.liquidations
    tokens = [
        orders["qty"][np.isclose(orders["threshold"], price)].sum() for price in 11 + 0.4 * np.arange(10)
    ]
    np.testing.assert_allclose((right - left) / (right - left).max(), np.array(tokens) / max(tokens))
    assert ax.get_xlim()[1] >= right.max()
    figures = {text.get_text(): text.xy[0] for text in ax.texts}
    assert figures == {"90.91 k": 1, "172.5 k": 2, "385.4 k": 3, "138.9 k": 4}


def test_stops_liquidations_and_takeovers_are_told_apart() -> None:
    run = stop_losses().run(seed=1)
    found = bars(run.plot.price())
    assert set(found) == {"liquidated", "stopped"}
    colours = {tuple(each.get_facecolor()[0]) for each in found.values()}
    assert len(colours) == 2
    _, low, _, high = corners(found["stopped"]).T
    assert low.min() > 10.9
    assert high.max() < 14.2
    _, low, _, high = corners(found["liquidated"]).T
    assert low.min() > 11.4
    assert high.max() < 15.1
    limited = SCENARIOS["takeovers"]().run(seed=1)
    labels = {kind: each.get_label() for kind, each in bars(limited.plot.price()).items()}
    assert labels["taken over"] == "taken over, at the threshold: 172.5 k tokens"
    assert labels["liquidated"] == "liquidated, at the threshold: 90.91 k tokens"


def test_gathering_loses_no_token(run: pc.Run) -> None:
    orders, batches = run.liquidations, rounds._Batches(run, rounds.Clock(run))
    theirs = orders["account"] != rounds.MARKET_MAKER
    stop = orders["mechanism"] == "stop"
    stopped, liquidated = (orders["filled_qty"][theirs & which].sum() for which in (stop, ~stop))
    assert batches.qty["stopped"].sum() == pytest.approx(stopped, rel=1e-12)
    assert batches.qty["liquidated"].sum() == pytest.approx(liquidated, rel=1e-12)
    assert batches.qty["taken over"].sum() == orders["taken_over_qty"][theirs].sum()
    assert len(batches.round) <= rounds.MAX_COLUMNS * (rounds.MAX_ROWS + 1)
    for kind, (each, ok) in {k: (v, v > 0) for k, v in batches.qty.items()}.items():
        drawn = [len(shapes) for name, shapes in batches.bars() if name == kind]
        assert drawn == ([np.count_nonzero(ok)] if each.any() else [])


def test_the_end_of_the_market_maker_is_marked() -> None:
    run = SCENARIOS["maker_gone"]().run(seed=1)
    marked = [line for line in run.plot.price().get_lines() if "market maker" in str(line.get_label())]
    orders = run.liquidations
    gone = orders["round"][orders["account"] == rounds.MARKET_MAKER]
    assert [list(line.get_xdata()) for line in marked] == [[gone[0], gone[0]]]


# ---- the books ----


def test_curves_are_the_depth_before_the_push(run: pc.Run) -> None:
    ax = run.plot.depth()
    table = run.scenario.depth(seed=run.seed, path=run.path)
    curves = {str(line.get_label()): line for line in ax.get_lines()}
    names = {"spot": "spot", "perp": "perpetual"}
    low, high = ax.get_xlim()
    for book, name in names.items():
        for side in ("ask", "bid"):
            here = (table["book"] == book) & (table["side"] == side)
            here &= (table["price"] >= low) & (table["price"] <= high)
            if not here.any():
                assert f"{name}, {side}s" not in curves
                continue
            line = curves.pop(f"{name}, {side}s")
            np.testing.assert_array_equal(line.get_xdata()[:-1], table["price"][here])
            np.testing.assert_array_equal(line.get_ydata()[:-1], np.cumsum(table["qty"][here]))
    assert curves == {}


def test_the_range_of_the_run_is_marked(run: pc.Run) -> None:
    ax = run.plot.depth()
    (span,) = (patch for patch in ax.patches if "range" in str(patch.get_label()))
    s = run.summary
    prices = (s["start_price"], s["peak_price"], s["final_price"])
    assert (span.get_x(), span.get_x() + span.get_width()) == pytest.approx((min(prices), max(prices)))
    assert ax.get_xlim()[0] <= span.get_x()


# ---- the cost ----


def test_areas_are_the_forced_trades_summed_up(run: pc.Run) -> None:
    ax = run.plot.cost()
    below = np.zeros(len(run.stages))
    areas = steps(ax)
    columns = {
        "liquidated": "liquidated_notional",
        "stopped": "stopped_notional",
        "taken over": "taken_over_notional",
    }
    assert set(areas) == {kind for kind, column in columns.items() if run.stages[column].any()}
    for kind, column in columns.items():
        if kind in areas:
            values, edges, baseline = areas[kind]
            np.testing.assert_array_equal(baseline, below)
            below = below + np.cumsum(run.stages[column])
            np.testing.assert_allclose(values, below, rtol=1e-12)
            np.testing.assert_array_equal(edges, np.arange(len(below) + 1) - 0.5)
    s = run.summary
    forced = s["forced_buy_notional"] + s["forced_sell_notional"]
    assert below[-1] == pytest.approx(forced, rel=1e-9)
    (line,) = ax.get_lines()
    assert set(line.get_ydata()) == {s["ignition_cost"]}
    assert ax.get_ylim()[1] > max(forced, s["ignition_cost"])


@pytest.mark.parametrize(
    ("name", "headline", "cost"),
    [
        (
            "rocketcoin",
            "rocketcoin: a push of 210.1 k moves spot by +96.7 % and closes 78,764 accounts by force",
            "Forced buying is 52.1 times the cost of the push",
        ),
        (
            "nobody",
            "rocketcoin: a push of 1.001 k moves spot by +0.1 % and liquidates nobody",
            "No forced buying",
        ),
        (
            "sale",
            "rocketcoin: a push of 198.9 k moves spot by -11.2 % and closes 600 accounts by force",
            "Forced selling is 0.269 times the cost of the push",
        ),
    ],
)
def test_titles_state_the_finding(name: str, headline: str, cost: str) -> None:
    run = SCENARIOS[name]().run(seed=1)
    assert run.plot.figure().get_suptitle() == headline
    assert run.plot.cost().get_title(loc="left") == cost


LIVE = {"time": pc.Time(step_s=1, horizon_s=1200), "ignition.at_s": 600}


def test_pages_of_a_run_through_time(tmp_path: Path) -> None:
    run = pc.presets.rocketcoin().replace(LIVE).run(seed=1)
    headline = run.plot.figure().get_suptitle()
    assert (
        headline == "rocketcoin: peak 1.97 times the start, end 1.97 times; 78,764 accounts closed by force"
    )
    pages = {run.plot.series(): "Spot goes", run.plot.agents(): "What they hold"}
    for figure, title in pages.items():
        assert figure.axes[0].get_title(loc="left").startswith(title)
    assert run.plot.heat_map().get_title(loc="left").startswith("Liquidations ahead")
    for page in get_args(rounds.Page):
        run.plot.save(tmp_path / f"{page}.png", of=page, dpi=20)
    assert len({file.read_bytes() for file in tmp_path.iterdir()}) == 4
    instant = pc.presets.rocketcoin().run(seed=1)
    with pytest.raises(pc.ScenarioError, match="through time"):
        instant.plot.save(tmp_path / "instant.png", of="series")
    with pytest.raises(pc.ScenarioError, match="of: 'stages' is not allowed"):
        instant.plot.save(tmp_path / "instant.png", of="stages")  # type: ignore[arg-type]
    assert not (tmp_path / "instant.png").exists()


KEEPS = get_args(results.Keep)


@pytest.mark.parametrize("name", ["rocketcoin", "calm"])
@pytest.mark.parametrize("keep", KEEPS)
@pytest.mark.parametrize("page", get_args(rounds.Page))
def test_every_page_of_every_run_is_drawn_or_refused(name: str, keep: Any, page: Any, tmp_path: Path) -> None:
    changes = LIVE | ({"ignition.qty": 1} if name == "calm" else {})
    run = pc.presets.rocketcoin().replace(changes).run(seed=1, keep=keep)
    if page == "rounds" and keep != "everything":
        with pytest.raises(pc.ScenarioError, match=rf"^plot: .*{keep}.*: only with keep='everything'$"):
            run.plot.save(tmp_path / "x.png", of=page)
    else:
        run.plot.save(tmp_path / "x.png", of=page, dpi=20)


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("keep", KEEPS)
def test_what_was_not_kept_is_refused_before_a_figure_is_open(timed: bool, keep: Any) -> None:
    plot = pc.presets.rocketcoin().replace(LIVE if timed else {}).run(seed=1, keep=keep).plot
    for name in (*PANELS, "figure", "series", "agents", "heat_map"):
        there = timed if name in ("series", "agents", "heat_map") else keep == "everything"
        if there:
            getattr(plot, name)()
        else:
            with pytest.raises(pc.ScenarioError, match=r"only with keep='everything'|a run through time"):
                getattr(plot, name)()
        assert bool(pyplot.get_fignums()) == there
        pyplot.close("all")


def test_units_of_an_inverse_contract() -> None:
    scenario = inverse()
    plot = scenario.run(seed=1).plot
    assert "liquidated, at the threshold: 100 k of face value" in plot.price().get_legend_handles_labels()[1]
    assert plot.depth().get_ylabel() == "cumulative depth\n(tokens; perpetual: of face value)"
    units = {
        "liquidated_qty": "of face value",
        "liquidated_notional": "quote",
        "hedge_qty": "tokens",
        "ignition_qty": "tokens",
        "market_maker_pnl": "quote",
        "positions_pnl": "coin",
        "insurance_fund_shortfall": "coin",
    }
    swept = scenario.sweep({"circulating": [1e6, 2e6]}, paths=1, seed=1, columns=[*units])
    for column, unit in units.items():
        assert pc.plots.sweep(swept, column=column).get_ylabel() == f"{column}, mean ({unit})"
    perp = {"perp.asks": pc.Linear(depth=20_000), "ignition": pc.Ignition(qty=50_000, market="perp")}
    pushed = scenario.replace(perp).sweep({"circulating": [1e6, 2e6]}, paths=1, columns=["ignition_qty"])
    assert pc.plots.sweep(pushed, column="ignition_qty").get_ylabel() == "ignition_qty, mean (of face value)"
    known = scenario.replace(LIVE).run(seed=1, keep="samples").summary
    assert set(known) >= {*sweeps.CONTRACTS, *sweeps.MONEY}


# ---- no overlap ----


def boxes(figure: Figure) -> list[Any]:
    """Where the words are, in pixels."""
    figure.canvas.draw()
    words = [figure._suptitle]
    for ax in figure.axes:
        words += [*ax.texts, ax._left_title, ax.xaxis.label, ax.yaxis.label]
    legends = [ax.get_legend() for ax in figure.axes]
    return [
        each.get_window_extent()
        for each in (*words, *legends)
        if not hasattr(each, "get_text") or each.get_text()
    ]


def test_no_words_lie_on_others(run: pc.Run) -> None:
    found = boxes(run.plot.figure())
    for i, box in enumerate(found):
        for other in found[i + 1 :]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            along = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert across <= 1 or along <= 1, (box, other)


def test_the_legend_of_the_price_does_not_hide_it(run: pc.Run) -> None:
    figure = run.plot.figure()
    figure.canvas.draw()
    ax = figure.axes[0]
    box = ax.get_legend().get_window_extent()
    line = ax.transData.transform(np.column_stack([run.stages["round"], run.stages["spot_last"]]))
    assert not [point for point in line if box.contains(*point)]


# ---- files ----


def test_a_file_is_a_whole_png(run: pc.Run, tmp_path: Path) -> None:
    path = tmp_path / "run.png"
    run.plot.save(path, dpi=50)
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, kinds = 8, []
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kinds.append(data[at + 4 : at + 8])
        assert (
            zlib.crc32(data[at + 4 : at + 8 + size])
            == struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0]
        )
        at += 12 + size
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")
    assert struct.unpack(">II", data[16:24]) == (550, 410)
    assert [each.name for each in tmp_path.iterdir()] == ["run.png"]
    assert pyplot.get_fignums() == []


def test_other_formats_go_by_the_ending(tmp_path: Path) -> None:
    plot = pc.presets.rocketcoin().run(seed=1).plot
    plot.save(tmp_path / "run.SVG")
    assert b"<svg" in (tmp_path / "run.SVG").read_bytes()
    plot.save(str(tmp_path / "run.pdf"))
    assert (tmp_path / "run.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(ValueError, match=r"run\.xyz.*png"):
        plot.save(tmp_path / "run.xyz")
    with pytest.raises(FileNotFoundError):
        plot.save(tmp_path / "no" / "run.png")


def test_what_fails_leaves_the_old_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.png"
    path.write_bytes(b"old")

    def half(_: Figure, file: Any, **__: Any) -> None:
        file.write(b"\x89PNG")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", half)
    with pytest.raises(OSError, match="No space"):
        pc.presets.rocketcoin().run(seed=1).plot.save(path)
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["run.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_a_picture_may_be_read_by_whom_the_umask_allows(tmp_path: Path) -> None:
    code = (
        "import os, perpcore as pc; os.umask(0o027)\n"
        "pc.presets.rocketcoin().replace({'ignition.qty': 1}).run(seed=1).plot.save('run.png', dpi=30)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert (tmp_path / "run.png").stat().st_mode & 0o777 == 0o640


def test_plots_bring_matplotlib_only_when_drawn() -> None:
    code = "import sys, perpcore.plots; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
