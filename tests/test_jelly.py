"""JELLY, 26 March 2025: a backstop vault takes a short over; with an isolated one ADL fires.

The figures of the event: 398,000,000 tokens short, taken over at 0.01127; 11.45 M of loss at 0.0400;
settled by the venue at 0.0095, a gain of 0.703 M.
"""

import pytest

import perpcore as pc
from perpcore.cli.verdict import verdict

TOKENS, TAKEN_AT, TOP, SETTLED = 398_000_000, 0.01127, 0.04, 0.0095


def jelly(*, isolated: bool = False, **changes) -> pc.Scenario:
    """One short of 398 M tokens, leverage 3, bankrupt at 0.01127; smaller ones that lift spot, and longs."""
    tick, lot = "0.00001", 1
    crowd = pc.Population(
        side="long",
        accounts=300,
        leverage=pc.Uniform(1.5, 3),
        notional=pc.Pareto(500, 1.5, high=100_000),
    )
    shorts = pc.Ladder(
        side="short",
        qty=40_000_000,
        lump=100_000,
        entry_price="0.0084",
        liquidation_price=("0.0098", "0.0103"),
    )
    venue = pc.venues.hyperliquid(max_leverage=3).replace(
        {
            # Within minutes the venue's averages of 30 s and 150 s are where spot is; here time stands still.
            "mark": "index",
            "funding": None,
            "backstop": pc.venues.Backstop(capital=1_000_000, isolated=isolated),
        }
    )
    return pc.Scenario(
        name="jelly",
        start_price=SETTLED,
        total_supply=1_000_000_000,
        circulating=1_000_000_000,
        spot=pc.Market(
            tick_size=tick,
            lot_size=lot,
            asks=pc.Levels(levels=[("0.0105", 20_000_000), ("0.02", 20_000_000), ("0.04", 500_000_000)]),
        ),
        perp=pc.Market(tick_size=tick, lot_size=lot),
        venue=venue,
        market_maker=pc.MarketMaker(capital=50_000_000, quote=pc.Quote(side="asks", level_qty=1_000_000_000)),
        positions=[
            pc.Ladder(side="short", qty=TOKENS, leverage=3, entry_price="0.00845"),
            shorts,
            crowd,
        ],
        ignition=pc.Ignition(qty=10_000_000),
    ).replace(changes)


def vault(run: pc.Run, column: str) -> float:
    accounts = run.accounts
    return float(accounts[column][list(accounts["account"]).index(6)])


def test_the_vault_takes_the_whole_position_over_with_its_margin():
    run = jelly().run(seed=1)
    rows = run.liquidations.to_pandas()
    taken = rows[rows["mechanism"] == "backstop"]
    large = taken[taken["qty"] == TOKENS].iloc[0]
    # Before bankruptcy, below two thirds of maintenance; no order was sent, nobody hedged it.
    assert 0 <= large["equity"] < large["maintenance"] * 2 / 3
    assert (large["filled_qty"], large["taken_over_qty"]) == (0, TOKENS)
    assert large["bankruptcy_price"] == pytest.approx(TAKEN_AT, abs=5e-6)
    assert vault(run, "position_qty") == -taken["qty"].sum()


def test_its_ledger_closes_at_both_prices():
    """What the vault has at 0.0400, and after the venue settled all at 0.0095, of the one position."""
    whole = jelly(
        positions=[pc.Ladder(side="short", qty=TOKENS, leverage=3, entry_price="0.00845"), *driver()]
    )
    run = whole.run(seed=1)
    assert run.summary["final_price"] == TOP
    assert vault(run, "position_qty") == -TOKENS
    assert run.summary["vault_pnl"] == pytest.approx(-11_450_000, abs=50_000)
    assert f"the backstop vault {-run.summary['vault_pnl']:,.0f}" in " ".join(verdict(run).split())
    settled = whole.replace({"settlement_price": SETTLED}).run(seed=1)
    assert settled.summary["vault_pnl"] == pytest.approx(703_000, abs=50_000)
    assert vault(settled, "position_qty") == 0
    # Settled, everybody's money is what he owns: the balances of the perpetual sum to what came from outside.
    accounts = settled.exact("accounts")
    assert sum(map(int, accounts["balance"])) == 0
    assert not accounts["position_qty"].any()


def driver() -> list[pc.Ladder]:
    """Shorts that close at market on their own stops, so that the vault takes over none of them."""
    return [
        pc.Ladder(
            side="short", qty=40_000_000, lump=100_000, entry_price="0.0084", leverage=1, stop_price="0.0104"
        )
    ]


def test_with_an_isolated_vault_adl_fires_instead():
    positions = [pc.Ladder(side="short", qty=TOKENS, leverage=3, entry_price="0.00845"), *driver()]
    shared = jelly(positions=positions).run(seed=1)
    isolated = jelly(positions=positions, isolated=True).run(seed=1)
    assert len(shared.adl) == 0
    assert isolated.summary["adl_qty"] == TOKENS
    assert isolated.summary["adl_qty"] == sum(isolated.adl["qty"])
    # The vault loses what it brought and no more; counterparties bear the rest.
    assert isolated.summary["vault_pnl"] == pytest.approx(-1_000_000, abs=1e-6)
    loss = -shared.summary["vault_pnl"]
    assert isolated.summary["adl_relief"] == pytest.approx(loss - 1_000_000, abs=1)
