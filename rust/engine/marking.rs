//! Phase 2 where index or mark are more than spot's last trade and the books' mids.

use super::pricing::twice_mid;
use super::{Simulation, Trace};
use crate::book::Notional;
use crate::error::{RunError, Whose};
use crate::ids::AccountId;
use crate::units::{Overflow, Side, Ticks, div_ceil};
use crate::venue::{
    FINE, Index, IndexPrice, MarkPrice, Marking, Prices, SpotIndex, fine, median, whole, within_step,
};
use crate::world::World;

const MAKER: AccountId = AccountId::MARKET_MAKER;

/// What marks and indices remember from round to round.
#[derive(Clone, Debug, Default)]
pub(super) struct PriceState {
    /// The index of the round, in fine ticks of the perpetual.
    pub index: i128,
    /// Whether the mark will move though nothing else does.
    pub moving: bool,
    /// Whether quotes have followed a new index since the mark was read.
    pub requoted: bool,
    /// Average of the perpetual's mid less the index.
    basis: i128,
    /// Average of the median of best bid, best ask and last trade.
    book: i128,
    /// Average of the mark.
    own: i128,
    /// Spot prices of the last rounds, as many as the longest delay, and of this one.
    spot: Vec<Ticks>,
    /// Rounds since the last one of them was another.
    steady: u64,
    /// What the sources say.
    sources: Vec<i128>,
}

impl PriceState {
    /// As it was at the start.
    pub fn restart(&mut self, world: &World) {
        let start = fine(world.perp.start);
        (self.index, self.book, self.own) = (start, start, start);
        (self.basis, self.moving, self.requoted) = (0, false, false);
        let longest = match &world.venue.index {
            Index::Spot(spot) => spot.longest(),
            Index::OwnMark(_) => 0,
        };
        self.steady = longest;
        self.spot.clear();
        self.spot.resize(usize::try_from(longest).unwrap_or(0) + 1, world.spot.start);
    }

    fn at(&self, round: u64) -> usize {
        usize::try_from(round % self.spot.len() as u64).unwrap_or(0)
    }

    /// The index in spot ticks, from what spot is worth now; whether a source has yet to hear of a price.
    fn spot_index(
        &mut self,
        rule: &SpotIndex,
        start: Ticks,
        round: u64,
        now: Ticks,
    ) -> Result<(Ticks, bool), Overflow> {
        let rounds = self.spot.len() as u64;
        let (at, before) = (self.at(round), self.at(round + rounds - 1));
        self.steady = if self.spot[before] == now { self.steady + 1 } else { 0 };
        self.spot[at] = now;
        let mut sources = std::mem::take(&mut self.sources);
        let index = rule.price(start, |delay| self.spot[self.at(round + rounds - delay)], &mut sources);
        self.sources = sources;
        Ok((index?, self.steady + 1 < rounds))
    }

    /// One more sample for both averages; whether they are on their way to another mark.
    fn average(&mut self, kind: MarkPrice, rule: Marking, prices: &mut Prices) -> Result<bool, Overflow> {
        let before = (self.basis, self.book);
        self.basis = rule.basis.follow(self.basis, prices.mid - prices.index);
        self.book = rule.book.follow(self.book, prices.book);
        (prices.basis, prices.book_average) = (self.basis, self.book);
        let changed = before != (self.basis, self.book);
        Ok(changed && whole(prices.mark(kind))? != whole(prices.settled().mark(kind))?)
    }
}

