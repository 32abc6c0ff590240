"""perpcore's book from Python beside bourse's and a plain Python one, under one flow in one run.

Runs where perpcore is installed; makes an environment of its own for bourse, which it asks through a pipe.
The flow, and Rust's own time for it, come from `perpcore-peers`, built before. README.md has the commands and
the last run's table.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from bisect import bisect_left, insort
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from reporting import deliver, load, ratio, spread, where  # noqa: E402

BOURSE = "0.4.0"
LIVE = 2_500  # rows that fill the book before the clock runs, as in benches/common/flow.rs
LIMIT, MARKET, CANCEL = 0, 1, 2
BATCHES = (1_000, 10_000, 100_000)


class PlainBook:
    """What one writes in ten minutes: queues by price, prices in a sorted list (those of bids negated)."""

    def __init__(self):
        self.prices, self.queues, self.orders, self.filled = ([], []), ({}, {}), {}, 0

    def limit(self, side, price, qty, name):
        left = self._match(side, qty, -price if side else price)
        if left:
            key = price if side else -price
            queue = self.queues[side].get(key)
            if queue is None:
                queue = self.queues[side][key] = {}
                insort(self.prices[side], key)
            queue[name] = left
            self.orders[name] = side, key
        return left

    def market(self, side, qty):
        return self._match(side, qty, float("inf"))

    def _match(self, side, left, worst):
        prices, queues = self.prices[1 - side], self.queues[1 - side]
        while left and prices and prices[0] <= worst:
            queue = queues[prices[0]]
            name, rests = next(iter(queue.items()))
            traded = min(left, rests)
            left, self.filled = left - traded, self.filled + traded
            if traded < rests:
                queue[name] = rests - traded
            else:
                self._drop(1 - side, prices[0], name)
        return left

    def cancel(self, name):
        if name in self.orders:
            self._drop(*self.orders[name], name)

    def _drop(self, side, key, name):
        queue = self.queues[side][key]
        del queue[name], self.orders[name]
        if not queue:
            del self.queues[side][key], self.prices[side][bisect_left(self.prices[side], key)]


Rows = list[tuple[int, int, int, int, int]]


def rows_of(flow: Any) -> Rows:
    """Kind, side, reference, price and quantity as Python's own numbers."""
    return list(
        zip(*(flow[name].tolist() for name in ("kind", "side", "reference", "price", "qty")), strict=True)
    )


def limits_of(rows: Rows) -> Rows:
    return [row for row in rows if row[0] == LIMIT]


def parts_of(flow: Any, size: int) -> list[Any]:
    return [flow[at : at + size] for at in range(LIVE, len(flow), size)]


def clocked(work: Callable[..., object], *arguments: object) -> int:
    """Nanoseconds."""
    start = perf_counter_ns()
    work(*arguments)
    return perf_counter_ns() - start


def plain_calls(book: PlainBook, rows: Rows) -> None:
    for kind, side, name, price, qty in rows:
        if kind == LIMIT:
            book.limit(side, price, qty, name)
        elif kind == CANCEL:
            book.cancel(name)
        else:
            book.market(side, qty)


def plain_limits(book: PlainBook, rows: Rows) -> None:
    for _, side, name, price, qty in rows:
        book.limit(side, price, qty, name)


# ---- bourse, in its own process ----


def bourse_instructions(flow: Any) -> tuple[Any, ...]:
    """The six arrays of `submit_instructions`; a market order is one without a price's end."""
    market, buys = flow["kind"] == MARKET, flow["side"] == 0
    price = np.where(market, np.where(buys, 2**32 - 1, 0), flow["price"])
    kinds = np.where(flow["kind"] == CANCEL, 2, 1).astype(np.uint32)
    words = (flow[name].astype(np.uint32) for name in ("qty", "owner"))
    return kinds, buys, *words, price.astype(np.uint32), flow["reference"].astype(np.uint64)


def bourse_steps(env: Any, parts: list[tuple[Any, ...]]) -> None:
    for part in parts:
        env.submit_instructions(part)
        env.step()


def bourse_batches(core: Any, flow: Any, size: int) -> tuple[int, int]:
    """Nanoseconds, and lots filled. A step shuffles its batch first, which cannot be turned off."""
    env = core.StepEnvNumpy(1, 0, 1, 2 * max(BATCHES))
    bourse_steps(env, [bourse_instructions(flow[:LIVE])])
    parts = [bourse_instructions(part) for part in parts_of(flow, size)]
    return clocked(bourse_steps, env, parts), sum(trade[3] for trade in env.get_trades())


