//! Dresses random scenarios with random venue rules, and with more people on the other side.

use perpcore::margin::TierRule;
use perpcore::random::DistributionSpec;
use perpcore::venue::{
    AdlPrice, AdlRank, AdlTrigger, Leftover, LiquidationOrder, LossSharing, MarkPrice, Rest,
};
use perpcore::world::World;
use perpcore::world::scenario::{
    AdlSpec, BackstopSpec, IgnitionMarket, IgnitionSide, Law, LiquidationSizeSpec, Liquidity, MarginMode,
    PopulationSpec, PositionSide, PositionsSpec, Scenario, TierSpec, VenueSpec,
};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::random_scenario::{self, Dice};

/// A scenario under random rules.
#[allow(dead_code)] // one test draws no rules
pub fn draw(seed: u64) -> (Scenario, World) {
    dressed(seed, |dice, scenario| {
        let money = notional(scenario);
        venue(dice, &mut scenario.venue, money);
        if dice.chance(0.12) {
            tear(dice, scenario);
        }
        common(dice, scenario);
        scenario.round_seconds = dice.pick(&[0, 0, 1, 3, 10]).into();
        if dice.chance(0.15) {
            let part = dice.between(0.4, 2.2);
            scenario.settlement_price = Some(near(scenario.start_price, part, scenario.perp.tick_size));
        }
    })
}

/// A scenario under a venue's own rules, its sums of money scaled so that the scenario's accounts reach several tiers.
#[allow(dead_code)] // one test has no presets
pub fn under(seed: u64, preset: &VenueSpec) -> (Scenario, World) {
    dressed(seed, |dice, scenario| put_under(dice, scenario, preset))
}

/// Puts a scenario under a preset; a world may refuse it.
pub fn put_under(dice: &mut Dice, scenario: &mut Scenario, preset: &VenueSpec) {
    let (money, old) = (notional(scenario), scenario.venue.clone());
    scenario.venue = VenueSpec {
        liquidations_per_round: dice.maybe(0.5, |dice| i64::try_from(1 + dice.next() % 12).unwrap()),
        max_rounds: 60,
        insurance_fund: old.insurance_fund,
        ..scaled(preset, money * dice.scale(0.05, 3.0))
    };
    if let Some(backstop) = &mut scenario.venue.backstop {
        backstop.capital = dice.maybe(0.5, |dice| rough(money * dice.scale(1e-4, 0.3))).unwrap_or_default();
        backstop.isolated = dice.chance(0.5);
    }
    if let Some(funding) = &mut scenario.venue.funding {
        funding.next_in_s = dice.pick(&[None, Some(0), Some(0), Some(20)]).map(Decimal::from);
    }
    common(dice, scenario);
    scenario.round_seconds = dice.pick(&[0, 1, 10, 120]).into();
}

/// What every dressed scenario gets.
fn common(dice: &mut Dice, scenario: &mut Scenario) {
    if dice.chance(0.6) {
        let money = notional(scenario);
        scenario.venue.insurance_fund =
            dice.maybe(0.6, |dice| rough(money * dice.scale(1e-5, 1e-2))).unwrap_or_default();
    }
    wallets(dice, scenario);
    for _ in 0..dice.next() % 3 {
        let others = counterparties(dice, scenario);
        scenario.positions.push(others);
    }
}

/// Draws until a world accepts it.
fn dressed(seed: u64, dress: impl Fn(&mut Dice, &mut Scenario)) -> (Scenario, World) {
    let mut dice = Dice::new(seed ^ 0x5EED_0F0F_1234_ABCD);
    for attempt in 0..100 {
        // Building a world is most of the work, so each serves several times.
        let (bare, _) = random_scenario::draw(seed.wrapping_add(attempt << 32));
        for _ in 0..4 {
            let mut scenario = bare.clone();
            dress(&mut dice, &mut scenario);
            if let Ok(world) = World::build(&scenario) {
                return (scenario, world);
            }
        }
    }
    panic!("seed {seed}: 400 scenarios refused");
}

