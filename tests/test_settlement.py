"""Who pays and what stays, by hand on worlds of one account."""

import pytest

import perpcore as pc


def world(**changes):
    return pc.presets.rocketcoin("300k").replace(changes)


def test_what_a_partial_stop_set_free_stays_with_the_trader():
    """Short 100 from 10 breaks at 12, so 212 of margin; the stop at 11 finds 50 tokens: 106 less 50 of loss.

    At 12 the other 50 go to the desk with the other 106 of margin; the 56 are his.
    """
    scenario = world(
        **{
            "positions": [pc.Ladder(side="short", qty=100, liquidation_price=12, stop_price=11)],
            "perp.asks": pc.Levels(levels=[(11, 50)]),
            "spot.asks": pc.Levels(levels=[(11, 100), (12, 1000), (13, 1000)]),
            "market_maker.quote": None,
            "market_maker.hedge_ratio": 1,
            "ignition.qty": 60,
        }
    )
    run = scenario.run(seed=1)
    rows = run.liquidations
    assert rows["mechanism"].tolist() == ["stop", "liquidation"]
    assert rows["returned"].tolist() == [56.0, 0.0]
    assert rows["taken_over_qty"].tolist() == [0.0, 50.0]
    accounts = run.accounts
    assert accounts["balance"][accounts["account"] == 8].tolist() == [56.0]
    assert accounts["margin"][accounts["account"] == 5].tolist() == [106.0]
    assert run.summary["positions_pnl"] == 56 - 212


def test_a_fund_cannot_lose_what_it_never_had():
    """What it took over and cannot pay is named apart."""
    scenario = world(
        **{
            "venue.liquidation_order": "limit_at_bankruptcy",
            "venue.insurance_fund": 100,
            "market_maker.hedge_ratio": 0.5,
            "positions[1].liquidation_price": [11.0, 11.5],
        }
    )
    summary = scenario.run(seed=1).summary
    assert summary["taken_over_qty"] > 0
    assert summary["insurance_fund_change"] == -100
    assert summary["insurance_fund_shortfall"] > 0


def test_everybodys_profit_sums_to_what_fees_and_the_venue_leave():
    summary = (run := world().run(seed=1)).summary
    holders = run.accounts["balance"][run.accounts["account"] == 3][0]
    sold = run.stages["spot_volume"].sum() * summary["final_price"]
    parts = "market_maker_pnl positions_pnl rest_of_market_pnl attacker_pnl insurance_fund_change".split()
    total = sum(summary[part] for part in parts) - summary["venue_loss"] + holders - sold
    assert total == pytest.approx(0, abs=1e-3)


def test_poisson_ladders_are_drawn_and_take_no_room_of_the_even_ones():
    ladder = pc.Ladder(side="short", qty=900_000, lump=1, liquidation_price=(11, 211), placement="poisson")
    even = pc.Ladder(side="short", qty=600_000, lump=1, liquidation_price=(11, 211))
    world(positions=[ladder, ladder, even])
    with pytest.raises(pc.ScenarioError, match="at most 1000000 accounts in all"):
        world(positions=[even, even])
    with pytest.raises(pc.ScenarioError, match="at most 1000000 accounts in all"):
        world(positions=[ladder.replace(qty=1_000_001)])


@pytest.mark.parametrize("levels", [0, 10**12])
def test_a_depth_that_cannot_be_listed_is_refused(levels):
    with pytest.raises(pc.ScenarioError, match=r"levels: \d+ is not allowed: from 1 to 1000000"):
        world().depth(levels=levels)


def test_a_run_of_too_many_fills_is_an_error_and_not_the_end_of_the_process():
    endless = world(
        **{
            "positions": [],
            "total_supply": 10**13,
            "circulating": 10**13,
            "spot.tick_size": "0.000001",
            "spot.asks": pc.Linear(depth=1_000_000),
            "ignition.qty": 10**9,
        }
    )
    with pytest.raises(pc.RunError, match="more than 10000000 fills"):
        endless.run(seed=1)


def test_many_stops_into_an_empty_book_wait_in_order():
    """Each fires once and finds nothing; its liquidation then waits where it stood."""
    scenario = world(
        **{
            "positions": [
                pc.Ladder(side="short", qty=100_000, lump=1, liquidation_price=[12, 40], stop_price=11)
            ],
            "perp.asks": pc.Levels(levels=[(11, 1)]),
            "market_maker.quote": None,
            "market_maker.hedge_ratio": 0,
            "venue.liquidations_per_round": 100,
        }
    )
    run = scenario.run(seed=1)
    assert run.summary["stopped_accounts"] == 100_000
    assert run.summary["rounds"] == 1001
