//! What one round did, and the whole run.

use super::settlement::Settled;
use crate::units::{Lots, Overflow, Quote, Rate, Ticks};

/// One round; round 0 is the ignition. Quantities in lots of their market, money in quote steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Stage {
    pub round: u64,
    /// How often time has passed: as many rounds, or steps of a run through time.
    pub clock: u64,
    /// In spot ticks.
    pub index: Ticks,
    /// In the perpetual's ticks.
    pub mark: Ticks,
    pub spot_last: Ticks,
    pub perp_last: Ticks,
    pub liquidated_accounts: u64,
    pub liquidated_qty: Lots,
    pub liquidated_value: Quote,
    pub stopped_accounts: u64,
    pub stopped_qty: Lots,
    pub stopped_value: Quote,
    pub taken_over_qty: Lots,
    /// At bankruptcy.
    pub taken_over_value: Quote,
    pub forced_buy_value: Quote,
    pub forced_sell_value: Quote,
    /// Spot lots bought less sold as hedges.
    pub hedge_qty: Lots,
    pub hedge_value: Quote,
    /// Lots traded in the spot book.
    pub spot_volume: Lots,
    /// Lots traded in the perpetual's book.
    pub perp_volume: Lots,
    /// Deficits before the fund.
    pub bad_debt: Quote,
    pub paid_by_fund: Quote,
    pub venue_loss: Quote,
    /// Counterparties deleveraged, each time one was.
    pub adl_accounts: u64,
    pub adl_qty: Lots,
    pub adl_value: Quote,
    /// What they closed better than the mark, where the mark would have left a deficit.
    pub adl_relief: Quote,
    /// Taken from open profits.
    pub socialised_loss: Quote,
    pub liquidation_fees: Quote,
    /// Of the notional, paid in the round; longs paid it if it is positive.
    pub funding_rate: Rate,
    /// What longs paid.
    pub funding_paid: Quote,
    /// Balance of the insurance fund after the round.
    pub insurance_fund: Quote,
    /// Of the market maker's perpetual account, at the mark.
    pub market_maker_equity: Quote,
}

/// What is counted along the way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Orders and cancels.
    pub orders: u64,
    /// Fills.
    pub booked: u64,
    /// What the push from outside got, and its cost.
    pub ignition: (Lots, Quote),
    /// Lots of accounts that were closed by force.
    pub burnt_qty: Lots,
    /// Lots of the perpetual that crowds opened.
    pub opened_qty: Lots,
    /// Lots of longs that came into being without a place.
    pub unseated: Lots,
}

/// Sums of all rounds, where a sum has a meaning; the summary's raw material.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Totals {
    pub liquidated_accounts: u64,
    /// Takeovers included.
    pub liquidated_qty: Lots,
    /// Takeovers, at bankruptcy, included.
    pub liquidated_value: Quote,
    pub stopped_accounts: u64,
    pub stopped_qty: Lots,
    pub stopped_value: Quote,
    pub taken_over_qty: Lots,
    pub forced_buy_value: Quote,
    pub forced_sell_value: Quote,
    pub hedge_qty: Lots,
    pub spot_volume: Lots,
    pub perp_volume: Lots,
    pub bad_debt: Quote,
    pub paid_by_fund: Quote,
    pub venue_loss: Quote,
    pub adl_accounts: u64,
    pub adl_qty: Lots,
    pub adl_value: Quote,
    pub adl_relief: Quote,
    pub socialised_loss: Quote,
    pub liquidation_fees: Quote,
    pub funding_paid: Quote,
}

impl Totals {
    /// A deficit after the last round.
    pub(super) fn add_deficit(&mut self, settled: &Settled) -> Result<(), Overflow> {
        self.bad_debt = self.bad_debt.plus(settled.deficit)?;
        self.paid_by_fund = self.paid_by_fund.plus(settled.paid_by_fund)?;
        self.venue_loss = self.venue_loss.plus(settled.venue_loss)?;
        Ok(())
    }

    /// Adds a round.
    pub fn add(&mut self, stage: &Stage) -> Result<(), Overflow> {
        let qty = |sum: &mut Lots, x: Lots| sum.plus(x).map(|s| *sum = s);
        let value = |sum: &mut Quote, x: Quote| sum.plus(x).map(|s| *sum = s);
        self.liquidated_accounts += stage.liquidated_accounts;
        self.stopped_accounts += stage.stopped_accounts;
        self.adl_accounts += stage.adl_accounts;
        qty(&mut self.liquidated_qty, stage.liquidated_qty.plus(stage.taken_over_qty)?)?;
        value(&mut self.liquidated_value, stage.liquidated_value.plus(stage.taken_over_value)?)?;
        qty(&mut self.stopped_qty, stage.stopped_qty)?;
        value(&mut self.stopped_value, stage.stopped_value)?;
        qty(&mut self.taken_over_qty, stage.taken_over_qty)?;
        value(&mut self.forced_buy_value, stage.forced_buy_value)?;
        value(&mut self.forced_sell_value, stage.forced_sell_value)?;
        qty(&mut self.hedge_qty, stage.hedge_qty)?;
        qty(&mut self.spot_volume, stage.spot_volume)?;
        qty(&mut self.perp_volume, stage.perp_volume)?;
        value(&mut self.bad_debt, stage.bad_debt)?;
        value(&mut self.paid_by_fund, stage.paid_by_fund)?;
        value(&mut self.venue_loss, stage.venue_loss)?;
        qty(&mut self.adl_qty, stage.adl_qty)?;
        value(&mut self.adl_value, stage.adl_value)?;
        value(&mut self.adl_relief, stage.adl_relief)?;
        value(&mut self.socialised_loss, stage.socialised_loss)?;
        value(&mut self.liquidation_fees, stage.liquidation_fees)?;
        value(&mut self.funding_paid, stage.funding_paid)
    }
}
