//! The perpetual's market maker: quotes around the index, hedges a share of what he sold in spot, carries or passes on
//! the rest.

use crate::book::{MAX_PRICE, NewOrder, OrderKind, TimeInForce};
use crate::ids::{AccountId, OrderId};
use crate::units::{Lots, Overflow, Rate, Side, Ticks, narrow};
use crate::world::{Conversion, MakerTerms, QuoteSide, Residual};

/// What he has done so far.
#[derive(Clone, Debug)]
pub struct MarketMaker {
    terms: MakerTerms,
    conversion: Conversion,
    /// False once the venue has liquidated him.
    pub alive: bool,
    /// His current quotes in the book.
    pub quotes: Vec<OrderId>,
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
        MarketMaker {
            terms,
            conversion,
            alive: true,
            quotes: Vec::new(),
            net_sold: zero,
            hedged: zero,
            absorbed: zero,
        }
    }

    /// His quotes around the mark, from the best away, asks first; none if he does not quote.
    pub fn quote(&self, mark: Ticks, mut send: impl FnMut(NewOrder)) {
        let Some(quoting) = self.terms.quoting.filter(|_| self.alive) else { return };
        for (side, wanted) in [(Side::Sell, QuoteSide::Asks), (Side::Buy, QuoteSide::Bids)] {
            if quoting.side != QuoteSide::Both && quoting.side != wanted {
                continue;
            }
            for level in 0..quoting.levels {
                let away = quoting.half_spread.0.saturating_add(level.saturating_mul(quoting.level_gap.0));
                let price = Ticks(mark.0.saturating_sub(side.sign().saturating_mul(away)));
                if !(Ticks(1)..=MAX_PRICE).contains(&price) {
                    break; // and so are all further away
                }
                let kind = OrderKind::Limit { price, tif: TimeInForce::PostOnly };
                send(NewOrder { owner: AccountId::MARKET_MAKER, side, qty: quoting.level_qty, kind });
            }
        }
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
