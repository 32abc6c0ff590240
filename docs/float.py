"""Writes the table of docs/FLOAT.md: how far a fixed push runs, by float and by open interest over float.

python docs/float.py                    # prints the table, from fewer cells and paths
python docs/float.py --write            # all cells, into the file (some minutes on two cores)
python docs/float.py --check            # fails where a few cells are not those the file was made of
python docs/float.py --picture FILE     # all cells, drawn; with --write from the same sweep
python docs/float.py --directory RUN    # ... kept there, to go on after an interruption
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

import perpcore as pc

sys.path.insert(0, str(Path(__file__).parent))
import pages  # beside this script

FILE = Path(__file__).with_name("FLOAT.md")
SEED, PATHS, FEW = 1, 1_000, 100
SIDE, COARSE = 50, 6  # cells along an axis; of the printed table
SUPPLY = 100_000_000
ACCOUNTS = 100  # shorts for each float of open interest
DEPTH = 0.2  # of the float rests within one start price above it, as in RocketCoin
FLOAT, OPEN_INTEREST = "circulating", "positions[0].accounts"
COLUMNS = ("final_price", "final_price > 2", "fuel_burnt")
CHECKED = ((0, 0), (0, 24), (24, 24), (24, 49), (49, 49))


def world() -> pc.Scenario:
    """The reference world with a start price of 1, so that prices are multiples, and a fixed push."""
    return pc.presets.reference().replace(
        {
            "name": "float",
            "description": "",
            "start_price": 1,
            "total_supply": SUPPLY,
            "spot.tick_size": "0.002",
            "spot.lot_size": 1,
            "perp.tick_size": "0.002",
            "perp.lot_size": 1,
            "market_maker.hedge_ratio": "0.22",
            "market_maker.capital": 10**11,
            "ignition.qty": pc.Uniform(50_000, 150_000),
            "positions[0].entry_price": pc.Trapezoid("0.95", 1, "1.05", "1.1"),
            **dict(zip(axis_of_float([SUPPLY])[0], axis_of_float([SUPPLY])[1][0], strict=True)),
        }
    )


def axis_of_float(floats: list[int]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """What moves with the float: both books, and the size of an account."""
    fields = (FLOAT, "spot.asks.depth", "perp.asks.depth", "positions[0].notional")
    values = []
    for tokens in floats:
        depth = round(DEPTH * tokens)
        mean = tokens / ACCOUNTS
        low = round(mean / 2.5, 6)  # the mean of a Pareto with exponent 5/3 is 2.5 times its least
        values.append((tokens, depth, 3 * depth, pc.Pareto(low, "1.666666666666666667")))
    return fields, values


def geometric(low: float, high: float, count: int) -> np.ndarray:
    """Evenly spaced by ratio."""
    return np.geomspace(low, high, count)


def grid(side: int) -> dict[object, list[object]]:
    """Float from 1 % to 100 % of the supply, open interest from 0.1 to 10 times the float."""
    floats = [round(x) for x in geometric(0.01 * SUPPLY, SUPPLY, side)]
    fields, values = axis_of_float(floats)
    accounts = [round(x, 3) for x in ACCOUNTS * geometric(0.1, 10, side)]
    return {fields: values, OPEN_INTEREST: accounts}


def swept(side: int, paths: int, directory: Path | None = None) -> pc.Sweep:
    """The map, or a coarse one; a terminal is told how long it took."""
    begun, used = time.perf_counter(), time.process_time()
    found = world().sweep(
        grid(side),
        paths=paths,
        seed=SEED,
        columns=COLUMNS,
        directory=directory,
        progress=sys.stderr.isatty(),
    )
    elapsed, cpu = time.perf_counter() - begun, time.process_time() - used
    print(f"{found.cells:,} cells of {paths:,} paths: {elapsed:.0f} s, {cpu:.0f} s of CPU", file=sys.stderr)
    return found


def fingerprint() -> str:
    """What the first paths of a few cells came to, as one number."""
    points = grid(SIDE)
    (fields, floats), (_, accounts) = points.items()
    cells = [{fields: floats[i], OPEN_INTEREST: accounts[j]} for i, j in CHECKED]
    found = world().sweep(cells, paths=FEW, seed=SEED, columns=COLUMNS, progress=False)
    return f"`{found.hash():016x}`"


def table(found: pc.Sweep) -> str:
    """Some cells of the map, as Markdown: final multiple, and how likely it is above 2."""
    side = found.shape[0]
    some = np.unique(np.linspace(0, side - 1, COARSE).round().astype(int))
    floats = found.parameter(FLOAT).reshape(found.shape)[:, 0] / SUPPLY
    interest = found.parameter(OPEN_INTEREST).reshape(found.shape)[0] / ACCOUNTS
    multiple, above = (found.grid(column) for column in COLUMNS[:2])
    head, lines = ["open interest over float", *(f"float {100 * floats[i]:.3g} %" for i in some)], []
    for j in some[::-1]:
        cells = (f"{multiple[i, j]:.2f} ({100 * above[i, j]:.0f} %)" for i in some)
        lines.append([f"{interest[j]:.2g}", *cells])
    return pages.table(head, lines)


def edge(found: pc.Sweep) -> str:
    """From which open interest on half of the shorts burn, by float."""
    side = found.shape[0]
    some = np.unique(np.linspace(0, side - 1, COARSE).round().astype(int))
    floats = found.parameter(FLOAT).reshape(found.shape)[:, 0] / SUPPLY
    interest = found.parameter(OPEN_INTEREST).reshape(found.shape)[0] / ACCOUNTS
    burnt, above = found.grid("fuel_burnt"), found.grid(COLUMNS[1])
    lines = []
    head = ["open interest over float from which", *(f"float {100 * floats[i]:.3g} %" for i in some)]
    for name, share in (("half of the shorts burn", burnt), ("half of the paths end above 2", above)):
        first = (np.flatnonzero(share[i] >= 0.5) for i in some)
        lines.append([name, *(f"{interest[at[0]]:.2g}" if len(at) else "never" for at in first)])
    return pages.table(head, lines)


def picture(found: pc.Sweep, file: Path) -> None:
    """Final multiple by float and open interest, and how much of it burns."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    figure = Figure(figsize=(13, 5.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    label = "price after the push over price before it, mean"
    pc.plots.sweep(found, x=FLOAT, column="final_price", label=label, ax=left)
    label = "share of the shorts that are liquidated, mean"
    pc.plots.sweep(found, x=FLOAT, column="fuel_burnt", contours=(0.1, 0.5, 0.9), label=label, ax=right)
    for ax in (left, right):
        ax.xaxis.set_major_formatter(FuncFormatter(lambda tokens, _: f"{100 * tokens / SUPPLY:g} %"))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda accounts, _: f"{accounts / ACCOUNTS:g}"))
        ax.set_xlabel("float, of the supply")
        ax.set_ylabel("open interest over float")
    left.set_title("How far a push of $100,000 runs", loc="left", fontsize=11)
    right.set_title(f"How much burns ({found.paths:,} paths a cell)", loc="left", fontsize=11)
    figure.savefig(file, dpi=110)


def main() -> None:
    """Print, write, check or draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the file")
    parser.add_argument("--check", action="store_true", help="fail where a few cells are others")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw all cells")
    parser.add_argument("--directory", type=Path, metavar="RUN", help="keep the cells there")
    given = parser.parse_args()
    if given.check:
        sys.exit(0 if fingerprint() in FILE.read_text(encoding="utf-8") else "python docs/float.py --write")
    whole = given.write or given.picture is not None
    found = swept(SIDE, PATHS, given.directory) if whole else swept(COARSE, FEW)
    if given.picture is not None:
        picture(found, given.picture)
    made = {"multiples": table(found), "edge": edge(found), "fingerprint": fingerprint()}
    pages.deliver(FILE, "float.py", made, write=given.write)


if __name__ == "__main__":
    main()
