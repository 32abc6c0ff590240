//! What happens below zero: the insurance fund, auto-deleveraging, losses that are shared.

use super::profit::{notional, unrealised_pnl};
use super::whole::cut_if;
use crate::venue::AdlRank;

/// What to measure profit against: the notional a position was opened with, or what it is closed with.
pub fn profit_share(side: f64, profit: f64, exit: f64, on_exit: bool) -> f64 {
    profit / if on_exit { exit } else { exit - side * profit }
}

/// A position in a queue for auto-deleveraging; all of one contract.
pub struct Ranked {
    /// +1 or -1.
    pub side: f64,
    /// More than 0.
    pub qty: f64,
    /// Mean entry.
    pub entry: f64,
    /// Now.
    pub mark: f64,
    /// Margin with open profit.
    pub equity: f64,
}

impl Ranked {
    fn leverage(&self, inverse: bool) -> f64 {
        let worth = notional(self.qty, self.mark, 1.0, inverse);
        if self.equity > 0.0 { worth / self.equity } else { f64::NAN }
    }

    /// By what it is ranked, as [`Counterparty::score`](crate::venue::Counterparty::score); NaN by lot.
    pub fn score(&self, rank: AdlRank, inverse: bool) -> f64 {
        let share = self.side * (self.mark - self.entry) / if inverse { self.mark } else { self.entry };
        match rank {
            AdlRank::ProfitShare => share,
            AdlRank::ProfitLeverage if share >= 0.0 => share * self.leverage(inverse),
            AdlRank::ProfitLeverage => share / self.leverage(inverse),
            AdlRank::Hyperliquid if self.side > 0.0 => self.mark / self.entry * self.leverage(inverse),
            AdlRank::Hyperliquid => self.entry / self.mark * self.leverage(inverse),
            AdlRank::Size => notional(self.qty, self.mark, 1.0, inverse),
            AdlRank::Random => f64::NAN,
        }
    }

    /// Mark over entry times leverage on both sides, as Hyperliquid's page reads.
    pub fn literal(&self, inverse: bool) -> f64 {
        self.mark / self.entry * self.leverage(inverse)
    }
}

/// Fifth of the queue, in percent, that each position's end lies in; sizes in order of rank.
pub fn quintiles(sizes: &[f64], out: &mut [f64]) {
    let total: f64 = sizes.iter().sum();
    let mut ahead = 0.0;
    for (size, out) in sizes.iter().zip(out) {
        ahead += size;
        // A sum that ends on a fifth belongs to it, whatever its rounding.
        *out = (20.0 * (5.0 * ahead / total - 1e-12).ceil()).clamp(20.0, 100.0);
    }
}

/// Level of the fund at which auto-deleveraging starts.
pub fn adl_threshold(average: f64, share: f64, floor: f64) -> f64 {
    average - (share * average).max(floor)
}

/// Closes a position against a queue of the other side at one price: what of each closes, what of it is left, and its cash;
/// then the position's cash, what is closed of it, and what is left.
pub fn deleverage([side, qty, price, cash]: [f64; 4], queue: &[f64], held: &[f64], out: &mut [f64]) {
    let n = queue.len();
    let (mut left, mut closed, mut paid) = (qty, 0.0, 0.0);
    for i in 0..n {
        let fill = queue[i].min(left);
        let gets = -side * fill * price;
        (out[i], out[n + i], out[2 * n + i]) = (fill, queue[i] - fill, held[i] + gets);
        (left, closed, paid) = (left - fill, closed + fill, paid + gets);
    }
    out[3 * n..].copy_from_slice(&[cash - paid, closed, (qty - closed).max(0.0)]);
}

/// What the fund gains where a liquidation fills at another price than the bankruptcy price, after a fee.
pub fn insurance_fund_change(
    side: f64,
    qty: f64,
    bankruptcy: f64,
    fill: f64,
    fee: f64,
    inverse: bool,
) -> f64 {
    unrealised_pnl(side, qty, bankruptcy, fill, 1.0, inverse) - fee * notional(qty, fill, 1.0, inverse)
}

/// What a liquidation pays to the fund (below 0: costs it), from the quote it should and did bring.
pub fn fund_fee(bankruptcy: f64, fill: f64, max_fee: f64) -> f64 {
    let left = fill - bankruptcy;
    left.min((max_fee * fill.abs()).max(0.0))
}

/// How far from the oracle an order may fill, and what of it margin does not cover.
pub fn liquidation_spread(ratio: f64, maintenance: f64, margin_left: f64) -> [f64; 2] {
    let widest = ratio * maintenance;
    [widest, (widest - margin_left).max(0.0)]
}

/// Winners' payouts after a loss: first the fund pays, then all are cut alike; then shortfall and fund.
///
/// In whole units each is cut down and the last gets what is left.
pub fn share_loss(owed: f64, available: f64, fund: f64, gains: &[f64], whole: bool, out: &mut [f64]) {
    let total: f64 = gains.iter().sum();
    let lacking = (owed - available).max(0.0);
    let from_fund = lacking.min(fund);
    let shortfall = (lacking - from_fund).min(total);
    let paid = total - shortfall;
    let mut left = paid;
    for (i, gain) in gains.iter().enumerate() {
        let last = i + 1 == gains.len();
        let part = if total > 0.0 { cut_if(whole, gain * paid / total) } else { 0.0 };
        out[i] = if whole && last { left } else { part };
        left -= out[i];
    }
    out[gains.len()] = lacking - from_fund;
    out[gains.len() + 1] = fund - from_fund;
}

/// A loss over all units that share it, rounded up to one in `scale` (0: not rounded).
pub fn loss_per_unit(loss: f64, units: &[f64], scale: f64) -> f64 {
    let each = loss / units.iter().sum::<f64>();
    // What is within rounding of a whole unit is not rounded up to the next.
    if scale > 0.0 { (each * scale - 1e-9).ceil() / scale } else { each }
}

/// A position that is taken over with its margin when a price has moved: `[loss, left, maintenance, closed, to fund]`.
pub fn take_over(qty: f64, margin: f64, before: f64, now: f64, rate: f64) -> [f64; 5] {
    let loss = qty * (before - now);
    let left = margin - loss;
    let maintenance = qty.abs() * now * rate;
    let closed = rate.is_nan() || left < maintenance;
    [loss, left, maintenance, f64::from(u8::from(closed)), if closed { left } else { 0.0 }]
}
