//! Frictions as they are written down, and read: those of the venue, of the market maker, and of quotes that come back.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::check::{Check, billionths, double, ratio};
use super::clock::Clock;
use super::law::Sizes;
use super::scenario::{Around, MarketMakerSpec, MarketSpec, QuoteSpec, VenueSpec};
use super::venue::is_steep;
use crate::margin::{MarginRule, MarginTiers, TierRule};
use crate::units::{Lots, Quote, Rate};
use crate::venue::{Frictions, Halt, Stress};
use crate::world::agents::Skew;

/// Maintenance rates under stress at most, in billionths.
const MOST: i64 = 990_000_000;

/// Moves, and factors, at most.
const FAR: Decimal = Decimal::ONE_THOUSAND;

/// A circuit breaker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct HaltSpec {
    #[serde(rename = "move")]
    pub movement: Decimal,
    pub window_s: Decimal,
    pub pause_s: Decimal,
}

/// Margin that rises when the mark moves far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct StressSpec {
    #[serde(rename = "move")]
    pub movement: Decimal,
    pub window_s: Decimal,
    pub factor: Decimal,
}

/// What keeps the market maker from quoting and hedging as he would.
#[derive(Clone, Copy, Debug, Default)]
pub struct MakerFrictions {
    /// Steps until he hedges.
    pub latency: u64,
    /// Spot lots that he lets his hedge be wrong by.
    pub band: Lots,
    /// Lots at which he no longer quotes what would add to them.
    pub inventory_limit: Option<Lots>,
    /// How his quotes move with what he holds.
    pub skew: Skew,
    /// How much wider he quotes for each tick that the mark has moved.
    pub widen: Rate,
    /// The relative move at which he does not quote.
    pub withdraw: Option<Rate>,
    /// For so many steps after it.
    pub withdrawn: u64,
}

/// How fast quotes that were filled come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The part of what is missing that a step brings, in units of 2^-32.
    alpha: i64,
    /// Lots of a side at full strength.
    full: i128,
}

impl Recovery {
    /// Full strength.
    pub const FULL: i64 = 1 << 32;

    /// The strength after so many lots were filled, one step later if `passed`.
    #[allow(clippy::cast_possible_truncation)] // below 2^32
    pub fn after(self, strength: i64, filled: Lots, passed: bool) -> i64 {
        let lost = (i128::from(filled.0) << 32) / self.full;
        let strength = i64::try_from(i128::from(strength) - lost).unwrap_or(0).max(0);
        let missing = i128::from(Recovery::FULL - strength);
        strength + if passed { ((missing * i128::from(self.alpha)) >> 32) as i64 } else { 0 }
    }

    /// What a level of so many lots has at this strength.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // no more than they are
    pub const fn part(strength: i64, lots: Lots) -> Lots {
        Lots(((lots.0 as i128 * strength as i128) >> 32) as i64)
    }
}

/// Whether a run through time is what a field needs; a venue in no scenario yet may have all.
fn needs_time(check: &mut Check, clock: &Clock, field: &str, value: impl std::fmt::Display, off: &str) {
    let timed = clock.steps.is_some() || check.off_grid;
    check.require(timed, field, value, &format!("{off} without time: the cascade is instant"));
}

/// Steps, rounded up, no more than there are in the run: beyond them all is as at the start.
fn steps(check: &mut Check, clock: &Clock, field: &str, seconds: Decimal) -> u64 {
    let steps = clock.rounds(check, field, seconds);
    clock.steps.map_or(0, |all| steps.min(all.count))
}

/// A relative move of more than nothing.
fn movement(check: &mut Check, field: &str, value: Decimal) -> Rate {
    Rate(billionths(check.positive(field, value, FAR)).max(1))
}

