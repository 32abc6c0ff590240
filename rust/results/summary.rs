//! The summary as named columns: DESIGN section 5. One table says what there is; runs and ensembles read it.

use super::Names;
use crate::engine::Summary;
use crate::event::Market;
use crate::units::{Rate, Side, Unit, narrow};
use crate::world::World;

/// What the integer of a column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Spot ticks.
    SpotPrice,
    /// Spot lots.
    SpotQty,
    /// Lots of the perpetual.
    PerpQty,
    /// Quantity of the push, in the market it is in.
    PushQty,
    /// Quote steps.
    Money,
    /// Steps of the money at the perpetual's venue: coin steps if its contract is inverse, or else quote steps.
    VenueMoney,
    /// Things.
    Count,
    /// Billionths: the floor of `a x 10^9 / b`.
    Ratio,
    /// 0 or 1.
    YesNo,
    /// A code of [`STOP_REASONS`].
    StopReason,
}

/// Where a column's integer comes from.
#[derive(Clone, Copy)]
pub enum Of {
    /// The summary holds it.
    Summary(fn(&Summary) -> i64),
    /// As before, but only shown among the integers: it stands behind a ratio.
    Behind(fn(&Summary) -> i64),
    /// The quotient of two other columns, for a push on this side; shown in units only.
    Quotient(fn(Side) -> (&'static str, &'static str)),
}

/// One column of the summary.
#[derive(Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it counts.
    pub kind: Kind,
    /// Where it comes from.
    pub of: Of,
}

/// The names of `stop_reason`, by code.
pub const STOP_REASONS: Names = &["quiet", "max_rounds", "spot_exhausted", "horizon", "unfinished"];

const fn column(name: &'static str, kind: Kind, of: fn(&Summary) -> i64) -> Column {
    Column { name, kind, of: Of::Summary(of) }
}

const fn behind(name: &'static str, kind: Kind, of: fn(&Summary) -> i64) -> Column {
    Column { name, kind, of: Of::Behind(of) }
}

const fn ratio(name: &'static str, of: fn(Side) -> (&'static str, &'static str)) -> Column {
    Column { name, kind: Kind::Ratio, of: Of::Quotient(of) }
}

#[allow(clippy::cast_possible_wrap)]
const fn count(n: u64) -> i64 {
    n as i64
}

