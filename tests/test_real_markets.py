"""Recorded books of thin perpetuals build, run, and add up to the last unit; skipped without ../shared."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import perpcore as pc
from perpcore.sources import gate

THIN = ("OMG", "LIT", "PHB", "SFP", "DIA")
D = Decimal


@pytest.fixture(scope="module")
def books(shared: Path) -> Path:
    folder = shared / "data" / "books"
    if not folder.is_dir():
        pytest.skip("real data: ../shared/data/books is not here")
    return folder


def market(books: Path, coin: str, **assumptions: Any) -> pc.Scenario:
    return gate.scenario(books / f"gate_book100_{coin}_USDT_20230524.json", **assumptions)


def resting(scenario: pc.Scenario, book: str, side: str) -> list[tuple[Decimal, Decimal]]:
    """Prices and tokens of one side of a book before the push, exact."""
    table = scenario.depth()
    rows = zip(table["book"], table["side"], table["price"], table["qty"], strict=True)
    return [(D(repr(float(p))), D(repr(float(q)))) for b, s, p, q in rows if (b, s) == (book, side)]


def cost_to_lift(scenario: pc.Scenario, book: str, share: str) -> Decimal:
    """Quote currency that buys every ask up to `share` above the start price."""
    limit = D(scenario.start_price) * (1 + D(share))
    return sum((p * q for p, q in resting(scenario, book, "ask") if p <= limit), D(0))


def adds_up(run: pc.Run) -> None:
    """Money, tokens and positions of a run are conserved, by its exact tables."""
    ledger, accounts, summary = run.exact("ledger"), run.exact("accounts"), run.exact("summary")
    ids = accounts["account"]
    balances = {int(account): 0 for account in ids}
    rows = zip(ledger["from_account"], ledger["to_account"], ledger["amount"], strict=True)
    for source, target, amount in rows:
        assert amount > 0
        balances[int(source)] -= int(amount)
        balances[int(target)] += int(amount)
    assert balances == dict(zip(ids.tolist(), accounts["balance"].tolist(), strict=True))
    assert sum(balances.values()) == 0
    assert accounts["position_qty"].sum() == 0
    clearing = -4
    assert balances[clearing] == -sum(accounts["cost"].tolist())
    lots = D(run.scenario.circulating) / D(run.scenario.spot.lot_size)
    assert accounts["tokens"].sum() == lots
    assert summary["bad_debt"] == summary["paid_by_fund"] + summary["venue_loss"]
    assert all(balance >= 0 for account, balance in balances.items() if account not in (-1, clearing, -5))


@pytest.mark.parametrize("coin", THIN)
def test_a_thin_market_builds_and_runs(books: Path, coin: str) -> None:
    s = market(books, coin)
    run = s.run(seed=1)
    y = run.summary
    adds_up(run)
    assert pc.Scenario.from_toml(s.to_toml()) == s
    assert set(gate.assumptions(s)) >= {"spot depth", "float", "shorts", "market maker"}
    # All shorts are there, in about two thousand accounts, and none breaks before the push.
    assert 1000 <= run.exact("accounts")["account"].max() - 7 <= 2000
    assert y["start_price"] == float(s.start_price)
    assert y["ignition_cost"] == pytest.approx(float(cost_to_lift(s, "spot", "0.1")))
    assert y["stop_reason"] == "quiet"
    assert y["peak_price"] >= y["final_price"] > y["start_price"]
    assert 0 <= y["fuel_burnt"] <= 1
    # The float that is assumed never runs out.
    assert not y["spot_exhausted"]


def test_omg_is_a_real_rocketcoin(books: Path) -> None:
    s = market(books, "OMG")
    ladder = s.positions[0]
    assert ladder.qty == 4_934_048
    assert D(ladder.qty) * D(s.start_price) == D("3804644.4128")  # $3.80 M of open interest
    recorded = s.replace({"market_maker.quote": None})  # without what he will offer anew
    assert round(cost_to_lift(recorded, "perp", "0.1") / 1000) == 197  # $197k lifts it 10 %
    # Nineteen times what that costs, and fourteen times all that was on offer.
    on_offer = sum(q for _, q in resting(recorded, "perp", "ask"))
    assert on_offer == 343_987
    # 1.05 / 1.025 and 2 / 1.025 of the mark, inward to the tick.
    assert ladder.liquidation_price == (D("0.7900"), D("1.5045"))


def test_omg_runs_away(books: Path) -> None:
    run = market(books, "OMG").run(seed=1)
    y = run.summary
    # Half of $197k buys every short out: the perpetual's book cannot fill them, the fund is left with most.
    assert 98_000 < y["ignition_cost"] < 99_000
    assert y["fuel_burnt"] == 1
    assert 2 < y["peak_multiple"] < 8
    assert y["forced_buy_notional"] > 3_804_644  # all of it, above the mark it was entered at
    assert y["taken_over_qty"] > 0.5 * 4_934_048
    assert 0 < y["hedge_qty"] < 0.3 * 4_934_048
    assert y["hedge_qty"] + y["taken_over_qty"] == 4_934_048  # h = 1: what he sold he bought
    assert y["insurance_fund_change"] == 0  # it had nothing
    assert y["insurance_fund_shortfall"] > y["bad_debt"] > 0
    stages = run.stages
    assert (np.diff(stages["mark"]) >= 0).all()
    assert stages["liquidated_accounts"].sum() == y["liquidated_accounts"]


def test_what_decides_about_omg(books: Path) -> None:
    def burnt(**assumptions: Any) -> float:
        return float(market(books, "OMG", **assumptions).run(seed=1).summary["fuel_burnt"])

    # The push has to reach the first shorts, 2.4 % up; a little more is enough.
    assert burnt(ignition_lift="0.024") == 0
    assert burnt(ignition_lift="0.03") == 1
    # It stalls in a spot book ten times the perpetual's, or if one token in twenty is hedged.
    assert burnt(spot_depth_ratio=5) == 1
    assert burnt(spot_depth_ratio=10) < 0.2
    assert burnt(hedge_ratio="0.05") < 0.2
    # A leverage cap of five takes the first shorts out of the push's reach.
    assert burnt(short_leverage=(1, 5)) == 0


def test_a_deeper_spot_book_needs_a_bigger_push(books: Path) -> None:
    costs = [
        market(books, "OMG", spot_depth_ratio=ratio).run(seed=1).summary["ignition_cost"]
        for ratio in ("0.25", "0.5", "1", "2", "5")
    ]
    assert costs == sorted(set(costs))
    assert costs[-1] == pytest.approx(20 * costs[0], rel=0.01)


def test_the_wrong_contract_is_noticed(books: Path) -> None:
    with pytest.raises(pc.ScenarioError, match="another's book"):
        market(books, "OMG", contract="DIA_USDT")
    with pytest.raises(
        pc.ScenarioError, match=r"asks\[0\].p: 0.7711 .* a positive multiple of order_price_round"
    ):
        market(books, "OMG", contract="BTC_USDT")
    with pytest.raises(pc.ScenarioError, match="did you mean OMG_USDT"):
        market(books, "OMG", contract="OMGG_USDT")


@pytest.mark.parametrize(
    "name", ["gate_contracts_20230524.json", "binance_um_depth1000_SUSHIUSDT_20210722.json"]
)
def test_another_file_is_not_taken_for_a_book(books: Path, name: str) -> None:
    contracts = books / "gate_contracts_20230524.json"
    with pytest.raises(pc.ScenarioError, match=name.replace(".", r"\.")):
        gate.scenario(books / name, contracts=contracts, contract="OMG_USDT")
