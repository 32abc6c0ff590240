//! The perpetual's market maker: hedges a share of what he sold in spot, carries or passes on the rest.

use crate::units::{Lots, Overflow, Rate, narrow};
use crate::world::{Conversion, MakerTerms, Residual};

/// What he has done so far.
#[derive(Clone, Debug)]
pub struct MarketMaker {
    terms: MakerTerms,
    conversion: Conversion,
    /// False once the venue has liquidated him.
    pub alive: bool,
    /// Sold less bought as maker in the perpetual's book, in its lots.
    pub net_sold: Lots,
    /// Bought less sold as hedges, in spot lots.
    pub hedged: Lots,
    /// Closed against the rest of the market, in the perpetual's lots.
    pub absorbed: Lots,
}

impl MarketMaker {
    /// Before anything happened.
    pub fn new(terms: MakerTerms, conversion: Conversion) -> MarketMaker {
        let zero = Lots::ZERO;
        MarketMaker { terms, conversion, alive: true, net_sold: zero, hedged: zero, absorbed: zero }
    }

    /// Spot lots he should hold against what he sold.
    pub fn hedge_target(&self) -> Result<Lots, Overflow> {
        let (n, d) = self.conversion.lot;
        let exact = i128::from(self.net_sold.0) * i128::from(self.terms.hedge_ratio.0);
        exact.checked_mul(n).ok_or(Overflow).and_then(|x| narrow(x / (d * i128::from(Rate::ONE)))).map(Lots)
    }

    /// Spot lots still to buy (to sell, if negative).
    pub fn hedge_due(&self) -> Result<Lots, Overflow> {
        self.hedge_target()?.minus(self.hedged)
    }

    /// Lots of the perpetual still to buy back from (to sell to, if negative) the rest of the market.
    pub fn absorption_due(&self) -> Result<Lots, Overflow> {
        if self.terms.residual == Residual::Carried {
            return Ok(Lots::ZERO);
        }
        let hedged =
            i128::from(self.net_sold.0) * i128::from(self.terms.hedge_ratio.0) / i128::from(Rate::ONE);
        self.net_sold.minus(Lots(narrow(hedged)?))?.minus(self.absorbed)
    }
}
