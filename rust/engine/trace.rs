//! Where a run's events go. `()` keeps nothing and compiles to nothing.

use super::{AgentSample, HeatSample, Sample, Stage};
use crate::event::{Adl, Liquidation, Trade, Transfer};
use crate::ids::AccountId;
use crate::world::Account;

/// A sink for what happens, round by round.
pub trait Trace {
    /// Whether anybody looks.
    const ON: bool = true;

    /// Whether fills are kept, so that they may fill the memory.
    #[inline]
    fn keeps_fills(&self) -> bool {
        Self::ON
    }

    /// An account came into being, or was there from the start (round 0).
    #[inline]
    fn account(&mut self, round: u64, id: AccountId, account: &Account) {
        let _ = (round, id, account);
    }

    /// A fill was booked.
    #[inline]
    fn trade(&mut self, round: u64, trade: &Trade) {
        let _ = (round, trade);
    }

    /// Money moved.
    #[inline]
    fn transfer(&mut self, round: u64, transfer: &Transfer) {
        let _ = (round, transfer);
    }

    /// A forced order was sent, matched and settled.
    #[inline]
    fn liquidation(&mut self, round: u64, liquidation: &Liquidation) {
        let _ = (round, liquidation);
    }

    /// A counterparty was deleveraged.
    #[inline]
    fn adl(&mut self, round: u64, adl: &Adl) {
        let _ = (round, adl);
    }

    /// A round ended.
    #[inline]
    fn stage(&mut self, stage: &Stage) {
        let _ = stage;
    }

    /// A sample was taken of a run through time.
    #[inline]
    fn sample(&mut self, sample: &Sample) {
        let _ = sample;
    }

    /// With it, of somebody who acts.
    #[inline]
    fn agent(&mut self, sample: &AgentSample) {
        let _ = sample;
    }

    /// With it, of a bucket of liquidations.
    #[inline]
    fn heat(&mut self, sample: &HeatSample) {
        let _ = sample;
    }
}

impl Trace for () {
    const ON: bool = false;
}

/// What is kept: of millions of steps everything would not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// All there is.
    #[default]
    Everything,
    /// Samples, and forced orders with their rounds and counterparties.
    Liquidations,
    /// Samples alone.
    Samples,
}

/// Keeps what happens.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// How much of it.
    pub keep: Keep,
    /// Fills with their round.
    pub trades: Vec<(u64, Trade)>,
    /// Movements of money with their round.
    pub transfers: Vec<(u64, Transfer)>,
    /// Forced orders with their round.
    pub liquidations: Vec<(u64, Liquidation)>,
    /// Counterparties deleveraged, with their round.
    pub adl: Vec<(u64, Adl)>,
    /// Rounds.
    pub stages: Vec<Stage>,
    /// Samples of a run through time.
    pub series: Vec<Sample>,
    /// Of those who act, at the same times.
    pub agents: Vec<AgentSample>,
    /// Of liquidations ahead, at the same times.
    pub heat: Vec<HeatSample>,
}

impl Trace for Recorder {
    fn keeps_fills(&self) -> bool {
        self.keep == Keep::Everything
    }

    fn trade(&mut self, round: u64, trade: &Trade) {
        if self.keep == Keep::Everything {
            self.trades.push((round, *trade));
        }
    }

    fn transfer(&mut self, round: u64, transfer: &Transfer) {
        if self.keep == Keep::Everything {
            self.transfers.push((round, *transfer));
        }
    }

    fn liquidation(&mut self, round: u64, liquidation: &Liquidation) {
        if self.keep != Keep::Samples {
            self.liquidations.push((round, *liquidation));
        }
    }

    fn adl(&mut self, round: u64, adl: &Adl) {
        if self.keep != Keep::Samples {
            self.adl.push((round, *adl));
        }
    }

    fn stage(&mut self, stage: &Stage) {
        let now = |round: Option<u64>| round == Some(stage.round);
        let forced = now(self.liquidations.last().map(|(round, _)| *round));
        let closed = now(self.adl.last().map(|(round, _)| *round));
        if self.keep == Keep::Everything || forced || closed {
            self.stages.push(*stage);
        }
    }

    fn sample(&mut self, sample: &Sample) {
        self.series.push(*sample);
    }

    fn agent(&mut self, sample: &AgentSample) {
        self.agents.push(*sample);
    }

    fn heat(&mut self, sample: &HeatSample) {
        self.heat.push(*sample);
    }
}
