//! The perpetual's market maker: hedges a share of what he sold in spot, carries or passes on the rest.

use crate::margin::Contract;
use crate::units::{Lots, Overflow, Quote, Rate, narrow};
use crate::world::{Conversion, MakerTerms, Residual};

/// What he has done so far.
#[derive(Clone, Debug)]
pub struct MarketMaker {
    terms: MakerTerms,
    conversion: Conversion,
    inverse: bool,
    /// False once the venue has liquidated him.
    pub alive: bool,
    /// Sold less bought as maker in the perpetual's book, in its lots.
    pub net_sold: Lots,
    /// The same in coin as booked, of an inverse contract.
    pub coin_sold: Quote,
    /// Bought less sold as hedges, in spot lots.
    pub hedged: Lots,
    /// Closed against the rest of the market, in the perpetual's lots.
    pub absorbed: Lots,
}

impl MarketMaker {
    /// Before anything happened.
    pub fn new(terms: MakerTerms, conversion: Conversion, contract: Contract) -> MarketMaker {
        let (zero, inverse) = (Lots::ZERO, contract.is_inverse());
        let coin_sold = Quote::ZERO;
        MarketMaker {
            terms,
            conversion,
            inverse,
            alive: true,
            net_sold: zero,
            coin_sold,
            hedged: zero,
            absorbed: zero,
        }
    }

    /// One more sale (a purchase, if negative) and what it was booked at, in the contract's direction.
    #[inline]
    pub fn sold(&mut self, qty: Lots, value: Quote) -> Result<(), Overflow> {
        self.net_sold = self.net_sold.plus(qty)?;
        if self.inverse {
            self.coin_sold = self.coin_sold.plus(Quote(qty.0.signum() * value.0.abs()))?;
        }
        Ok(())
    }

    /// Spot lots he should hold against what he sold: against an inverse contract the coin that it was booked at. With it all
    /// he has is worth the same in quote currency wherever the price goes.
    pub fn hedge_target(&self) -> Result<Lots, Overflow> {
        let (sold, (n, d)) = if self.inverse {
            (self.coin_sold.0, self.conversion.coin)
        } else {
            (self.net_sold.0, self.conversion.lot)
        };
        let exact = i128::from(sold) * i128::from(self.terms.hedge_ratio.0);
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