def bourse_calls(book: Any, rows: Rows) -> None:
    place, cancel, set_time = book.place_order, book.cancel_order, book.set_time
    for kind, side, name, price, qty in rows:
        if kind == LIMIT:
            set_time(name)  # of two orders at one price and one instant it would lose one
            place(side == 0, qty, 8, price)
        elif kind == CANCEL:
            cancel(name)
        else:
            place(side == 0, qty, 8)


def bourse_limits(book: Any, rows: Rows) -> None:
    place = book.place_order
    for _, side, _, price, qty in rows:
        place(side == 0, qty, 8, price)


def renamed(flow: Any) -> Any:
    """The flow with bourse's ids for references: how many orders, market orders included, came before."""
    submissions = np.cumsum(flow["kind"] != CANCEL) - 1
    ids = submissions[flow["kind"] == LIMIT]  # references count limit orders
    cancels = flow["kind"] == CANCEL
    flow["reference"] = np.where(cancels, ids[np.where(cancels, flow["reference"], 0)], submissions)
    return flow


def serve_bourse(path: Path, calls: int) -> None:
    from bourse import core  # only its own environment has it

    flow = renamed(np.load(path))
    rows = rows_of(flow[: LIVE + calls])
    for line in sys.stdin:
        what = json.loads(line)
        if what == "limits":
            answer = clocked(bourse_limits, core.OrderBook(0, 1), limits_of(rows)), 0
        elif what == "calls":
            book = core.OrderBook(0, 1)
            bourse_calls(book, rows[:LIVE])
            answer = clocked(bourse_calls, book, rows[LIVE:]), sum(trade[3] for trade in book.get_trades())
        else:
            answer = bourse_batches(core, flow, what)
        print(json.dumps(answer), flush=True)