/// The venue's.
pub(super) fn of_venue(
    check: &mut Check,
    spec: &VenueSpec,
    clock: &Clock,
    (tiers, at_entry, close_fee): (&MarginTiers, bool, Rate),
) -> Frictions {
    let price_band = spec.price_band.map(|band| {
        let ok = band > Decimal::ZERO && band < Decimal::ONE;
        check.require(ok, "venue.price_band", band, "more than 0, less than 1");
        Rate(billionths(band.clamp(Decimal::ZERO, Decimal::ONE)).clamp(1, Rate::ONE - 1))
    });
    let halt = spec.halt.as_ref().map(|halt| {
        needs_time(check, clock, "venue.halt", "a halt", "none");
        Halt {
            movement: movement(check, "venue.halt.move", halt.movement),
            window: steps(check, clock, "venue.halt.window_s", halt.window_s).max(1),
            pause: steps(check, clock, "venue.halt.pause_s", halt.pause_s),
        }
    });
    let stress = spec.stress_margin.as_ref().map(|stress| {
        needs_time(check, clock, "venue.stress_margin", "a stress margin", "none");
        let factor = check.rate("venue.stress_margin.factor", stress.factor, Decimal::ONE, FAR);
        let tiers = stressed(tiers, factor.0.max(Rate::ONE));
        let steep = steep(&tiers, close_fee);
        let allowed = "a factor at which maintenance with close_fee grows by at most 0.99 of the notional";
        check.require(!steep, "venue.stress_margin.factor", stress.factor, allowed);
        Box::new(Stress {
            movement: movement(check, "venue.stress_margin.move", stress.movement),
            window: steps(check, clock, "venue.stress_margin.window_s", stress.window_s).max(1),
            margin: MarginRule::new(&tiers, at_entry, close_fee, spec.trigger),
            tiers,
        })
    });
    Frictions { price_band, halt, stress }
}

/// The brackets with rates so many times as high and leverages as low.
#[allow(clippy::cast_possible_truncation)] // both below what they were, or below one
fn stressed(tiers: &MarginTiers, factor: i64) -> MarginTiers {
    let (one, factor) = (i128::from(Rate::ONE), i128::from(factor));
    let brackets: Vec<(Quote, Rate, i64)> = tiers
        .tiers()
        .iter()
        .map(|tier| {
            let rate = (i128::from(tier.rate.0) * factor / one).min(MOST.into()) as i64;
            let leverage = (i128::from(tier.max_leverage) * one / factor).max(1) as i64;
            (tier.min_notional, Rate(rate), leverage)
        })
        .collect();
    MarginTiers::under(tiers.rule(), &brackets)
}

fn steep(tiers: &MarginTiers, close_fee: Rate) -> bool {
    let all = tiers.tiers();
    all.iter().enumerate().any(|(i, tier)| {
        let below = i.checked_sub(1).map(|i| &all[i]).filter(|_| tiers.rule() == TierRule::Linear);
        let below = below.map(|tier| (tier.min_notional, tier.rate, tier.max_leverage));
        is_steep(below.as_ref(), (tier.min_notional, tier.rate), close_fee)
    })
}

