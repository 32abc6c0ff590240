//! Who is deleveraged first: the counterparties of a side by score, ordered once a round, whatever number of positions are
//! closed against them.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::{Simulation, Trace};
use crate::error::{RunError, Whose};
use crate::ids::AccountId;
use crate::random::Stream;
use crate::units::{Lots, Side};
use crate::venue::{AdlRank, Counterparty};

/// Draws of ranks by lot.
const LOTS_STREAM: u64 = 9;

/// A counterparty in the queue: the higher score first, then the lower number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ranked {
    pub score: f64,
    pub account: Reverse<AccountId>,
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Ranked) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Ranked) -> Ordering {
        self.score.total_cmp(&other.score).then(self.account.cmp(&other.account))
    }
}

/// The queues of a round: by the side that closes bankrupt positions against them. An entry whose score is no more its
/// account's is out of date.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    queues: [BinaryHeap<Ranked>; 2],
    /// The round a queue is of.
    of_round: [Option<u64>; 2],
    /// Who could not afford to be closed against the position at hand.
    passed: Vec<Ranked>,
}

impl Ranking {
    /// Scores may have changed.
    pub fn forget(&mut self) {
        self.of_round = [None; 2];
    }

    pub fn pass_over(&mut self, ranked: Ranked) {
        self.passed.push(ranked);
    }

    /// Who was passed over is asked again for the next position.
    pub fn end_group(&mut self, side: Side) {
        self.queues[side.index()].extend(self.passed.drain(..));
    }
}

impl<T: Trace> Simulation<'_, T> {
    /// Everybody whom an order of this side would close, unless that is done in this round.
    pub(super) fn rank_counterparties(&mut self, side: Side) -> Result<(), RunError> {
        let slot = side.index();
        if self.ranking.of_round[slot] == Some(self.stage.round) {
            return Ok(());
        }
        // Few are taken: ordering them all would cost more than the rest.
        let mut ranked = std::mem::take(&mut self.ranking.queues[slot]).into_vec();
        ranked.clear();
        for id in (0..).map(AccountId).take(self.positions.len()) {
            if self.is_counterparty(id, side) {
                ranked.push(self.ranked(id)?);
            }
        }
        self.ranking.queues[slot] = ranked.into();
        self.ranking.of_round[slot] = Some(self.stage.round);
        Ok(())
    }

    /// The highest that is still so.
    pub(super) fn next_counterparty(&mut self, side: Side) -> Result<Option<Ranked>, RunError> {
        while let Some(ranked) = self.ranking.queues[side.index()].pop() {
            let id = ranked.account.0;
            if self.is_counterparty(id, side) && self.ranked(id)? == ranked {
                return Ok(Some(ranked));
            }
        }
        Ok(None)
    }

    /// An account's position or margin has changed since it was ranked.
    pub(super) fn rerank(&mut self, account: AccountId) -> Result<(), RunError> {
        let side = Side::closing(-self.positions[account.index()].qty);
        let current = self.ranking.of_round[side.index()] == Some(self.stage.round);
        if current && self.is_counterparty(account, side) {
            let ranked = self.ranked(account)?;
            self.ranking.queues[side.index()].push(ranked);
        }
        Ok(())
    }

    fn is_counterparty(&self, id: AccountId, side: Side) -> bool {
        let held = self.positions[id.index()].qty;
        let out = self.liquidated_now(id) || id == AccountId::MARKET_MAKER && !self.maker.alive;
        let venue = id == AccountId::TAKEOVER_DESK || id == AccountId::VAULT;
        held != Lots::ZERO && Side::closing(held) != side && !out && !venue
    }

    fn ranked(&self, id: AccountId) -> Result<Ranked, RunError> {
        let rank = self.world.venue.adl.map_or(AdlRank::ProfitLeverage, |rule| rule.rank);
        // No negative zero: it would rank below zero.
        Ok(Ranked { score: self.seen_at_mark(id)?.score(rank) + 0.0, account: Reverse(id) })
    }

    pub(super) fn seen_at_mark(&self, account: AccountId) -> Result<Counterparty, RunError> {
        let position = &self.positions[account.index()];
        let value = self.world.perp.contract.value(self.mark, position.qty).whose(account, "value")?;
        let index = (self.stage.round << 32) + u64::from(account.0);
        let rest = account == AccountId::REST_OF_MARKET;
        Ok(Counterparty {
            rises: (position.qty.0 > 0) != self.world.perp.contract.is_inverse(),
            profit: position.profit(value).whose(account, "profit")?,
            cost: position.cost.abs(),
            value: value.abs(),
            equity: if rest { value.abs() } else { self.equity(account)? },
            lot: Stream::new(self.seed, self.path, LOTS_STREAM).block(index)[0] >> 11,
        })
    }
}