class Bourse:
    """The other end of the pipe."""

    def __init__(self, home: Path, flow: Path, calls: int):
        python = home / "bin" / "python"
        if not python.exists():
            venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", f"bourse=={BOURSE}", "numpy"], check=True)
        command = [python, __file__, "--serve-bourse", flow, "--calls", str(calls)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, what: str | int) -> tuple[int, int]:
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return tuple(json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


# ---- perpcore ----


def our_applies(book: Any, parts: list[Any], done: list[Any]) -> None:
    for part in parts:
        done.append(book.apply(part))


def our_batches(pc: Any, flow: Any, size: int) -> tuple[int, int]:
    """Nanoseconds, and lots filled."""
    book, done = pc.OrderBook(tick_size=1, lot_size=1), []
    book.apply(flow[:LIVE])
    spent = clocked(our_applies, book, parts_of(flow, size), done)
    assert not any(len(applied.rejects) for applied in done)
    return spent, sum(int(applied.fills["qty"].sum()) for applied in done)


def our_calls(book: Any, rows: Rows, ids: dict[int, int | None]) -> None:
    limit, market, cancel = book.limit, book.market, book.cancel
    sides = "buy", "sell"
    for kind, side, name, price, qty in rows:
        if kind == LIMIT:
            ids[name] = limit(sides[side], price=price, qty=qty).id
        elif kind == CANCEL:
            cancel(ids[name])
        else:
            market(sides[side], qty=qty)


def our_limits(book: Any, orders: list[tuple[str, Any, Any]]) -> None:
    limit = book.limit
    for side, price, qty in orders:
        limit(side, price=price, qty=qty)


# ---- the run ----


class Times:
    """Nanoseconds an operation, and lots filled, by column and contestant."""

    def __init__(self):
        self.times: dict[Any, list[float]] = {}
        self.lots: dict[Any, int] = {}

    def note(self, column: Any, who: str, operations: int, spent: float, lots: int | None = None) -> None:
        self.times.setdefault((column, who), []).append(spent / operations)
        if lots is not None:
            self.lots[column, who] = lots

    def cell(self, column: Any, who: str) -> str:
        times = self.times.get((column, who))
        if not times:
            return ""
        lots = self.lots.get((column, who))
        filled = "" if lots is None else f"; {lots:,}"
        return f"{spread(times, 1)}{filled}"

    def ratio(self, column: Any, over: str, under: str) -> str:
        above, below = self.times.get((column, over)), self.times.get((column, under))
        if not (above and below):
            return ""
        return f"**{ratio(above, below)}**"


def rust_row(options: argparse.Namespace, size: int) -> float:
    command = [options.rust, "--row", "--ops", str(options.ops), "--batch", str(size)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def batches(pc: Any, options: argparse.Namespace, flow: Any, bourse: Bourse, times: Times) -> None:
    for size in BATCHES:
        times.note(size, "rust", 1, rust_row(options, size))
        times.note(size, "perpcore", options.ops, *our_batches(pc, flow, size))
        times.note(size, "bourse", options.ops, *bourse.ask(size))


def calls(pc: Any, rows: Rows, bourse: Bourse, times: Times) -> None:
    limits = limits_of(rows)
    sides = "buy", "sell"
    whole = [(sides[side], price, qty) for _, side, _, price, qty in limits]
    # The same ticks and lots, of 0.01 and 0.001, as text.
    texts = [(side, f"{price // 100}.{price % 100:02}", f"0.{qty:03}") for side, price, qty in whole]
    book = pc.OrderBook(tick_size=1, lot_size=1)
    times.note("limit", "perpcore", len(limits), clocked(our_limits, book, whole))
    book = pc.OrderBook(tick_size="0.01", lot_size="0.001")
    times.note("limit", "texts", len(limits), clocked(our_limits, book, texts))
    times.note("limit", "plain", len(limits), clocked(plain_limits, PlainBook(), limits))
    times.note("limit", "bourse", len(limits), bourse.ask("limits")[0])

    start, rows = rows[:LIVE], rows[LIVE:]
    book, ids, plain = pc.OrderBook(tick_size=1, lot_size=1), {}, PlainBook()
    our_calls(book, start, ids)
    plain_calls(plain, start)
    times.note("calls", "perpcore", len(rows), clocked(our_calls, book, rows, ids))
    spent = clocked(plain_calls, plain, rows)
    times.note("calls", "plain", len(rows), spent, plain.filled)
    times.note("calls", "bourse", len(rows), *bourse.ask("calls"))


def measure(pc: Any, options: argparse.Namespace, folder: Path) -> Times:
    subprocess.run([options.rust, "--ops", str(options.ops), "--export", folder / "flow"], check=True)
    flow = np.fromfile(folder / "flow", dtype=pc.events.EVENT)
    np.save(folder / "flow.npy", flow)
    rows = rows_of(flow[: LIVE + options.calls])
    bourse, times = Bourse(options.venv, folder / "flow.npy", options.calls), Times()
    for number in range(options.rounds):
        batches(pc, options, flow, bourse, times)
        calls(pc, rows, bourse, times)
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    bourse.close()
    return times


def table(times: Times, head: str, columns: dict[Any, str], lines: dict[str, str]) -> list[str]:
    text = [f"| {head} | " + " | ".join(columns.values()) + " |", "|---|" + "---:|" * len(columns)]
    for who, words in lines.items():
        text.append(f"| {words} | " + " | ".join(times.cell(column, who) for column in columns) + " |")
    return text


def report(pc: Any, options: argparse.Namespace, times: Times, loads: list[str]) -> str:
    ours, bourse = f"perpcore {pc.__version__}", f"bourse {BOURSE}"
    sizes = {size: f"{size:,} rows a call" for size in BATCHES}
    text = [
        f"{options.ops:,} events of the calm flow in batches, the first {options.calls:,} of them in calls; "
        f"{options.rounds} rounds.",
        f"Python {sys.version.split()[0]}, numpy {np.__version__}, {where(loads)}",
        "",
    ]
    lines = {
        "rust": f"{ours}, Rust: Batch::apply",
        "perpcore": f"{ours}, book.apply",
        "bourse": f"{bourse}, submit_instructions and step",
    }
    text += table(times, "ns an event, minimum / median; lots filled", sizes, lines)
    for words, over, under in (
        ("book.apply / Batch::apply", "perpcore", "rust"),
        ("bourse / book.apply", "bourse", "perpcore"),
    ):
        text.append(f"| **{words}** | " + " | ".join(times.ratio(size, over, under) for size in sizes) + " |")
    lines = {
        "perpcore": f"{ours}, integers",
        "texts": f"{ours}, decimal strings",
        "bourse": f"{bourse}, OrderBook",
        "plain": "the plain Python book",
    }
    kinds = {"limit": "limit orders alone", "calls": "the calm flow"}
    return "\n".join([*text, "", *table(times, "ns a call, minimum / median; lots filled", kinds, lines), ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--ops", type=int, default=1_000_000, help="events in batches [1000000]")
    parser.add_argument("--calls", type=int, default=100_000, help="events in single calls [100000]")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rust", type=Path, default=HERE / "target" / "release" / "perpcore-peers")
    parser.add_argument(
        "--venv", type=Path, default=HERE / ".venv", help="for bourse; made if it is not there"
    )
    parser.add_argument("--write", type=Path, metavar="README.md", help="puts the tables between its marks")
    parser.add_argument("--serve-bourse", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve_bourse:
        serve_bourse(options.serve_bourse, options.calls)
        return
    if not options.rust.exists():
        sys.exit(f"{options.rust}: build it first, see {HERE / 'README.md'}")
    import perpcore as pc

    loads = [load()]
    with tempfile.TemporaryDirectory() as folder:
        times = measure(pc, options, Path(folder))
    text = report(pc, options, times, [*loads, load()])
    deliver(options.write, "python", text)


if __name__ == "__main__":
    main()
