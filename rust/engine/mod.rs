//! The engine: the phases of a round, in the order of `docs/MODEL.md` section 7.

mod booking;
mod hedging;
mod settlement;
mod stage;
mod summary;
mod thresholds;
mod trace;

use std::sync::atomic::{AtomicBool, Ordering};

pub use stage::{Stage, Totals};
pub use summary::{StopReason, Summary};
pub use trace::{Recorder, Trace};

use crate::agents::{MarketMaker, ignition};
use crate::book::{Fill, OrderBook};
use crate::error::{RunError, Whose};
use crate::event::{Cause, LedgerAccount, Liquidation, Market, Mechanism, Reason, Transfer};
use crate::ids::AccountId;
use crate::ledger::Ledger;
use crate::margin::{Due, EagerFuel, MovedFuel, Position, Way};
use crate::units::{Lots, Quote, Side, Ticks};
use crate::world::{Account, World, WorldSupply};

/// One path of a world, on its way.
pub struct Simulation<'w, T: Trace> {
    world: &'w World,
    spot: OrderBook<WorldSupply<'w>>,
    perp: OrderBook<WorldSupply<'w>>,
    ledger: Ledger,
    positions: Vec<Position>,
    tokens: Vec<Lots>,
    /// What was deposited so far, by account that trades spot.
    financed: Vec<Quote>,
    fuel: EagerFuel,
    /// Thresholds that moved since the others were sorted.
    moved: MovedFuel,
    watch: Vec<Watch>,
    maker: MarketMaker,
    mark: Ticks,
    previous_mark: Ticks,
    peak: Ticks,
    named_qty: Lots,
    /// What the scenario's accounts deposited.
    named_margin: Quote,
    burnt_qty: Lots,
    /// Fills so far.
    booked: u64,
    ignition: (Lots, Quote),
    spot_exhausted: bool,
    stage: Stage,
    totals: Totals,
    /// Forced orders of the round, to be settled.
    forced: Vec<Liquidation>,
    fills: Vec<Fill>,
    interrupt: Option<&'w AtomicBool>,
    trace: T,
}

impl<'w, T: Trace> Simulation<'w, T> {
    /// A path before its ignition: everybody has deposited and holds what the scenario says.
    pub fn new(world: &'w World, seed: u64, path: u64, trace: T) -> Result<Self, RunError> {
        let accounts = world.accounts(seed, path);
        let traders = AccountId::FIRST_NAMED.index() + accounts.len();
        let mut simulation = Simulation {
            world,
            spot: OrderBook::new(WorldSupply::new(&world.spot.shapes, AccountId::HOLDERS)),
            perp: OrderBook::new(WorldSupply::new(&world.perp.shapes, AccountId::MARKET_MAKER)),
            ledger: Ledger::new(traders),
            positions: vec![Position::default(); traders],
            tokens: vec![Lots::ZERO; AccountId::FIRST_NAMED.index()],
            financed: vec![Quote::ZERO; AccountId::FIRST_NAMED.index()],
            fuel: fuel(&accounts),
            moved: MovedFuel::default(),
            watch: vec![Watch::Sorted; traders],
            maker: MarketMaker::new(world.maker, world.conversion),
            mark: world.perp.start,
            previous_mark: world.perp.start,
            peak: world.spot.start,
            named_qty: Lots::ZERO,
            named_margin: Quote::ZERO,
            burnt_qty: Lots::ZERO,
            booked: 0,
            ignition: (Lots::ZERO, Quote::ZERO),
            spot_exhausted: false,
            stage: Stage::default(),
            totals: Totals::default(),
            forced: Vec::new(),
            fills: Vec::new(),
            interrupt: None,
            trace,
        };
        simulation.endow(&accounts)?;
        Ok(simulation)
    }

    /// Stops the run with [`RunError::Interrupted`] soon after the flag is set.
    pub fn interrupted_by(mut self, flag: &'w AtomicBool) -> Self {
        self.interrupt = Some(flag);
        self
    }

    /// Runs to the end of the cascade.
    pub fn run(&mut self) -> Result<StopReason, RunError> {
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
        let order = ignition(self.world);
        self.stage.index = self.world.spot.start;
        self.stage.mark = self.mark;
        let filled = self.trade_spot(order, Cause::Ignition)?;
        self.ignition = (filled.qty, filled.value);
        self.end_round()
    }

    /// One round of phases 2 to 6; false once nothing was due and nothing traded.
    pub fn round(&mut self) -> Result<bool, RunError> {
        self.stage.round += 1;
        self.price()?; //                      2: index, quotes, mark
        //                                     3: funding, once there is time
        let sent = self.thresholds()?; //      4: stops and liquidations
        let unwound = self.settle()?; //       5: margin, fund, venue
        let hedged = self.hedge()?; //         6: hedges, profit takers
        self.bankrupt_maker()?;
        self.end_round()?;
        Ok(sent > 0 || unwound || hedged)
    }

    fn price(&mut self) -> Result<(), RunError> {
        let index = self.spot_last();
        let (n, d) = self.world.conversion.tick;
        let mark =
            Ticks::nearest(i128::from(index.0) * n, d).whose(AccountId::MARKET_MAKER, "index price")?;
        self.previous_mark = self.mark;
        self.mark = mark.max(Ticks(1));
        self.requote(self.mark)?;
        (self.stage.index, self.stage.mark) = (index, self.mark);
        Ok(())
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
        self.totals.add(&self.stage).whose(AccountId::TAKEOVER_DESK, "sum of all rounds")?;
        self.trace.stage(&self.stage);
        self.stage = Stage { round: self.stage.round, ..Stage::default() };
        self.check_interrupt()
    }

