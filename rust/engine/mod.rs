//! The engine: the phases of a round, in the order of `docs/MODEL.md` section 7.

mod acting;
mod booking;
mod burn;
mod carrying;
mod closing;
mod deleveraging;
mod eager;
mod frictions;
mod fuel;
mod funding;
mod halting;
mod hedging;
mod leaving;
mod looking;
mod marking;
mod offers;
mod past_marks;
mod pricing;
mod ranking;
mod rest;
mod sampling;
mod settlement;
mod sharing;
mod stage;
mod standing;
mod start;
mod stepping;
mod submitting;
mod summary;
mod thresholds;
mod trace;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

pub use sampling::{AgentSample, Floats, HeatSample, Liquidity, Sample};
pub use stage::{Stage, Totals};
pub use submitting::{Refusal, Submission, SubmitError, Submitted};
pub use summary::{StopReason, Summary};
pub use trace::{Keep, Recorder, Trace};

use crate::agents::{Actor, Intent, MarketMaker, Resting, ignition};
use crate::book::{Fill, OrderBook};
use crate::error::{RunError, Whose};
use crate::event::{Cause, LedgerAccount, Liquidation, Market, Reason, Transfer};
use crate::ids::AccountId;
use crate::ledger::Ledger;
use crate::margin::{Due, Moved, Position, Waiting, Way};
use crate::units::{Lots, Overflow, Quote, Side, Ticks};
use crate::world::{Account, World, WorldSupply};
use eager::Drawn;
use frictions::FrictionState;
use funding::FundingClock;
use leaving::Members;
use looking::Seen;
use marking::PriceState;
use offers::Offers;
use past_marks::PastMarks;
use ranking::Ranking;
use sampling::Sampler;
use settlement::Sent;
use stage::Counts;
use standing::Unlocked;
use thresholds::Ordered;

/// One path of a world, on its way. To be used again for the next: [`restart`](Simulation::restart).
pub struct Simulation<'w, T: Trace> {
    world: World,
    seed: u64,
    path: u64,
    spot: OrderBook<WorldSupply>,
    perp: OrderBook<WorldSupply>,
    ledger: Ledger,
    positions: Vec<Position>,
    /// Whether every account that comes into being gets a place of its own, in order.
    places: bool,
    watch: Vec<Watch>,
    tokens: Vec<Lots>,
    /// What was deposited so far, by account that trades spot.
    financed: Vec<Quote>,
    /// Thresholds of fixed accounts taken, up and down.
    fixed_taken: [usize; 2],
    /// Thresholds of accounts that came into being.
    waiting: [Waiting; 2],
    /// Thresholds that moved.
    moved: Moved,
    /// Where each of their accounts' thresholds is now; what stands elsewhere among them is out of date.
    moved_to: Vec<Ticks>,
    /// Accounts that were reached but got no order.
    spared: Vec<AccountId>,
    /// Stops that a liquidation of the same round came before.
    late_stops: Vec<(Way, Due)>,
    /// Whether somebody due cooled down in this round.
    cools: bool,
    /// What the orders of the round lack so far, where limits look at it.
    owed: Quote,
    /// When liquidations were ordered, by account, where that matters.
    ordered: Vec<Ordered>,
    /// Whether an order of the round changed anything.
    stirred: bool,
    /// Whom ADL closes first.
    ranking: Ranking,
    /// The most that the fund, its desk marked, was worth at the end of a round.
    highest_fund: Quote,
    /// The next cell of each group of each population.
    next_cell: Vec<usize>,
    /// The whole world, if it was drawn beforehand.
    drawn: Option<Drawn>,
    /// The next account to come into being.
    next_account: AccountId,
    /// Accounts of a cell, where anybody looks.
    arrivals: Vec<Account>,
    /// Forced orders of accounts without a place: what each had left, or lacked.
    burnt: Vec<Quote>,
    /// Fixed accounts that are not as they were at the start.
    touched: Vec<AccountId>,
    maker: MarketMaker,
    /// Agents on their way.
    actors: Vec<Actor>,
    /// Who acts next in this step.
    next_actor: usize,
    /// What the one who acts wants done.
    intents: Vec<Intent>,
    /// What each agent has posted, oldest first.
    resting: Vec<VecDeque<Resting>>,
    /// Who belongs to each crowd, and who of it closes when.
    members: Vec<Members>,
    /// Lots that each agent's orders offer.
    offered: Vec<Offers>,
    /// Tokens that each agent brought, and what they were worth when they came.
    brought: Vec<(Lots, Quote)>,
    /// What an agent who looks for it sees.
    seen: Seen,
    /// Cross accounts that are due in this round.
    crosses: Vec<(Way, Due)>,
    /// A side's best level.
    levels: Vec<(Ticks, Lots)>,
    /// Tokens that came into being.
    unlocked: Unlocked,
    /// Tokens there are, in spot lots.
    circulating: Lots,
    /// How often time has passed: rounds of an instant cascade, steps of a run through time.
    clock: u64,
    /// Whether it has since the round before.
    first_of_step: bool,
    /// The index of the last round, in spot ticks.
    index: Ticks,
    mark: Ticks,
    previous_mark: Ticks,
    /// The mark when time last passed.
    last_mark: Ticks,
    /// The marks at the ends of steps.
    past_marks: PastMarks,
    /// What marks and indices remember.
    prices: PriceState,
    /// What frictions remember.
    frictions: FrictionState,
    /// What funding remembers.
    funding: FundingClock,
    peak: Ticks,
    /// What the scenario's accounts deposited.
    named_margin: Quote,
    counts: Counts,
    /// What samples remember.
    sampler: Sampler,
    spot_exhausted: bool,
    stage: Stage,
    totals: Totals,
    /// Forced orders of the round, to be settled.
    sent: Vec<Sent>,
    /// What is traced of them.
    records: Vec<Liquidation>,
    fills: Vec<Fill>,
    interrupt: Option<Interrupt<'w>>,
    trace: T,
}

