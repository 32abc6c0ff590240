//! What rests in a book at the start, as it was written down: checked, in ticks and lots.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::check::{Check, MAX_LOTS, MAX_TICKS, ratio};
use super::law::{self, Factors, Sizes};
use super::scenario::{Law, Liquidity, MarketSpec};
use crate::units::{Lots, Side, Ticks};

/// One side's levels from the best away: orders at regular prices, or explicit levels and then a constant depth.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    pub(super) levels: Vec<(Ticks, Lots)>,
    pub(super) tail: Option<Tail>,
    pub(super) orders: Option<Orders>,
    pub(super) noise: Option<Arc<Factors>>,
    /// No more than this can be sold: the free float.
    pub(super) cap: Option<Lots>,
}

/// `floor(k x depth)` lots through the k-th tick beyond `origin`; `depth = whole + part / denominator` lots a tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    pub origin: Ticks,
    pub whole: i64,
    pub part: i64,
    pub denominator: i64,
}

/// So many orders at every `gap`-th tick from `origin` away.
#[derive(Clone, Debug)]
pub(super) struct Orders {
    pub origin: Ticks,
    pub levels: i64,
    pub gap: i64,
    pub each: i64,
    pub sizes: Arc<Sizes>,
}

impl Shape {
    /// Whether nothing rests at all.
    pub fn is_empty(&self) -> bool {
        let nothing = self.levels.is_empty() && self.tail.is_none() && self.orders.is_none();
        nothing || self.cap == Some(Lots::ZERO)
    }

    /// Best explicit price, where there is one.
    fn best(&self) -> Option<Ticks> {
        self.levels.first().map(|&(price, _)| price)
    }

    /// The most lots it can hold, if that is known.
    pub(super) fn most(&self) -> Option<i128> {
        if self.tail.is_some() {
            return None;
        }
        let factor = i128::from(self.noise.as_ref().map_or(1 << 20, |noise| noise.largest()));
        let explicit: i128 = self.levels.iter().map(|&(_, qty)| (i128::from(qty.0) * factor) >> 20).sum();
        let orders = self.orders.as_ref();
        let orders =
            orders.map_or(0, |o| i128::from(o.levels) * i128::from(o.each) * i128::from(o.sizes.largest().0));
        Some(explicit + orders)
    }
}

/// Both sides of a market, asks above bids; `free_float` caps the asks where it is given.
pub(super) fn shapes(
    check: &mut Check,
    field: &str,
    spec: &MarketSpec,
    start: Ticks,
    free_float: Option<Lots>,
) -> [Arc<Shape>; 2] {
    let bids = shape(check, &format!("{field}.bids"), spec.bids.as_ref(), spec, start, Side::Buy);
    let mut asks = shape(check, &format!("{field}.asks"), spec.asks.as_ref(), spec, start, Side::Sell);
    asks.cap = free_float;
    if let (Some(bid), Some(ask)) = (bids.best(), asks.best())
        && bid >= ask
    {
        let price = Decimal::from(bid.0) * spec.tick_size;
        check.found.push(format!("{field}.bids.levels[0]"), price, "below the best ask: the book is crossed");
    }
    [Arc::new(bids), Arc::new(asks)]
}

