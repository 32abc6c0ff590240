//! Phase 2: index, mark, and the quotes around them.

use super::frictions::Hampered;
use super::{Simulation, Trace};
use crate::book::{OrderBook, Supply};
use crate::error::{Reject, RunError, Whose};
use crate::ids::AccountId;
use crate::units::{Lots, Overflow, Side, Ticks, narrow};
use crate::venue::MarkPrice;
use crate::world::{Around, Posting, Quoting, WorldSupply};

const HOLDERS: AccountId = AccountId::HOLDERS;
const MAKER: AccountId = AccountId::MARKET_MAKER;

impl<T: Trace> Simulation<'_, T> {
    pub(super) fn price(&mut self) -> Result<(), RunError> {
        self.previous_mark = self.mark;
        if self.first_of_step {
            self.last_mark = self.mark;
        }
        let index = if self.world.venue.prices_plainly() {
            let index = self.spot_last();
            let mark = match self.world.venue.mark {
                MarkPrice::MeanOfMids => self.mean_of_mids(),
                _ => self.in_perp(index),
            };
            self.mark = mark.whose(MAKER, "mark price")?.max(Ticks(1));
            index
        } else {
            self.price_by_rules()?
        };
        self.index = index;
        (self.stage.index, self.stage.mark) = (index, self.mark);
        if self.world.venue.frictions.watch_moves() {
            self.watch_moves()?;
        }
        self.post_quotes()
    }

    /// The nearest tick of the perpetual to a price in spot.
    fn in_perp(&self, price: Ticks) -> Result<Ticks, Overflow> {
        let (n, d) = self.world.conversion.tick;
        Ticks::nearest(i128::from(price.0) * n, d)
    }

    pub(super) fn mean_of_mids(&self) -> Result<Ticks, Overflow> {
        let (n, d) = self.world.conversion.tick;
        let spot = twice_mid(&self.spot, self.spot_last());
        let perp = twice_mid(&self.perp, self.perp_last());
        Ticks::nearest(spot * n + perp * d, 4 * d)
    }

    /// What holders bought more than they sold since the start.
    fn bought_by_holders(&self) -> Lots {
        let given = self.world.free_float().0 + self.unlocked.to_holders.0;
        Lots(self.tokens[HOLDERS.index()].0 - given) // none of them is more than the supply
    }

    /// Whoever quotes cancels his quotes and posts them anew; one that would trade is left out.
    pub(super) fn post_quotes(&mut self) -> Result<(), RunError> {
        let (round, first_of_step) = (self.stage.round, self.first_of_step);
        let index = self.spot_last();
        let mid = twice_mid(&self.spot, index);
        if let Some(quoting) = &self.world.spot.quoting {
            let around = match quoting.around {
                Around::Mark | Around::Last => index,
                Around::SpotMid => Ticks::nearest(mid, 2).whose(MAKER, "spot mid")?,
                Around::Mid => half(mid).whose(MAKER, "spot mid")?,
                Around::Start => self.world.spot.start,
            };
            let shift = quoting.skew.shift(self.bought_by_holders()).whose(HOLDERS, "skew")?;
            let around = around.plus(shift).whose(HOLDERS, "skew")?;
            let Hampered { wider, sides, .. } = Hampered::NOT;
            repost(&mut self.spot, quoting, &Posting { round, first_of_step, around, wider, sides })?;
        }
        let alive = self.maker.alive;
        let hampered = match self.world.frictions.filter(|_| alive) {
            Some(terms) => self.hamper(&terms)?,
            None => Hampered::NOT,
        };
        if let Some(quoting) = self.world.perp.quoting.as_ref().filter(|_| alive) {
            let (n, d) = self.world.conversion.tick;
            let around = match quoting.around {
                Around::Mark => self.mark,
                Around::Last => self.perp_last(),
                Around::SpotMid => Ticks::nearest(mid * n, 2 * d).whose(MAKER, "spot mid")?,
                Around::Mid => half(twice_mid(&self.perp, self.perp_last())).whose(MAKER, "mid")?,
                Around::Start => self.world.perp.start,
            };
            let Hampered { shift, wider, sides } = hampered;
            let around = around.plus(shift).whose(MAKER, "skew")?;
            repost(&mut self.perp, quoting, &Posting { round, first_of_step, around, wider, sides })?;
        }
        Ok(())
    }
}

/// Half of it; between two ticks the even one, so that a mid that feeds on itself does not drift.
fn half(twice: i128) -> Result<Ticks, Overflow> {
    let below = twice.div_euclid(2);
    narrow(below + i128::from(twice.rem_euclid(4) == 3)).map(Ticks)
}

/// Best bid plus best ask, or twice the last trade.
pub(super) fn twice_mid<S: Supply>(book: &OrderBook<S>, last: Ticks) -> i128 {
    match (book.best(Side::Buy), book.best(Side::Sell)) {
        (Some(bid), Some(ask)) => i128::from(bid.0) + i128::from(ask.0),
        _ => 2 * i128::from(last.0),
    }
}

fn repost(book: &mut OrderBook<WorldSupply>, quoting: &Quoting, posting: &Posting) -> Result<(), RunError> {
    book.supply_mut().withdraw_quotes();
    while let Some((side, id)) = book.supply_mut().next_entered() {
        match book.cancel(id) {
            Ok(left) => book.supply_mut().returned(side, left),
            Err(Reject::UnknownOrder) => {} // it was filled
            Err(reject) => return Err(RunError::Order { account: MAKER, reject }),
        }
    }
    for resting in [Side::Sell, Side::Buy] {
        if quoting.quotes(resting) && posting.sides[resting.index()] {
            let limit = book.best(resting.opposite());
            book.supply_mut().quote(resting, posting, limit);
        }
    }
    Ok(())
}
