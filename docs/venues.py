"""Writes the tables of docs/VENUES.md: the presets, one squeeze under five venues, whom ADL hits.

Also the presets themselves for the tests in Rust: tests/files/venues.json.

python docs/venues.py            # prints the tables
python docs/venues.py --write    # puts them where the file has their marks, and writes the presets
python docs/venues.py --check    # fails where a file says otherwise
"""

from __future__ import annotations

import argparse
import difflib
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

import perpcore as pc
from perpcore.venues import presets

TABLES = ("switches", "squeeze", "deleveraged")
FILE = Path(__file__).with_name("VENUES.md")
RULES = FILE.parents[1] / "tests" / "files" / "venues.json"
MARKS = {name: f"<!-- {name}: made by docs/venues.py --write -->" for name in TABLES}
END = "<!-- end -->"

VENUES = ("binance_usdtm", "bybit", "okx", "hyperliquid", "dydx_v4")
QTY = 20_200  # a push after which strict triggers start too
SQUEEZED = {
    "ignition.qty": QTY,
    "perp.tick_size": "0.001",
    "market_maker.quote": pc.Quote(side="both", around="spot_mid", half_spread="0.001", level_qty=10_000_000),
}
SEED = 1
FUNDS = (1_000_000, 20_000)  # its own, and one that is soon exhausted
FIRST_NAMED = 8  # accounts below are the venue's, the market maker's, and the rest of the market's
RANKS = {
    "profit_leverage": "Binance, Bybit, OKX, BitMEX",
    "hyperliquid": "Hyperliquid",
    "random": "dYdX v4",
    "profit_share": "",
    "size": "",
}
SQUEEZE = (  # a heading, and what of the summary stands below it
    ("accounts liquidated", lambda s: f"{s['liquidated_accounts']:,}"),
    ("tokens", lambda s: f"{s['liquidated_qty']:,.0f}"),
    ("market maker", lambda s: "liquidated" if s["market_maker_liquidated"] else "stands"),
    ("taken over", lambda s: f"{s['taken_over_qty']:,.0f}"),
    ("fund's change", lambda s: f"{s['insurance_fund_change']:,.0f}"),
    ("vault's profit", lambda s: f"{s['vault_pnl']:,.0f}"),
    ("ADL closings", lambda s: f"{s['adl_accounts']:,}"),
    ("tokens ADL'd", lambda s: f"{s['adl_qty']:,.0f}"),
    ("venue's loss", lambda s: f"{s['venue_loss']:,.0f}"),
    ("final price", lambda s: f"{s['final_price']:.2f}"),
)


def switches() -> str:
    """Preset x switch: every switch that a preset sets."""
    venues = {name: pc.venues.load(name) for name in pc.venues.NAMES}
    rows = []
    for field in msgspec.structs.fields(pc.Venue):
        shown = [
            _tiers(v) if field.name == "tiers" else _cell(getattr(v, field.name)) for v in venues.values()
        ]
        usual = "" if field.name == "tiers" else _cell(field.default)
        if any(cell != usual for cell in shown):
            marked = [cell if cell != usual else "·" for cell in shown]
            rows.append([f"`{field.name}`", usual, *marked])
    return _table(["switch", "default", *(f"`{name}`" for name in venues)], rows)


def rules() -> str:
    """The presets by name, as the core reads them."""
    venues = {name: pc.venues.load(name) for name in pc.venues.NAMES}
    return msgspec.json.format(msgspec.json.encode(venues), indent=1).decode() + "\n"


def squeeze() -> str:
    """RocketCoin, pushed a little harder, its perpetual quoted on both sides, under five venues' rules."""
    rows = []
    for fund in FUNDS:
        rocketcoin = pc.presets.rocketcoin().replace(SQUEEZED | {"venue.insurance_fund": fund})
        for name in VENUES:
            run = rocketcoin.replace(venue=presets.load(name, like=rocketcoin.venue)).run(seed=SEED)
            rows.append([f"`{name}`", f"{fund:,}", *(cell(run.summary) for _, cell in SQUEEZE)])
    return _table(["rules of", "fund", *(heading for heading, _ in SQUEEZE)], rows)