fn shape(
    check: &mut Check,
    field: &str,
    liquidity: Option<&Liquidity>,
    spec: &MarketSpec,
    start: Ticks,
    side: Side,
) -> Shape {
    match liquidity {
        None => Shape::default(),
        Some(Liquidity::Linear { depth, noise: law }) => {
            let tail = tail(check, &format!("{field}.depth"), *depth, spec, start);
            let noise = noise(check, field, law.as_ref(), &[], tail);
            Shape { tail, noise, ..Shape::default() }
        }
        Some(Liquidity::Levels { levels, tail_depth, noise: law }) => {
            let levels = explicit(check, field, levels, spec, side);
            let origin = levels.last().map_or(start, |&(price, _)| price);
            let tail =
                tail_depth.and_then(|depth| tail(check, &format!("{field}.tail_depth"), depth, spec, origin));
            let noise = noise(check, field, law.as_ref(), &levels, tail);
            Shape { levels, tail, noise, ..Shape::default() }
        }
        Some(Liquidity::Orders { levels, level_gap, orders, order_qty }) => {
            let path = |name: &str| format!("{field}.{name}");
            check.within(&path("levels"), *levels, 1, 1_000_000);
            check.within(&path("orders"), *orders, 1, 10_000);
            let gap = check.gap(&path("level_gap"), *level_gap, spec.tick_size, 1);
            let sizes = law::sizes(check, &path("order_qty"), order_qty, spec.lot_size);
            let orders = Orders { origin: start, levels: *levels, gap: gap.0, each: *orders, sizes };
            Shape { orders: Some(orders), ..Shape::default() }
        }
    }
}

fn noise(
    check: &mut Check,
    field: &str,
    law: Option<&Law>,
    levels: &[(Ticks, Lots)],
    tail: Option<Tail>,
) -> Option<Arc<Factors>> {
    let field = format!("{field}.noise");
    let factors = law::factors(check, &field, law?)?;
    let largest = levels.iter().map(|&(_, qty)| qty.0).max().unwrap_or(0);
    let deep = tail.map_or(0, |tail| tail.whole + i64::from(tail.part > 0));
    // Else a book would be looked through for ever, or nearly.
    let endless = deep > 0 && (i128::from(deep) * i128::from(factors.common())) >> 20 == 0;
    check.require(!endless, &field, "noise", "factors of which one in 64 leaves a lot at a tick");
    let leaves = (i128::from(largest.max(deep)) * i128::from(factors.largest())) >> 20 > 0;
    check.require(leaves, &field, "noise", "factors that leave a lot at some level");
    Some(factors)
}

fn tail(check: &mut Check, field: &str, depth: Decimal, spec: &MarketSpec, origin: Ticks) -> Option<Tail> {
    let fits =
        |(n, d): &(i128, i128)| *n > 0 && *n <= i128::from(MAX_LOTS) * *d && *d < 1 << 40 && *n < 1 << 80;
    let found =
        depth.checked_mul(spec.tick_size).and_then(|per_tick| ratio(per_tick, spec.lot_size)).filter(fits);
    if found.is_none() {
        let top = spec.lot_size * Decimal::from(MAX_LOTS);
        check.found.push(field, depth, format!("more than 0 tokens per unit of price, at most {top} a tick"));
    }
    let narrow = |x: i128| i64::try_from(x).ok();
    let (n, d) = found?;
    Some(Tail { origin, whole: narrow(n / d)?, part: narrow(n % d)?, denominator: narrow(d)? })
}

fn explicit(
    check: &mut Check,
    field: &str,
    levels: &[(Decimal, Decimal)],
    spec: &MarketSpec,
    side: Side,
) -> Vec<(Ticks, Lots)> {
    check.require(!levels.is_empty(), &format!("{field}.levels"), "[]", "at least one level");
    let mut out: Vec<(Ticks, Lots)> = Vec::with_capacity(levels.len());
    for (i, &(price, qty)) in levels.iter().enumerate() {
        let at = format!("{field}.levels[{i}]");
        let level = (check.price(&at, price, spec.tick_size), check.qty(&at, qty, spec.lot_size, 1));
        let away = out.last().is_none_or(|&(before, _)| match side {
            Side::Sell => level.0 > before,
            Side::Buy => level.0 < before,
        });
        let order =
            if side == Side::Sell { "above the level before it" } else { "below the level before it" };
        check.require(away, &at, price, order);
        out.push(level);
    }
    out
}

const _: () = assert!(MAX_LOTS < i64::MAX >> 1 && MAX_TICKS < i64::MAX >> 1);