fn rough(x: f64) -> Decimal {
    Decimal::try_from(x).unwrap().round_dp(6)
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// A part of a price, on the tick.
fn near(price: Decimal, part: f64, tick: Decimal) -> Decimal {
    ((price * rough(part)) / tick).round().max(Decimal::ONE) * tick
}

/// Of the push, at the start.
fn notional(scenario: &Scenario) -> f64 {
    (scenario.ignition.as_ref().unwrap().qty * scenario.start_price).to_f64().unwrap()
}

fn venue(dice: &mut Dice, venue: &mut VenueSpec, money: f64) {
    use LiquidationOrder::{Fillable, LimitAtBankruptcy, Market};
    venue.tier_rule = dice.pick(&[TierRule::Marginal, TierRule::WholePosition, TierRule::Linear]);
    let at = dice.pick(&[r#""mark""#, r#""mark""#, r#""entry""#]);
    venue.maintenance_at = serde_json::from_str(at).unwrap();
    venue.close_fee = dice.pick(&["0", "0", "0.0005", "0.002"].map(decimal));
    venue.liquidation_size = size(dice, money);
    venue.liquidation_order = dice.pick(&[Market, LimitAtBankruptcy, Fillable]);
    venue.fillable_spread = dice.pick(&["0", "1.5", "1.5", "10"].map(decimal));
    venue.bankruptcy_adjustment = dice.pick(&["1", "1", "2.5"].map(decimal));
    venue.rest = dice.pick(&[Rest::Takeover, Rest::Keep]);
    venue.leftover = dice.pick(&[Leftover::Fund, Leftover::Trader]);
    venue.liquidation_fee = dice.pick(&["0", "0.0005", "0.0125"].map(decimal));
    venue.backstop = dice.maybe(0.45, |dice| BackstopSpec {
        below: rough(dice.between(0.2, 1.0)),
        capital: dice.maybe(0.6, |dice| rough(money * dice.scale(1e-4, 0.3))).unwrap_or_default(),
        isolated: dice.chance(0.8),
    });
    venue.adl = dice.maybe(0.7, |dice| AdlSpec {
        trigger: dice.pick(&[AdlTrigger::FundExhausted, AdlTrigger::FundDrawdown, AdlTrigger::Always]),
        drawdown: rough(dice.between(0.0, 1.0)),
        rank: dice.pick(&[
            AdlRank::ProfitLeverage,
            AdlRank::Hyperliquid,
            AdlRank::ProfitShare,
            AdlRank::Size,
            AdlRank::Random,
        ]),
        price: dice.pick(&[AdlPrice::Bankruptcy, AdlPrice::PreviousMark]),
    });
    venue.loss_sharing = dice.pick(&[LossSharing::None, LossSharing::Profits]);
    venue.max_rounds = venue.max_rounds.min(25);
}

fn size(dice: &mut Dice, money: f64) -> LiquidationSizeSpec {
    match dice.next() % 3 {
        0 => LiquidationSizeSpec::All,
        1 => LiquidationSizeSpec::Tiers { tiers: dice.pick(&[1, 1, 2]) },
        _ => LiquidationSizeSpec::Share {
            share: dice.pick(&["0.05", "0.2", "0.5", "1"].map(decimal)),
            least_notional: dice.maybe(0.4, |dice| rough(money * dice.scale(1e-5, 1e-2))).unwrap_or_default(),
            whole_below: dice.maybe(0.4, |dice| rough(money * dice.scale(1e-5, 1e-2))).unwrap_or_default(),
            cooldown_s: dice.pick(&[0, 0, 2, 15]).into(),
            whole_within_s: dice.pick(&[0, 0, 5, 30]).into(),
        },
    }
}

/// Some ladders that know their leverage have money behind them.
fn wallets(dice: &mut Dice, scenario: &mut Scenario) {
    for positions in &mut scenario.positions {
        if let PositionsSpec::Ladder(ladder) = positions
            && ladder.leverage.is_some()
            && dice.chance(0.5)
        {
            let lump = (ladder.lump.unwrap_or_default() * scenario.start_price).to_f64().unwrap();
            ladder.margin_mode = MarginMode::Cross;
            ladder.wallet = rough(lump * dice.scale(1e-3, 0.3));
        }
    }
}

/// People whom the push makes rich.
fn counterparties(dice: &mut Dice, scenario: &Scenario) -> PositionsSpec {
    let sells = scenario.ignition.as_ref().unwrap().side == IgnitionSide::Sell;
    let uniform =
        |low: f64, high: f64| Law::Drawn(DistributionSpec::Uniform { low: rough(low), high: rough(high) });
    let (start, money) = (scenario.start_price.to_f64().unwrap(), notional(scenario));
    let (low, high) = if sells { (0.99, 1.08) } else { (0.92, 1.01) };
    let each = money / dice.scale(0.5, 40.0);
    PositionsSpec::Population(PopulationSpec {
        side: if sells { PositionSide::Short } else { PositionSide::Long },
        accounts: rough(dice.scale(2.0, 60.0)),
        // A law of entries takes long to build.
        entry_price: if dice.chance(0.1) {
            Some(uniform(start * low, start * high))
        } else {
            let part = dice.between(low, high);
            dice.maybe(0.7, |_| Law::Number(near(scenario.start_price, part, scenario.perp.tick_size)))
        },
        leverage: uniform(dice.between(1.2, 4.0), dice.between(5.0, 25.0)),
        notional: uniform(each * 0.05, each),
    })
}

/// The push in the perpetual leaves the market maker on the side that wins as the mark goes where spot's mid lies.
fn tear(dice: &mut Dice, scenario: &mut Scenario) {
    let rises = dice.chance(0.5);
    let (start, qty) = (scenario.start_price, scenario.ignition.as_ref().unwrap().qty);
    let spot_tick = scenario.spot.tick_size;
    let mut levels = |far: f64, near_by: f64, up: f64, tick: Decimal, lot: Decimal| {
        let part = if dice.chance(0.5) { far } else { near_by };
        let lots = (qty / lot).round().max(Decimal::ONE) * lot * Decimal::from(1 + dice.next() % 6);
        let levels = vec![(near(start, 1.0 + up * part, tick), lots)];
        Some(Liquidity::Levels { levels, tail_depth: None, noise: None })
    };
    let lot = scenario.spot.lot_size;
    let (ask, bid) = if rises { (0.3, 0.01) } else { (0.01, 0.3) };
    scenario.spot.asks = levels(ask, ask / 2.0, 1.0, spot_tick, lot);
    scenario.spot.bids = levels(bid, bid / 2.0, -1.0, spot_tick, lot);
    let (tick, lot) = (scenario.perp.tick_size, scenario.perp.lot_size);
    scenario.perp.asks = levels(0.02, 0.005, 1.0, tick, lot);
    scenario.perp.bids = levels(0.02, 0.005, -1.0, tick, lot);
    scenario.venue.mark = MarkPrice::MeanOfMids;
    scenario.ignition.as_mut().unwrap().market = IgnitionMarket::Perp;
    scenario.ignition.as_mut().unwrap().side = if rises { IgnitionSide::Sell } else { IgnitionSide::Buy };
    scenario.market_maker.hedge_ratio = dice.pick(&["0", "0.2"].map(decimal));
}

/// The tiers and sums of a preset, so that its middle tier begins at about `money`.
fn scaled(preset: &VenueSpec, money: f64) -> VenueSpec {
    let middle = preset.tiers[preset.tiers.len() / 2].min_notional.to_f64().unwrap();
    let factor = if middle > 0.0 { money / middle } else { 1.0 };
    let part = |sum: Decimal| rough(sum.to_f64().unwrap() * factor);
    let mut venue = preset.clone();
    // Leverage caps only say which scenarios there can be.
    let max_leverage = Decimal::from(125);
    let tier = |t: &TierSpec| TierSpec { min_notional: part(t.min_notional), max_leverage, ..t.clone() };
    venue.tiers = preset.tiers.iter().map(tier).collect();
    if let LiquidationSizeSpec::Share { least_notional, whole_below, .. } = &mut venue.liquidation_size {
        (*least_notional, *whole_below) = (part(*least_notional), part(*whole_below));
    }
    venue.impact_notional = part(venue.impact_notional);
    venue
}