/// Every column, in the order it is shown; [`columns`] says which of them a run has.
pub static COLUMNS: &[Column] = {
    use Kind::{Count, Money, PerpQty, PushQty, SpotPrice, SpotQty, StopReason, VenueMoney, YesNo};
    &[
        column("ignition_cost", Money, |s| s.ignition_cost.0),
        column("ignition_qty", PushQty, |s| s.ignition_qty.0),
        column("start_price", SpotPrice, |s| s.start_price.0),
        column("peak_price", SpotPrice, |s| s.peak_price.0),
        column("final_price", SpotPrice, |s| s.final_price.0),
        ratio("peak_multiple", |_| ("peak_price", "start_price")),
        column("rounds", Count, |s| count(s.rounds)),
        column("liquidated_accounts", Count, |s| count(s.totals.liquidated_accounts)),
        column("liquidated_qty", PerpQty, |s| s.totals.liquidated_qty.0),
        column("liquidated_notional", Money, |s| s.totals.liquidated_value.0),
        column("stopped_accounts", Count, |s| count(s.totals.stopped_accounts)),
        column("stopped_qty", PerpQty, |s| s.totals.stopped_qty.0),
        column("stopped_notional", Money, |s| s.totals.stopped_value.0),
        column("taken_over_qty", PerpQty, |s| s.totals.taken_over_qty.0),
        column("forced_buy_notional", Money, |s| s.totals.forced_buy_value.0),
        column("forced_sell_notional", Money, |s| s.totals.forced_sell_value.0),
        ratio("amplification", |side| match side {
            Side::Buy => ("forced_buy_notional", "ignition_cost"),
            Side::Sell => ("forced_sell_notional", "ignition_cost"),
        }),
        ratio("fuel_burnt", |_| ("burnt_qty", "named_qty")),
        behind("burnt_qty", PerpQty, |s| s.burnt_qty.0),
        behind("named_qty", PerpQty, |s| s.named_qty.0),
        column("hedge_qty", SpotQty, |s| s.totals.hedge_qty.0),
        column("hedge_shortfall", SpotQty, |s| s.hedge_shortfall.0),
        column("insurance_fund_change", VenueMoney, |s| s.insurance_fund_change.0),
        column("insurance_fund_shortfall", VenueMoney, |s| s.insurance_fund_shortfall.0),
        column("bad_debt", VenueMoney, |s| s.totals.bad_debt.0),
        column("paid_by_fund", VenueMoney, |s| s.totals.paid_by_fund.0),
        column("venue_loss", VenueMoney, |s| s.totals.venue_loss.0),
        column("adl_accounts", Count, |s| count(s.totals.adl_accounts)),
        column("adl_qty", PerpQty, |s| s.totals.adl_qty.0),
        column("adl_notional", Money, |s| s.totals.adl_value.0),
        column("adl_relief", VenueMoney, |s| s.totals.adl_relief.0),
        column("socialised_loss", VenueMoney, |s| s.totals.socialised_loss.0),
        column("liquidation_fees", VenueMoney, |s| s.totals.liquidation_fees.0),
        column("funding_paid", VenueMoney, |s| s.totals.funding_paid.0),
        column("vault_pnl", VenueMoney, |s| s.vault_pnl.0),
        column("market_maker_pnl", Money, |s| s.market_maker_pnl.0),
        column("market_maker_unhedged_qty", SpotQty, |s| s.market_maker_unhedged_qty.0),
        column("market_maker_liquidated", YesNo, |s| i64::from(s.market_maker_liquidated)),
        column("positions_pnl", VenueMoney, |s| s.positions_pnl.0),
        column("rest_of_market_pnl", VenueMoney, |s| s.rest_of_market_pnl.0),
        column("attacker_pnl", Money, |s| s.attacker_pnl.0),
        column("spot_exhausted", YesNo, |s| i64::from(s.spot_exhausted)),
        column("stop_reason", StopReason, |s| s.stop_reason as i64),
        // From here on of runs through time only.
        column("attacker_paper_pnl", Money, |s| s.attacker_paper_pnl.0),
        column("spot_volume", SpotQty, |s| s.totals.spot_volume.0),
        column("perp_volume", PerpQty, |s| s.totals.perp_volume.0),
        column("events", Count, |s| count(s.events)),
        ratio("funding_positive_share", |_| ("positive_payments", "payments")),
        behind("positive_payments", Count, |s| count(s.positive_payments)),
        behind("payments", Count, |s| count(s.payments)),
        column("peak_open_interest", PerpQty, |s| s.peak_open_interest.0),
        ratio("locked_float_share", |_| ("locked_qty", "circulating_qty")),
        behind("locked_qty", SpotQty, |s| s.locked_float.0),
        behind("circulating_qty", SpotQty, |s| s.final_circulating.0),
    ]
};

/// How many of them an instant cascade has.
const INSTANT: usize = 43;

/// The columns of a run, through time or instant.
pub fn columns(through_time: bool) -> &'static [Column] {
    if through_time { COLUMNS } else { &COLUMNS[..INSTANT] }
}

impl Column {
    /// Where the column of this name stands in [`COLUMNS`].
    pub fn index(name: &str) -> Option<usize> {
        COLUMNS.iter().position(|column| column.name == name)
    }

    /// Where the two columns stand whose quotient this is.
    pub fn parts(&self, side: Side) -> Option<(usize, usize)> {
        let Of::Quotient(names) = self.of else { return None };
        let (a, b) = names(side);
        Some((Column::index(a)?, Column::index(b)?))
    }