impl<'w, T: Trace> Simulation<'w, T> {
    /// Stops the run with [`RunError::Interrupted`] soon after the flag is set.
    pub fn interrupted_by(self, flag: &'w AtomicBool) -> Self {
        self.interrupted_if(move || flag.load(Ordering::Relaxed))
    }

    /// The same soon after `asked`, which is called again and again, says so.
    pub fn interrupted_if(mut self, asked: impl Fn() -> bool + Send + Sync + 'w) -> Self {
        self.interrupt = Some(Box::new(asked));
        self
    }

    /// Runs to the end of the cascade, or to the horizon, and settles all positions if the venue does.
    pub fn run(&mut self) -> Result<StopReason, RunError> {
        let reason = match self.world.steps {
            None => self.cascade()?,
            Some(steps) => self.through_time(steps)?,
        };
        self.close_at_settlement()?;
        Ok(reason)
    }

    fn cascade(&mut self) -> Result<StopReason, RunError> {
        self.ignite()?;
        for _ in 0..self.world.venue.max_rounds {
            if !self.round()? {
                return Ok(if self.spot_exhausted { StopReason::SpotExhausted } else { StopReason::Quiet });
            }
        }
        Ok(StopReason::MaxRounds)
    }

    /// Phase 1: the push.
    pub fn ignite(&mut self) -> Result<(), RunError> {
        let (market, order) = ignition(&self.world);
        self.stage.index = self.index;
        self.stage.mark = self.mark;
        let filled = self.trade(market, order, Cause::Ignition)?;
        self.counts.ignition = (filled.qty, filled.value);
        if market == Market::Perp {
            let cost = self.world.perp.contract.notional(filled.qty, filled.value);
            self.counts.ignition.1 = cost.whose(AccountId::ATTACKER, "notional")?;
            self.hedge()?;
            self.bankrupt_maker()?;
            self.stand_good()?;
        }
        self.end_round()
    }

    /// One round of phases 2 to 6; false once nothing was due and nothing traded.
    pub fn round(&mut self) -> Result<bool, RunError> {
        self.stage.round += 1;
        self.phases()
    }

    fn phases(&mut self) -> Result<bool, RunError> {
        let instant = self.world.steps.is_none();
        if instant {
            self.clock = self.stage.round;
        }
        self.stage.clock = self.clock;
        self.price()?; //                      2: index, mark, quotes
        self.fund()?; //                       3: funding
        let sent = self.thresholds()?; //      4: stops and liquidations
        let unwound = self.settle()?; //       5: margin, fund, venue
        let hedged = self.hedge()?; //         6: hedges, profit takers
        let carried = self.carry()?; //           and who ties the venues together
        self.bankrupt_maker()?;
        self.stand_good()?;
        self.end_round()?;
        // Within a step time stands still.
        let later = self.prices.requoted || instant && self.is_to_come();
        Ok(sent > 0 && self.stirred || unwound || hedged || carried || later)
    }

    fn end_round(&mut self) -> Result<(), RunError> {
        let last = self.spot_last();
        self.peak = match self.world.ignition.0 {
            Side::Buy => self.peak.max(last),
            Side::Sell => self.peak.min(last),
        };
        self.stage.spot_last = last;
        self.stage.perp_last = self.perp_last();
        self.stage.insurance_fund = self.ledger.balance(LedgerAccount::InsuranceFund);
        self.stage.market_maker_equity = self.equity(AccountId::MARKET_MAKER)?;
        if self.world.venue.adl.is_some() {
            self.highest_fund = self.highest_fund.max(self.fund_worth()?);
        }
        self.totals.add(&self.stage).whose(AccountId::TAKEOVER_DESK, "sum of all rounds")?;
        self.trace.stage(&self.stage);
        self.stage = Stage { round: self.stage.round, ..Stage::default() };
        self.check_interrupt()
    }

