//! Where a position breaks.
//!
//! One equation for both contracts. With `V` the position's worth, `d` how profit follows it (linear: the side;
//! inverse: its opposite, as the worth in coin falls when the price rises) and `B` the worth at entry, equity is
//! `M + d (V - B)` and the requirement `V (r + fee) - c`. They meet where `V (1 - d (r + fee)) + d c = t` with
//! `t = B - d M`; the rate `r` may itself rise with `V`.

use super::Tiers;

/// A position and what backs it.
#[derive(Clone, Copy, Debug)]
pub struct Liquidation {
    /// +1 long, -1 short.
    pub side: f64,
    /// Size: tokens, or a face value in quote currency.
    pub qty: f64,
    /// Mean entry price.
    pub entry: f64,
    /// All that backs it, less what other things claim.
    pub backing: f64,
    /// Moves the price towards the entry.
    pub early: f64,
    /// Face value in quote currency, money in coin.
    pub inverse: bool,
}

impl Liquidation {
    fn direction(&self) -> f64 {
        if self.inverse { -self.side } else { self.side }
    }

    fn worth_at_entry(&self) -> f64 {
        if self.inverse { self.qty / self.entry } else { self.qty * self.entry }
    }

    #[inline]
    fn price_of(&self, worth: f64) -> f64 {
        let price = if self.inverse { self.qty / worth } else { worth / self.qty };
        // No worth above zero does it: the position is never liquidated.
        if worth > 0.0 && price > 0.0 { price + self.side * self.early } else { f64::NAN }
    }
}

/// Tiers with what a search needs: for each side the `t` from which on the answer lies in a tier.
#[derive(Clone, Debug)]
pub struct Search {
    tiers: Tiers,
    fee: f64,
    at_entry: bool,
    /// Profit that rises with the worth, profit that falls.
    sides: [Side; 2],
}

/// How many starts are compared at once, whatever comes first: that is quicker than to stop.
const ABREAST: usize = 8;

/// One side's tiers.
#[derive(Clone, Debug)]
struct Side {
    /// In rising order, filled up with infinity.
    starts: Vec<[f64; ABREAST]>,
    /// By how many tiers are reached: the first is for none.
    steps: Vec<Step>,
}

/// One tier's part of the answer, `V` with `slope (V - from) - bend (V - from)^2 = t - start`, at most `end`.
#[derive(Clone, Copy, Debug)]
struct Step {
    from: f64,
    start: f64,
    slope: f64,
    bend: f64,
    end: f64,
}

impl Step {
    #[inline]
    fn worth(&self, t: f64) -> f64 {
        let along = t - self.start;
        let worth = if self.bend == 0.0 {
            self.from + along / self.slope
        } else {
            // The root on the near side, where equity still falls faster than the requirement.
            let root = (self.slope * self.slope - 4.0 * self.bend * along).sqrt();
            self.from + 2.0 * along / (self.slope + root)
        };
        // Where a requirement jumps on a floor, what jumps over equity liquidates on it. NaN stays NaN.
        if worth > self.end { self.end } else { worth }
    }
}

impl Side {
    fn new(d: f64, tiers: &Tiers, fee: f64) -> Self {
        let ends = tiers.floors.iter().skip(1).copied().chain([f64::INFINITY]);
        let each = ends.enumerate().map(|(i, end)| {
            let (from, rate, rise) = (tiers.floors[i], tiers.rates[i] + fee, tiers.rises[i]);
            let slope = 1.0 - d * (rate + rise * from);
            let start = from * (1.0 - d * rate) + d * tiers.deductions[i];
            let slope = if slope > 0.0 { slope } else { f64::NAN };
            Step { from, start, slope, bend: d * rise, end }
        });
        let none = Step { from: 0.0, start: 0.0, slope: f64::NAN, bend: 0.0, end: f64::INFINITY };
        let steps: Vec<Step> = [none].into_iter().chain(each).collect();
        let mut from: Vec<f64> = steps[1..].iter().map(|step| step.start).collect();
        // Where rates count on the whole position, a long's equity can meet its requirement in several tiers: a
        // falling price meets the highest first, so whoever reaches that counts as past all below it.
        for i in (1..from.len()).rev() {
            from[i - 1] = from[i - 1].min(from[i]);
        }
        from.resize(from.len().next_multiple_of(ABREAST), f64::INFINITY);
        let abreast = |starts: &[f64]| std::array::from_fn(|i| starts[i]);
        Side { starts: from.chunks_exact(ABREAST).map(abreast).collect(), steps }
    }