impl<T: Trace> Simulation<'_, T> {
    /// The index, which it returns in spot ticks, and the mark.
    pub(super) fn price_by_rules(&mut self) -> Result<Ticks, RunError> {
        let before = self.prices.index;
        let (index, late) = self.read_index().whose(MAKER, "index price")?;
        let (kind, rule) = (self.world.venue.mark, self.world.venue.marking);
        let quotes = self.world.perp.quoting.is_some() && kind.reads_quotes();
        self.prices.requoted = quotes && self.prices.index != before;
        let mut prices = self.look(kind).whose(MAKER, "mark price")?;
        let moving = self.prices.average(kind, rule, &mut prices).whose(MAKER, "mark price")?;
        let target = match kind {
            MarkPrice::MeanOfMids => self.mean_of_mids(),
            _ => whole(prices.mark(kind)),
        };
        let target = target.whose(MAKER, "mark price")?.max(Ticks(1));
        let bounded = rule.step.map_or(Ok(target), |step| within_step(self.previous_mark, target, step));
        self.mark = bounded.whose(MAKER, "mark price")?;
        let own = self.index_follows().whose(MAKER, "index price")?;
        self.prices.moving = self.mark != target || self.world.time_passes && (moving || late || own);
        Ok(index)
    }

    /// Whether the index, being made of the mark, is on its way to it.
    fn index_follows(&self) -> Result<bool, Overflow> {
        let Index::OwnMark(pace) = self.world.venue.index else { return Ok(false) };
        let own = self.prices.own;
        Ok(pace.follow(own, fine(self.mark)) != own && whole(own)? != self.mark)
    }

    /// The index in spot ticks; whether it is late.
    fn read_index(&mut self) -> Result<(Ticks, bool), Overflow> {
        let (last, (n, d)) = (self.spot_last(), self.world.conversion.tick);
        match &self.world.venue.index {
            Index::OwnMark(pace) => {
                self.prices.own = pace.follow(self.prices.own, fine(self.mark));
                self.prices.index = self.prices.own;
                Ok((Ticks::nearest(self.prices.own * d, n * FINE)?.max(Ticks(1)), false))
            }
            Index::Spot(rule) => {
                let now = match rule.price {
                    IndexPrice::Last => last,
                    IndexPrice::Mid => Ticks::nearest(twice_mid(&self.spot, last), 2)?,
                };
                let start = self.world.spot.start;
                let (index, late) = self.prices.spot_index(rule, start, self.stage.round, now)?;
                self.prices.index = (fine(index) * n).div_euclid(d);
                Ok((index, late))
            }
        }
    }

    /// The round's index, in fine ticks of the perpetual.
    pub(super) fn fine_index(&self) -> i128 {
        if self.world.venue.prices_plainly() {
            let (n, d) = self.world.conversion.tick;
            (fine(self.stage.index) * n).div_euclid(d)
        } else {
            self.prices.index
        }
    }

    /// What a mark may be made of; impact prices only where they are needed.
    fn look(&mut self, kind: MarkPrice) -> Result<Prices, Overflow> {
        let last = self.perp_last();
        let best = Side::BOTH.map(|side| self.perp.best(side));
        let book = match best {
            [Some(bid), Some(ask)] => median(fine(bid), fine(ask), fine(last)),
            _ => fine(last),
        };
        let impact = match kind {
            MarkPrice::ImpactMid => {
                let [bid, ask] = [self.impact_price(Side::Buy)?, self.impact_price(Side::Sell)?];
                bid.zip(ask).map(|(bid, ask)| [bid, ask])
            }
            _ => None,
        };
        Ok(Prices {
            index: self.prices.index,
            last: fine(last),
            mid: twice_mid(&self.perp, last) * FINE / 2,
            impact,
            book,
            funding: self.funding_to_come(),
            ..Prices::default()
        })
    }

    /// What filling the impact notional against this side of the perpetual's book would come to, in fine ticks; the best
    /// price if there is no such notional. `None` if the side holds less.
    pub(super) fn impact_price(&mut self, resting: Side) -> Result<Option<i128>, Overflow> {
        let notional = i128::from(self.world.venue.marking.impact_notional.0);
        if notional == 0 {
            return Ok(self.perp.best(resting).map(fine));
        }
        let notional = Notional(div_ceil(notional, self.world.perp.contract.scale.into()));
        let Some(taken) = self.perp.impact(resting, notional) else { return Ok(None) };
        let fine = taken.notional.0.checked_mul(FINE).ok_or(Overflow)?;
        Ok(Some(fine / i128::from(taken.qty.0)))
    }
}