    fn check_interrupt(&self) -> Result<(), RunError> {
        match &self.interrupt {
            Some(asked) if asked() => Err(RunError::Interrupted),
            _ => Ok(()),
        }
    }

    /// What rests in both books now, quotes posted: up to `levels` a side, best first.
    pub fn start_depth(&mut self, levels: usize) -> Result<Vec<(Market, Side, Ticks, Lots)>, RunError> {
        self.post_quotes()?;
        let (mut rows, mut out) = (Vec::new(), Vec::new());
        for side in Side::BOTH {
            self.spot.depth(side, levels, &mut out);
            rows.extend(out.drain(..).map(|(price, qty)| (Market::Spot, side, price, qty)));
            self.perp.depth(side, levels, &mut out);
            rows.extend(out.drain(..).map(|(price, qty)| (Market::Perp, side, price, qty)));
        }
        Ok(rows)
    }

    fn deposit(&mut self, to: LedgerAccount, amount: Quote) -> Result<(), RunError> {
        let spot = self.world.pays_in_quote(to);
        let from = if spot { LedgerAccount::SpotOutside } else { LedgerAccount::Outside };
        self.pay(from, to, amount, Reason::Deposit)
    }

    /// Moves money; a negative amount moves it back.
    #[inline]
    fn pay(
        &mut self,
        from: LedgerAccount,
        to: LedgerAccount,
        amount: Quote,
        reason: Reason,
    ) -> Result<(), RunError> {
        let transfer = match amount.0 {
            0 => return Ok(()),
            1.. => Transfer { from, to, amount, reason },
            _ => Transfer { from: to, to: from, amount: -amount, reason },
        };
        self.ledger.carry_out(transfer)?;
        self.trace.transfer(self.stage.round, &transfer);
        Ok(())
    }

    /// Fills so far, in both books.
    pub fn fills(&self) -> u64 {
        self.counts.booked
    }

    /// The world it runs in.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Last trade in spot, the start price before any.
    #[inline]
    pub fn spot_last(&self) -> Ticks {
        self.spot.last().unwrap_or(self.world.spot.start)
    }

    /// Last trade in the perpetual's book, the start price before any.
    #[inline]
    pub fn perp_last(&self) -> Ticks {
        self.perp.last().unwrap_or(self.world.perp.start)
    }

    /// The money.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The positions by account.
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// The tokens in spot lots, by account; only the first few accounts can hold any.
    pub fn tokens(&self) -> &[Lots] {
        &self.tokens
    }

    /// The spot book.
    pub fn spot(&self) -> &OrderBook<WorldSupply> {
        &self.spot
    }

    /// The perpetual's book.
    pub fn perp(&self) -> &OrderBook<WorldSupply> {
        &self.perp
    }

    /// The mark price.
    pub fn mark(&self) -> Ticks {
        self.mark
    }

    /// How often time has passed: the step, in a run through time.
    pub fn clock(&self) -> u64 {
        self.clock
    }

    /// Lots that an agent's orders on a side of a book offer.
    pub fn offered(&self, agent: usize, market: Market, side: Side) -> Lots {
        self.offered[agent].on(market, side)
    }

    /// The sink, to look at.
    pub fn trace(&self) -> &T {
        &self.trace
    }

    /// The sink, to keep.
    pub fn into_trace(self) -> T {
        self.trace
    }

    /// The market maker's account is cross, and those of agents: the whole balance stands behind the position.
    #[inline]
    fn is_cross(&self, account: AccountId) -> bool {
        account == AccountId::MARKET_MAKER || self.world.is_agent(account)
    }

    /// What stands behind an account's position: its margin, or the whole balance if it is a cross account.
    #[inline]
    fn collateral(&self, account: AccountId) -> Result<Quote, Overflow> {
        if !self.is_cross(account) {
            return Ok(self.positions[account.index()].margin);
        }
        self.ledger.cash(account).plus(self.token_margin(account)?)
    }

    /// Collateral and profit at the mark.
    #[inline]
    fn equity(&self, account: AccountId) -> Result<Quote, RunError> {
        let position = &self.positions[account.index()];
        let value = self.world.perp.contract.value(self.mark, position.qty);
        let profit = value.and_then(|value| position.profit(value));
        profit.and_then(|profit| profit.plus(self.collateral(account)?)).whose(account, "equity")
    }
}

/// Whether a run is to stop.
type Interrupt<'w> = Box<dyn Fn() -> bool + Send + Sync + 'w>;

/// Where an account's thresholds are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    /// Where they were sorted; the position is as it was then.
    Sorted,
    /// There, but its stop was sent in this round.
    Stopped,
    /// They moved: among the moved ones.
    Moved,
    /// Nowhere: its liquidation has been sent.
    Seized,
}