    fn check_interrupt(&self) -> Result<(), RunError> {
        match self.interrupt {
            Some(flag) if flag.load(Ordering::Relaxed) => Err(RunError::Interrupted),
            _ => Ok(()),
        }
    }

    /// What rests in both books now, quotes posted: up to `levels` a side, best first.
    pub fn start_depth(&mut self, levels: usize) -> Result<Vec<(Market, Side, Ticks, Lots)>, RunError> {
        self.requote(self.mark)?;
        let (mut rows, mut out) = (Vec::new(), Vec::new());
        for side in Side::BOTH {
            self.spot.depth(side, levels, &mut out);
            rows.extend(out.drain(..).map(|(price, qty)| (Market::Spot, side, price, qty)));
            self.perp.depth(side, levels, &mut out);
            rows.extend(out.drain(..).map(|(price, qty)| (Market::Perp, side, price, qty)));
        }
        Ok(rows)
    }

    /// Everybody deposits; the rest of the market takes the other side of all positions.
    fn endow(&mut self, accounts: &[Account]) -> Result<(), RunError> {
        let world = self.world;
        self.deposit(LedgerAccount::InsuranceFund, world.venue.insurance_fund)?;
        self.deposit(LedgerAccount::Trader(AccountId::MARKET_MAKER), world.maker.capital)?;
        let mut rest = Position::default();
        for (account, id) in accounts.iter().zip(AccountId::FIRST_NAMED.0..) {
            let id = AccountId(id);
            self.positions[id.index()] = account.position;
            self.deposit(LedgerAccount::Trader(id), account.position.margin)?;
            rest.qty = rest.qty.minus(account.position.qty).whose(id, "sum of positions")?;
            rest.cost = rest.cost.minus(account.position.cost).whose(id, "sum of costs")?;
            self.named_margin =
                self.named_margin.plus(account.position.margin).whose(id, "sum of margins")?;
            self.named_qty = self.named_qty.plus(account.position.qty.abs()).whose(id, "open interest")?;
        }
        self.positions[AccountId::REST_OF_MARKET.index()] = rest;
        self.tokens[AccountId::ATTACKER.index()] = world.attacker_tokens();
        self.tokens[AccountId::MARKET_MAKER_SPOT.index()] = world.maker.spot_inventory;
        self.tokens[AccountId::HOLDERS.index()] = world.free_float();
        Ok(())
    }

    fn deposit(&mut self, to: LedgerAccount, amount: Quote) -> Result<(), RunError> {
        self.pay(LedgerAccount::Outside, to, amount, Reason::Deposit)
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
    pub fn spot(&self) -> &OrderBook<WorldSupply<'w>> {
        &self.spot
    }

    /// The perpetual's book.
    pub fn perp(&self) -> &OrderBook<WorldSupply<'w>> {
        &self.perp
    }

    /// The mark price.
    pub fn mark(&self) -> Ticks {
        self.mark
    }

    /// The sink, to look at.
    pub fn trace(&self) -> &T {
        &self.trace
    }

    /// The sink, to keep.
    pub fn into_trace(self) -> T {
        self.trace
    }

    /// What stands behind an account's position: its margin, or the whole balance if it is a cross account.
    #[inline]
    fn collateral(&self, account: AccountId) -> Quote {
        if is_cross(account) { self.ledger.cash(account) } else { self.positions[account.index()].margin }
    }

    /// Collateral and profit at the mark.
    #[inline]
    fn equity(&self, account: AccountId) -> Result<Quote, RunError> {
        let position = &self.positions[account.index()];
        let value = self.world.perp.contract.value(self.mark, position.qty);
        let profit = value.and_then(|value| position.profit(value));
        profit.and_then(|profit| profit.plus(self.collateral(account))).whose(account, "equity")
    }
}

/// Where an account's thresholds are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    /// Among the sorted ones.
    Sorted,
    /// They moved: among the moved ones.
    Moved,
    /// Nowhere: its liquidation has been sent.
    Seized,
}

/// Only the market maker's account is cross: his whole balance stands behind his position.
#[inline]
const fn is_cross(account: AccountId) -> bool {
    account.0 == AccountId::MARKET_MAKER.0
}

/// Thresholds of the scenario's accounts, in order.
fn fuel(accounts: &[Account]) -> EagerFuel {
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for (account, id) in accounts.iter().zip(AccountId::FIRST_NAMED.0..) {
        let side = if way_of(&account.position) == Way::Up { &mut up } else { &mut down };
        let due = |threshold, mechanism| Due { threshold, account: AccountId(id), mechanism };
        side.extend(account.liquidation.map(|tick| due(tick, Mechanism::Liquidation)));
        side.extend(account.stop.map(|tick| due(tick, Mechanism::Stop)));
    }
    EagerFuel::new(up, down)
}

/// The way on which a position loses.
#[inline]
fn way_of(position: &Position) -> Way {
    if position.qty.0 < 0 { Way::Up } else { Way::Down }
}
