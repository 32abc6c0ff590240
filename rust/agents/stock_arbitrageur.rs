//! Holds a position in proportion to the basis, which ties the two venues together.
//!
//! Gromb and Vayanos, "Equilibrium and welfare in markets with financially constrained arbitrageurs" (Journal of Financial
//! Economics, 2002).

use crate::units::{Lots, Overflow, Side, Ticks, narrow};
use crate::world::agents::StockArbitrageur;

/// A best price and the lots there.
type Best = Option<(Ticks, Lots)>;

/// The best bids and asks of both books.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quotes {
    /// Of the perpetual.
    pub perp_bid: Best,
    /// Of the perpetual.
    pub perp_ask: Best,
    /// Of spot.
    pub spot_bid: Best,
    /// Of spot.
    pub spot_ask: Best,
}

/// What he does next in the perpetual, short `short` lots of it and with so many spot lots to sell; `tick` is a spot tick in
/// the perpetual's, `lots` the spot lots in one of the perpetual's.
pub fn carry(
    plan: &StockArbitrageur,
    quotes: &Quotes,
    short: Lots,
    sellable: Lots,
    (tick, lots): ((i128, i128), i64),
) -> Result<Option<(Side, Lots)>, Overflow> {
    // Lots that a difference of prices calls for, as a fraction.
    let (n, d) = plan.kappa;
    let wanted = |perp: Ticks, spot: Ticks| {
        let basis = i128::from(perp.0) * tick.1 - i128::from(spot.0) * tick.0;
        Ok((n.checked_mul(basis).ok_or(Overflow)?, d * tick.1))
    };
    if let (Some((bid, there)), Some((ask, offered))) = (quotes.perp_bid, quotes.spot_ask) {
        let (n, d) = wanted(bid, ask)?;
        let due = narrow(n.div_euclid(d))?.saturating_sub(short.0);
        if due > 0 {
            return Ok(Some((Side::Sell, Lots(due.min(there.0).min(offered.0 / lots)))));
        }
    }
    if let (Some((ask, there)), Some((bid, wanted_there))) = (quotes.perp_ask, quotes.spot_bid) {
        let (n, d) = wanted(ask, bid)?;
        let due = short.0.saturating_sub(narrow(-(-n).div_euclid(d))?);
        if due > 0 {
            let spot = wanted_there.0.min(sellable.0) / lots;
            return Ok(Some((Side::Buy, Lots(due.min(there.0).min(spot)))));
        }
    }
    Ok(None)
}
