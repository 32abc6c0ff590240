//! What rests in a book at the start, level by level, drawn only when the price gets there.

use rust_decimal::Decimal;

use super::check::{Check, MAX_LOTS, MAX_TICKS, ratio};
use super::scenario::{Liquidity, MarketSpec};
use crate::book::{Level, Supply};
use crate::ids::AccountId;
use crate::units::{Lots, Side, Ticks, div_ceil};

/// One side's levels from the best away: explicit ones, then a constant depth.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    levels: Vec<(Ticks, Lots)>,
    tail: Option<Tail>,
    /// No more than this can be sold: the free float.
    cap: Option<Lots>,
}

/// `floor(k x numerator / denominator)` lots through the k-th tick beyond `origin`.
#[derive(Clone, Copy, Debug)]
struct Tail {
    origin: Ticks,
    numerator: i128,
    denominator: i128,
}

impl Tail {
    fn cumulative(&self, k: i128) -> i128 {
        k * self.numerator / self.denominator
    }

    /// The first tick count through which more than `lots` rest.
    fn first_beyond(&self, lots: i128) -> i128 {
        div_ceil((lots + 1) * self.denominator, self.numerator)
    }
}

impl Shape {
    /// Whether nothing rests at all.
    pub fn is_empty(&self) -> bool {
        (self.levels.is_empty() && self.tail.is_none()) || self.cap == Some(Lots::ZERO)
    }

    /// Best explicit price, where there is one.
    fn best(&self) -> Option<Ticks> {
        self.levels.first().map(|&(price, _)| price)
    }
}

/// Both sides of a market, asks above bids; `free_float` caps the asks where it is given.
pub(super) fn shapes(
    check: &mut Check,
    field: &str,
    spec: &MarketSpec,
    start: Ticks,
    free_float: Option<Lots>,
) -> [Shape; 2] {
    let bids = shape(check, &format!("{field}.bids"), spec.bids.as_ref(), spec, start, Side::Buy);
    let mut asks = shape(check, &format!("{field}.asks"), spec.asks.as_ref(), spec, start, Side::Sell);
    asks.cap = free_float;
    if let (Some(bid), Some(ask)) = (bids.best(), asks.best())
        && bid >= ask
    {
        let price = Decimal::from(bid.0) * spec.tick_size;
        check.found.push(format!("{field}.bids.levels[0]"), price, "below the best ask: the book is crossed");
    }
    [bids, asks]
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
        Some(Liquidity::Linear { depth }) => {
            Shape { tail: tail(check, &format!("{field}.depth"), *depth, spec, start), ..Shape::default() }
        }
        Some(Liquidity::Levels { levels, tail_depth }) => {
            let levels = explicit(check, field, levels, spec, side);
            let origin = levels.last().map_or(start, |&(price, _)| price);
            let tail =
                tail_depth.and_then(|depth| tail(check, &format!("{field}.tail_depth"), depth, spec, origin));
            Shape { levels, tail, cap: None }
        }
    }
}

fn tail(check: &mut Check, field: &str, depth: Decimal, spec: &MarketSpec, origin: Ticks) -> Option<Tail> {
    // Within these bounds no product below leaves 128 bits.
    let fits =
        |(n, d): &(i128, i128)| *n > 0 && *n <= i128::from(MAX_LOTS) * *d && *d < 1 << 40 && *n < 1 << 80;
    let found =
        depth.checked_mul(spec.tick_size).and_then(|per_tick| ratio(per_tick, spec.lot_size)).filter(fits);
    if found.is_none() {
        let top = spec.lot_size * Decimal::from(MAX_LOTS);
        check.found.push(field, depth, format!("more than 0 tokens per unit of price, at most {top} a tick"));
    }
    found.map(|(numerator, denominator)| Tail { origin, numerator, denominator })
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

/// Where one side's drawing has got to.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    next: Option<(Ticks, Lots)>,
    /// Levels drawn.
    drawn: usize,
    /// Lots of the tail drawn.
    from_tail: i128,
    /// Lots drawn in all.
    total: i64,
}

/// The levels of a market as a book's supply, all of one owner.
#[derive(Clone, Debug)]
pub struct WorldSupply<'w> {
    shapes: &'w [Shape; 2],
    cursors: [Cursor; 2],
    owner: AccountId,
}

impl<'w> WorldSupply<'w> {
    /// Nothing drawn yet.
    pub fn new(shapes: &'w [Shape; 2], owner: AccountId) -> WorldSupply<'w> {
        let mut supply = WorldSupply { shapes, cursors: Default::default(), owner };
        for side in Side::BOTH {
            supply.advance(side);
        }
        supply
    }

    /// Withdraws what was not drawn yet.
    pub fn close(&mut self) {
        for cursor in &mut self.cursors {
            cursor.next = None;
        }
    }

    fn advance(&mut self, side: Side) {
        let shape = &self.shapes[side.index()];
        let cursor = &mut self.cursors[side.index()];
        let left = shape.cap.map_or(i64::MAX, |cap| cap.0 - cursor.total);
        let level = match shape.levels.get(cursor.drawn) {
            Some(&level) => Some(level),
            None => shape.tail.and_then(|tail| {
                let k = tail.first_beyond(cursor.from_tail);
                let price = i128::from(tail.origin.0) - i128::from(side.sign()) * k;
                let price = i64::try_from(price).ok().filter(|p| (1..=MAX_TICKS).contains(p))?;
                let through = tail.cumulative(k);
                let qty = i64::try_from(through - cursor.from_tail).ok()?;
                cursor.from_tail = through;
                Some((Ticks(price), Lots(qty)))
            }),
        };
        cursor.drawn += 1;
        cursor.next = level.map(|(price, qty)| (price, Lots(qty.0.min(left)))).filter(|&(_, qty)| qty.0 > 0);
        cursor.total += cursor.next.map_or(0, |(_, qty)| qty.0);
    }
}

impl Supply for WorldSupply<'_> {
    #[inline]
    fn next_price(&self, resting: Side) -> Option<Ticks> {
        self.cursors[resting.index()].next.map(|(price, _)| price)
    }

    #[inline]
    fn draw(&mut self, resting: Side) -> Option<Level> {
        let (price, qty) = self.cursors[resting.index()].next?;
        self.advance(resting);
        Some(Level { price, qty, owner: self.owner })
    }
}