    /// The exact integer; a ratio has none where its denominator is zero or it leaves 64 bits.
    pub fn exact(&self, run: &Summary) -> Option<i64> {
        match self.of {
            Of::Summary(of) | Of::Behind(of) => Some(of(run)),
            Of::Quotient(_) => {
                let (a, b) = self.parts(run.ignition_side)?;
                billionths(COLUMNS[a].exact(run)?, COLUMNS[b].exact(run)?)
            }
        }
    }

    /// Whether it is shown: among the integers, or among the units.
    pub fn shown(&self, exact: bool) -> bool {
        match self.of {
            Of::Summary(_) => true,
            Of::Behind(_) => exact,
            Of::Quotient(_) => !exact,
        }
    }
}

/// The floor of `a x 10^9 / b`, if there is one that fits.
#[inline]
pub fn billionths(a: i64, b: i64) -> Option<i64> {
    if b == 0 {
        return None;
    }
    let (a, b) = (i128::from(a) * i128::from(b.signum()) * i128::from(Rate::ONE), i128::from(b).abs());
    // Almost always both fit 64 bits, whose division is several times as fast.
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(a.div_euclid(b)),
        _ => narrow(a.div_euclid(b)).ok(),
    }
}

/// `a / b` as the nearest double, NaN if `b` is zero.
#[inline]
#[allow(clippy::cast_precision_loss)]
pub fn quotient(a: i64, b: i64) -> f64 {
    if b == 0 { f64::NAN } else { a as f64 / b as f64 }
}

/// What a world's integers are worth.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// The side of the push, which says what amplification is.
    pub side: Side,
    /// Whether runs go through time.
    pub through_time: bool,
    /// Price of a spot tick.
    pub tick: Unit,
    /// Tokens of a spot lot.
    pub spot_lot: Unit,
    /// Tokens of a lot of the perpetual.
    pub perp_lot: Unit,
    /// What a lot of the push is.
    pub push_lot: Unit,
    /// Money of a quote step.
    pub step: Unit,
    /// Money of a step at the perpetual's venue.
    pub venue_step: Unit,
}

impl Scale {
    /// A world's.
    pub fn of(world: &World) -> Scale {
        let pushed = if world.ignition_market == Market::Spot { &world.spot } else { &world.perp };
        Scale {
            side: world.ignition.0,
            through_time: world.steps.is_some(),
            tick: world.spot.tick,
            spot_lot: world.spot.lot,
            perp_lot: world.perp.lot,
            push_lot: pushed.lot,
            step: world.quote_step,
            venue_step: world.venue_step,
        }
    }

