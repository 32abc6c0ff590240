//! Who pays after a forced order: margin, insurance fund, venue.

use crate::units::{Overflow, Quote};

/// An account after its order has matched.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Margin and profit the order set free, less its fees (all of the cash of a cross account). Cash that was free before
    /// is the trader's and not looked at.
    pub free: Quote,
    /// Margin of what is still open; nothing for a cross account.
    pub margin: Quote,
    /// Whether something is still open.
    pub open: bool,
    /// Cross: all of the balance stands behind the position.
    pub cross: bool,
}

/// What settling it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Margin of the open part after losses of the closed part were met from it.
    pub margin: Quote,
    /// Margin that moves to the desk with the open part.
    pub taken_over: Quote,
    /// Left over.
    pub returned: Quote,
    /// Missing.
    pub deficit: Quote,
}

/// After a liquidation: losses first from the margin still there, then what is open goes to the desk with its margin.
pub fn settle_liquidation(standing: Standing) -> Result<Settlement, Overflow> {
    let mut settled = settle_stop(standing)?;
    if standing.open {
        if standing.cross {
            settled.taken_over = standing.free.max(Quote::ZERO);
            settled.returned = Quote::ZERO;
        } else {
            settled.taken_over = settled.margin;
        }
        settled.margin = Quote::ZERO;
    }
    Ok(settled)
}

/// After a stop: the same without a takeover.
pub fn settle_stop(standing: Standing) -> Result<Settlement, Overflow> {
    let from_margin = (-standing.free).max(Quote::ZERO).min(standing.margin);
    let free = standing.free.plus(from_margin)?;
    Ok(Settlement {
        margin: standing.margin.minus(from_margin)?,
        taken_over: Quote::ZERO,
        returned: free.max(Quote::ZERO),
        deficit: (-free).max(Quote::ZERO),
    })
}

/// `(paid by the fund, venue loss)` of a deficit, the fund paying up to its balance.
pub fn cover(deficit: Quote, fund: Quote) -> Result<(Quote, Quote), Overflow> {
    let paid = deficit.min(fund.max(Quote::ZERO));
    Ok((paid, deficit.minus(paid)?))
}