/// The market maker's, if he has any.
pub(super) fn of_maker(
    check: &mut Check,
    spec: &MarketMakerSpec,
    [spot, market]: [&MarketSpec; 2],
    clock: &Clock,
) -> Option<MakerFrictions> {
    let field = |name: &str| format!("market_maker.{name}");
    let zero = Decimal::ZERO;
    let late = !spec.hedge_latency_s.is_zero();
    let banded = !spec.hedge_band.is_zero();
    let moves = spec.withdraw_move.is_some() || !spec.withdraw_s.is_zero();
    let quotes = [
        ("inventory_limit", spec.inventory_limit.unwrap_or_default(), spec.inventory_limit.is_some()),
        ("skew", spec.skew, !spec.skew.is_zero()),
        ("widen", spec.widen, !spec.widen.is_zero()),
        ("withdraw_move", spec.withdraw_move.unwrap_or_default(), spec.withdraw_move.is_some()),
    ];
    if !late && !banded && !moves && quotes.iter().all(|&(.., given)| !given) {
        return None;
    }
    for (name, value, given) in quotes {
        let ok = !given || spec.quote.is_some();
        check.require(ok, &field(name), value, "nothing without market_maker.quote: it moves his quotes");
    }
    if late {
        let (name, latency) = (field("hedge_latency_s"), spec.hedge_latency_s);
        needs_time(check, clock, &name, latency, "0");
        let comes = clock.steps.is_none_or(|all| clock.rounds(check, &name, latency) < all.count);
        check.require(comes, &name, latency, "less than time.horizon_s: this hedge would never come");
    }
    if let Some(movement) = spec.withdraw_move {
        needs_time(check, clock, &field("withdraw_move"), movement, "none");
    }
    let alone = spec.withdraw_move.is_none() && !spec.withdraw_s.is_zero();
    check.require(!alone, &field("withdraw_s"), spec.withdraw_s, "0 without withdraw_move");
    Some(MakerFrictions {
        latency: steps(check, clock, &field("hedge_latency_s"), spec.hedge_latency_s),
        band: check.qty(&field("hedge_band"), spec.hedge_band, spot.lot_size, 0),
        inventory_limit: spec
            .inventory_limit
            .map(|limit| check.qty(&field("inventory_limit"), limit, market.lot_size, 1)),
        skew: skew(check, &field("skew"), spec.skew, market),
        widen: check.rate(&field("widen"), spec.widen, zero, FAR),
        withdraw: spec.withdraw_move.map(|far| movement(check, &field("withdraw_move"), far)),
        withdrawn: steps(check, clock, &field("withdraw_s"), spec.withdraw_s),
    })
}

/// By how much quotes move with what who posts them holds, in ticks a lot.
fn skew(check: &mut Check, field: &str, value: Decimal, market: &MarketSpec) -> Skew {
    let skew = check.rate(field, value, Decimal::ZERO, Decimal::from(1_000_000));
    let per_lot = ratio(market.lot_size, market.tick_size).unwrap_or((1, 1));
    let exact = i128::from(skew.0).checked_mul(per_lot.0).zip(per_lot.1.checked_mul(Rate::ONE.into()));
    check.require(exact.is_some(), field, value, "less: it takes more than 128 bits");
    let (n, d) = exact.unwrap_or((0, 1));
    if skew.0 == 0 { Skew::default() } else { Skew { n, d } }
}

/// How holders' quotes move with what they bought; the market maker has a skew of his own.
pub(super) fn of_quotes(
    check: &mut Check,
    field: &str,
    spec: &QuoteSpec,
    spot: &MarketSpec,
    clock: &Clock,
) -> Skew {
    let path = format!("{field}.skew");
    if field != "spot.quote" {
        check.require(spec.skew.is_zero(), &path, spec.skew, "0: the market maker's is market_maker.skew");
        return Skew::default();
    }
    let ok = spec.skew.is_zero() || spec.around == Around::Start && clock.steps.is_some();
    check.require(ok, &path, spec.skew, "0, but around the start price in a run through time");
    skew(check, &path, spec.skew, spot)
}

/// How a market's quotes come back, if they do not at once.
pub(super) fn recovery(
    check: &mut Check,
    field: &str,
    spec: &QuoteSpec,
    sizes: &Sizes,
    clock: &Clock,
) -> Option<Recovery> {
    let (half_life, field) = (spec.recovery_half_life_s, format!("{field}.recovery_half_life_s"));
    if half_life.is_zero() {
        return None;
    }
    let most = Decimal::from(1_000_000_000);
    let ok = half_life > Decimal::ZERO && half_life <= most;
    check.require(ok, &field, half_life, "from 0 to 1000000000 seconds");
    needs_time(check, clock, &field, half_life, "0");
    let away = double(clock.round_seconds) * std::f64::consts::LN_2 / double(half_life);
    #[allow(clippy::cast_possible_truncation)] // at most 2^32
    let alpha = (-libm::expm1(-away) * 4_294_967_296.0).floor() as i64;
    Some(Recovery { alpha, full: (i128::from(spec.levels) * sizes.mean()).max(1) })
}