    /// The largest integer of this kind that is worth at most `x`; the smallest integer if none is.
    pub fn floor(&self, kind: Kind, x: f64) -> i64 {
        let unit = self.unit(kind);
        // By bisection, which needs nothing of the doubles but that they do not fall.
        let (mut low, mut high) = (i64::MIN, i64::MAX);
        while low < high {
            // Above `low`, and no overflow on the way.
            let middle = high - i64::try_from((i128::from(high) - i128::from(low)) / 2).unwrap_or(0);
            if unit.of(middle) <= x {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        low
    }

    /// The unit of a kind; one for what is only counted.
    pub fn unit(&self, kind: Kind) -> Unit {
        match kind {
            Kind::SpotPrice => self.tick,
            Kind::SpotQty => self.spot_lot,
            Kind::PerpQty => self.perp_lot,
            Kind::PushQty => self.push_lot,
            Kind::Money => self.step,
            Kind::VenueMoney => self.venue_step,
            Kind::Ratio => Unit { numerator: 1.0, denominator: 1e9 },
            Kind::Count | Kind::YesNo | Kind::StopReason => Unit { numerator: 1.0, denominator: 1.0 },
        }
    }
}

/// One entry of a summary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// In units, or a ratio.
    Float(f64),
    /// A count.
    Int(i64),
    /// Yes or no.
    Bool(bool),
    /// One of a few names.
    Name(&'static str),
}

/// In units.
pub fn summary(world: &World, run: &Summary) -> Vec<(&'static str, Value)> {
    let scale = Scale::of(world);
    let exact = |index: usize| COLUMNS[index].exact(run).unwrap_or_default();
    rows(world, false, run, |column, n| match (column.kind, column.parts(run.ignition_side)) {
        (_, Some((a, b))) => Value::Float(quotient(exact(a), exact(b))),
        (Kind::Count, _) => Value::Int(n),
        (kind, _) => Value::Float(scale.unit(kind).of(n)),
    })
}

/// The integers behind it: ticks, lots, quote steps.
pub fn exact_summary(world: &World, run: &Summary) -> Vec<(&'static str, Value)> {
    rows(world, true, run, |_, n| Value::Int(n))
}

fn rows(
    world: &World,
    exact: bool,
    run: &Summary,
    number: impl Fn(&Column, i64) -> Value,
) -> Vec<(&'static str, Value)> {
    let shown = columns(world.steps.is_some()).iter().filter(|column| column.shown(exact));
    let value = |column: &Column| match column.kind {
        Kind::YesNo => Value::Bool(column.exact(run) == Some(1)),
        Kind::StopReason => Value::Name(run.stop_reason.name()),
        _ => number(column, column.exact(run).unwrap_or_default()),
    };
    shown.map(|column| (column.name, value(column))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::StopReason;

    #[test]
    fn every_quotient_has_two_columns_on_both_sides() {
        for column in COLUMNS.iter().filter(|column| column.kind == Kind::Ratio) {
            for side in Side::BOTH {
                let (a, b) = column.parts(side).unwrap_or_else(|| panic!("{}", column.name));
                assert!(a != b && COLUMNS[a].parts(side).is_none() && COLUMNS[b].parts(side).is_none());
            }
        }
    }

    #[test]
    fn what_time_adds_stands_behind() {
        assert_eq!(columns(false).last().map(|column| column.name), Some("stop_reason"));
        assert_eq!(columns(true).len(), COLUMNS.len());
    }

    #[test]
    fn names_are_unique_and_reasons_stand_at_their_codes() {
        for (i, column) in COLUMNS.iter().enumerate() {
            assert_eq!(Column::index(column.name), Some(i));
        }
        use StopReason::{Horizon, MaxRounds, Quiet, SpotExhausted, Unfinished};
        for reason in [Quiet, MaxRounds, SpotExhausted, Horizon, Unfinished] {
            assert_eq!(STOP_REASONS[reason as usize], reason.name());
        }
    }

    #[test]
    fn thresholds_in_units_become_the_integer_below() {
        let one = Unit { numerator: 1.0, denominator: 1.0 };
        let tick = Unit { numerator: 1.0, denominator: 100.0 };
        let [spot_lot, perp_lot, push_lot, step, venue_step] = [one; 5];
        let (side, through_time) = (Side::Buy, false);
        let scale = Scale { side, through_time, tick, spot_lot, perp_lot, push_lot, step, venue_step };
        let floor = |x| scale.floor(Kind::SpotPrice, x);
        assert_eq!([floor(19.67), floor(19.669_999), floor(-0.001), floor(0.0)], [1967, 1966, -1, 0]);
        assert_eq!([floor(f64::INFINITY), floor(f64::NEG_INFINITY)], [i64::MAX, i64::MIN]);
        assert_eq!(scale.floor(Kind::Ratio, 1.5), 1_500_000_000);
        assert_eq!(
            [scale.floor(Kind::Count, 1e15), scale.floor(Kind::Count, 1e30)],
            [10i64.pow(15), i64::MAX]
        );
    }

    #[test]
    fn billionths_are_floors_where_they_exist() {
        assert_eq!(billionths(3, 2), Some(1_500_000_000));
        assert_eq!(billionths(-1, 3), Some(-333_333_334));
        assert_eq!(billionths(1, -3), Some(-333_333_334));
        assert_eq!(billionths(i64::MAX, i64::MAX), Some(1_000_000_000));
        assert_eq!(billionths(i64::MIN, i64::MIN), Some(1_000_000_000));
        assert_eq!(billionths(1, 0), None);
        assert_eq!(billionths(i64::MAX, 1), None);
    }
}