def counterparties() -> pc.Scenario:
    """RocketCoin's shorts against a crowd of longs; every unfilled rest is deleveraged."""
    rocketcoin = pc.presets.rocketcoin()
    longs = pc.Population(
        side="long",
        accounts=3_000,
        entry_price=pc.Uniform(6, 14),
        leverage=pc.Uniform("1.2", 15),
        notional=pc.Pareto(1_000, "1.5", high=250_000),
    )
    return rocketcoin.replace(
        {
            "ignition.qty": QTY,
            "positions": [*rocketcoin.positions, longs],
            "venue.liquidation_order": "limit_at_bankruptcy",
        }
    )


def deleveraged() -> str:
    """Who is closed under each ranking, the same crowd and the same bankrupt shorts each time."""
    crowd = counterparties()
    rows = []
    for rank, used_by in RANKS.items():
        run = crowd.replace({"venue.adl": pc.venues.Adl(trigger="always", rank=rank)}).run(seed=SEED)
        closed = run.adl
        named = closed["account"] >= FIRST_NAMED
        profit, leverage = closed["profit_share"][named], closed["leverage"][named]
        rows.append(
            [
                f"`{rank}`",
                used_by,
                f"{run.summary['adl_qty']:,.0f}",
                f"{named.sum():,}",
                f"{100 * np.mean(profit > 0):.0f} %",
                f"{100 * np.median(profit):.0f} %",
                f"{np.median(leverage):.1f}",
                f"{np.sum(closed['profit'][named]):,.0f}",
            ]
        )
    head = "rank|used by|tokens closed|closings|in profit|median profit|median leverage|profit realised"
    return _table(head.split("|"), rows)


def _tiers(venue: pc.Venue) -> str:
    first, last = venue.tiers[0], venue.tiers[-1]
    if first is last:
        return f"{_percent(first.maintenance_rate)}, {float(first.max_leverage):.4g}x"
    return (
        f"{len(venue.tiers)}: {_percent(first.maintenance_rate)} to {_percent(last.maintenance_rate)},"
        f" {float(first.max_leverage):.4g}x to {float(last.max_leverage):.4g}x"
    )


def _percent(rate: Any) -> str:
    return f"{100 * float(rate):.4g} %"


def _cell(value: Any) -> str:
    """A value of a switch; of a part, what differs from the part's defaults."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Decimal):
        text = f"{value:,f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, tuple):
        return " to ".join(map(_cell, value))
    if not isinstance(value, msgspec.Struct):
        return f"{value}"
    tag = value.__struct_config__.tag
    said = [
        f"{field.name} {_cell(getattr(value, field.name))}"
        for field in msgspec.structs.fields(type(value))
        if field.required or getattr(value, field.name) != field.default
    ]
    return "; ".join([*([str(tag)] if tag else []), *said]) or "yes"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def written(text: str, name: str, table: str) -> str:
    """The page with a table between its mark and the end."""
    before, mark, rest = text.partition(MARKS[name])
    if not mark:
        raise SystemExit(f"{FILE.name}: there is no {MARKS[name]}")
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{FILE.name}: {MARKS[name]} has no {END}")
    return f"{before}{mark}\n{table}\n{end}{after}"


def main() -> None:
    """Print, write or check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the files")
    parser.add_argument("--check", action="store_true", help="fail where a file says otherwise")
    parser.add_argument("--only", choices=[*MARKS], help="one of the tables")
    given = parser.parse_args()
    makers = {"switches": switches, "squeeze": squeeze, "deleveraged": deleveraged}
    tables = {name: make() for name, make in makers.items() if given.only in (None, name)}
    page = FILE.read_text(encoding="utf-8")
    for name, table in tables.items():
        page = written(page, name, table)
    made = {FILE: page} if given.only else {FILE: page, RULES: rules()}
    if given.check:
        old = {file: file.read_text(encoding="utf-8") for file in made}
        for file, text in made.items():
            lines = (old[file].splitlines(True), text.splitlines(True))
            sys.stdout.writelines(difflib.unified_diff(*lines, f"{file.name} is", "should be"))
        sys.exit(old != made)
    if given.write:
        for file, text in made.items():
            file.write_text(text, encoding="utf-8")
    else:
        print("\n\n".join(tables.values()))


if __name__ == "__main__":
    main()