    /// How many tiers start at or below `t`.
    fn reached(&self, t: f64) -> usize {
        let mut count = 0_u64; // as wide as what is compared
        for starts in &self.starts {
            // Counts that cannot overflow, and no check that they do not: eight lanes at once.
            count = starts.iter().fold(count, |n, &from| n.wrapping_add(u64::from(from <= t)));
        }
        usize::try_from(count).unwrap_or(usize::MAX)
    }
}

impl Search {
    /// `fee` is a rate on the worth at the liquidation price; `at_entry`: maintenance of the worth at entry.
    pub fn new(tiers: Tiers, fee: f64, at_entry: bool) -> Self {
        Search { sides: [1.0, -1.0].map(|d| Side::new(d, &tiers, fee)), tiers, fee, at_entry }
    }

    /// Worth at which equity equals the requirement.
    #[inline]
    fn worth(&self, d: f64, start: f64, backing: f64) -> f64 {
        if self.at_entry {
            let left = backing - self.tiers.maintenance(start);
            return (start - d * left) / (1.0 - d * self.fee);
        }
        let t = start - d * backing;
        // By index: a branch on the side would be guessed wrong every other time.
        let side = &self.sides[usize::from(d < 0.0)];
        side.steps[side.reached(t)].worth(t)
    }
}

/// Liquidation price under tiers, searched in the tier of the worth at that price; NaN if no positive price does.
#[inline]
pub fn liquidation_price(position: &Liquidation, search: &Search) -> f64 {
    position.price_of(search.worth(position.direction(), position.worth_at_entry(), position.backing))
}

/// The same with one rate, a deduction, and a rate that rises with the worth by `rise` a unit.
pub fn liquidation_price_at_rate(
    position: &Liquidation,
    [rate, deduction, rise, fee]: [f64; 4],
    at_entry: bool,
) -> f64 {
    let (d, start) = (position.direction(), position.worth_at_entry());
    let claim = if at_entry { start * (rate + rise * start) - deduction } else { -deduction };
    let left = position.backing - claim;
    let (rate, rise) = if at_entry { (fee, 0.0) } else { (rate + fee, rise) };
    let slope = 1.0 - d * rate;
    let worth = if rise > 0.0 {
        // rise V^2 + b V = g; the root that equity meets first.
        let (b, g) = (-d * slope, left - d * start);
        2.0 * g / (b - d * (b * b + 4.0 * rise * g).sqrt())
    } else {
        (start - d * left) / slope
    };
    if slope > 0.0 { position.price_of(worth) } else { f64::NAN }
}

/// Where nothing is left of what backs a position, after a fee for closing there.
pub fn bankruptcy_price(position: &Liquidation, fee: f64) -> f64 {
    liquidation_price_at_rate(position, [0.0, 0.0, 0.0, fee], false)
}

/// A price on the tick grid, against its holder: up for a long, down for a short, so that it is met sooner.
pub fn rounded_against(side: f64, price: f64, tick: f64) -> f64 {
    let ticks = price / tick;
    let near = ticks.round();
    // What stands on a tick but for the last bits stays there.
    let whole = if (ticks - near).abs() <= 1e-9 {
        near
    } else if side > 0.0 {
        ticks.ceil()
    } else {
        ticks.floor()
    };
    whole * tick
}
