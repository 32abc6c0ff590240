//! What random scenarios found in the engine, each as small as it gets.

mod common;

use common::{Setup, decimal, ladder};
use perpcore::engine::{Recorder, Simulation};
use perpcore::event::{Liquidation, Mechanism};
use perpcore::margin::TierRule;
use perpcore::venue::{MarkPrice, Rest};
use perpcore::world::scenario::{
    BackstopSpec, IgnitionSide, LiquidationSizeSpec, Liquidity, PositionSide, PositionsSpec, Scenario,
    Spread, TierSpec,
};
use rust_decimal::Decimal;

fn orders(setup: &Setup) -> Vec<(u64, Liquidation)> {
    let mut simulation = Simulation::new(&setup.world(), 0, 0, Recorder::default()).unwrap();
    simulation.run().unwrap();
    simulation.into_trace().liquidations
}

/// One short of 1,000 tokens that breaks at 11, with a stop; liquidated by halves, with a long wait between them.
fn by_halves(stop: Decimal) -> Vec<(u64, Liquidation)> {
    let mut short = ladder(Decimal::from(11), None).qty(1_000).lump(1_000);
    short.0.stop_price = Some(Spread::One(stop));
    let setup = Setup::new().shorts(short).igniting(24_000).with(|scenario| {
        scenario.venue.rest = Rest::Keep;
        scenario.venue.liquidation_size = LiquidationSizeSpec::Share {
            share: decimal("0.5"),
            least_notional: Decimal::ZERO,
            whole_below: Decimal::ZERO,
            cooldown_s: Decimal::from(1_000),
            whole_within_s: Decimal::ZERO,
        };
        scenario.round_seconds = Decimal::from(500);
        scenario.venue.max_rounds = 4;
    });
    orders(&setup)
}

#[test]
fn a_stop_behind_a_partial_liquidation_of_the_round_before_still_fires() {
    let orders = by_halves(decimal("11.05"));
    let rows: Vec<_> = orders.iter().map(|(round, o)| (*round, o.mechanism, o.filled_qty.0)).collect();
    // Distances from 10: 1.00 and 1.05; the liquidation is first, the stop is skipped in its round and sent in the next.
    assert_eq!(rows[..2], [(1, Mechanism::Liquidation, 500), (2, Mechanism::Stop, 500)], "{rows:?}");
    assert_eq!(rows.len(), 2);
}

fn cliff(scenario: &mut Scenario) {
    let tier = |floor: &str, rate: &str| TierSpec {
        min_notional: decimal(floor),
        maintenance_rate: decimal(rate),
        max_leverage: decimal("10"),
    };
    scenario.venue.tiers = vec![tier("0", "0.01"), tier("9500", "0.09")];
    scenario.venue.tier_rule = TierRule::WholePosition;
    (scenario.spot.bids, scenario.spot.asks) = (scenario.spot.asks.clone(), None::<Liquidity>);
    scenario.ignition.as_mut().unwrap().side = IgnitionSide::Sell;
}

/// A long of 1,000 at 10 with 1,250 behind it: due from 9.61 to 9.50, where 9 % of it is held against it, and not
/// below, where 1 % is, down to 8.84.
#[test]
fn a_long_beyond_a_cliff_is_above_maintenance() {
    let mut long = ladder(Decimal::from(8), None).qty(1_000).lump(1_000);
    (long.0.side, long.0.liquidation_price) = (PositionSide::Long, None);
    long.0.leverage = Some(Spread::One(decimal("8")));
    let sold = |tokens| {
        let mut setup = Setup::new().igniting(tokens).with(cliff);
        setup.0.positions.push(PositionsSpec::Ladder(long.0.clone()));
        orders(&setup).iter().map(|(_, order)| order.mark.0).collect::<Vec<_>>()
    };
    assert_eq!(sold(6_000), [] as [i64; 0], "9.70: not yet");
    assert_eq!(sold(9_600), [952], "in the upper tier");
    assert_eq!(sold(16_000), [] as [i64; 0], "9.20: in the lower one");
    assert_eq!(sold(25_000), [875], "and due there again");
}

/// Spot's mid jumps to 14 and comes back to 9.01: the vault takes the short over at a mark of 12, and at 9.50 the long is
/// below zero. Of its 1,500 only the 500 that the rest of the market is short can be closed against anybody.
#[test]
fn what_nobody_can_be_closed_against_goes_to_the_desk_and_into_the_record() {
    let account = |side, qty, leverage: &str| {
        let mut one = ladder(Decimal::from(11), None).qty(qty).lump(qty).0;
        (one.side, one.liquidation_price) = (side, None);
        one.leverage = Some(Spread::One(decimal(leverage)));
        PositionsSpec::Ladder(one)
    };
    let setup = Setup::new().igniting(100).with(|scenario| {
        let levels = |levels: &[(&str, i64)]| {
            let levels = levels.iter().map(|&(price, qty)| (decimal(price), Decimal::from(qty))).collect();
            Some(Liquidity::Levels { levels, tail_depth: None, noise: None })
        };
        scenario.spot.asks = levels(&[("10.01", 100), ("20", 100_000)]);
        scenario.spot.bids = levels(&[("8", 100_000)]);
        let quote = r#"{"side": "asks", "half_spread": "0.01", "level_qty": "10"}"#;
        scenario.spot.quote = Some(serde_json::from_str(quote).unwrap());
        // Nobody bids for the perpetual: its mid is its last price.
        (scenario.perp.asks, scenario.market_maker.quote) = (levels(&[("1000", 1)]), None);
        scenario.venue.mark = MarkPrice::MeanOfMids;
        let (below, capital) = (Decimal::ONE, Decimal::ZERO);
        scenario.venue.backstop = Some(BackstopSpec { below, capital, isolated: false });
        scenario.venue.adl = Some(serde_json::from_str("{}").unwrap());
        scenario.positions =
            vec![account(PositionSide::Long, 1_500, "50"), account(PositionSide::Short, 1_000, "5")];
    });
    let rows: Vec<_> = orders(&setup)
        .iter()
        .map(|(round, o)| (*round, o.mark.0, o.mechanism, o.taken_over_qty.0, o.adl_qty.0))
        .collect();
    let vault = (1, 1200, Mechanism::Backstop, 1_000, 0);
    let desk = (2, 951, Mechanism::Deleveraging, 1_000, 500);
    assert_eq!(rows, [vault, desk]);
}
