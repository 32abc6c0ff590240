//! How a path begins: everybody has deposited and holds what the scenario says.

use std::collections::VecDeque;
use std::sync::Arc;

use super::leaving::Members;
use super::standing::Unlocked;
use super::{
    Counts, Drawn, FrictionState, FundingClock, Offers, Ordered, PastMarks, PriceState, Ranking, Sampler,
    Seen, Simulation, Stage, Totals, Trace, Watch,
};
use crate::agents::{Actor, MarketMaker};
use crate::book::OrderBook;
use crate::error::{PathError, RunError, Whose};
use crate::event::{LedgerAccount, Reason, Transfer};
use crate::ids::AccountId;
use crate::ledger::Ledger;
use crate::margin::{Moved, Position, Waiting, Way};
use crate::random::{Stream, Words};
use crate::units::{Lots, Quote, Ticks};
use crate::world::agents::{desk_account, venue_account};
use crate::world::{SupplyStreams, Template, World, WorldSupply};

/// The stream of the first agent.
const FIRST_STREAM: u64 = 4096;

impl<T: Trace> Simulation<'_, T> {
    /// A path before its ignition.
    pub fn new(world: &World, seed: u64, path: u64, trace: T) -> Result<Self, RunError> {
        let (spot, perp) = supplies(world, seed, path);
        let mut simulation = Simulation {
            world: world.clone(),
            seed,
            path,
            spot: OrderBook::new(spot),
            perp: OrderBook::new(perp),
            ledger: Ledger::default(),
            positions: Vec::new(),
            places: true,
            watch: Vec::new(),
            tokens: Vec::new(),
            financed: Vec::new(),
            fixed_taken: [0; 2],
            waiting: Way::BOTH.map(Waiting::new),
            moved: Moved::default(),
            moved_to: Vec::new(),
            spared: Vec::new(),
            late_stops: Vec::new(),
            cools: false,
            owed: Quote::ZERO,
            ordered: Vec::new(),
            stirred: false,
            ranking: Ranking::default(),
            highest_fund: Quote::ZERO,
            next_cell: Vec::new(),
            drawn: None,
            next_account: world.named,
            arrivals: Vec::new(),
            burnt: Vec::new(),
            touched: Vec::new(),
            maker: MarketMaker::new(world.maker, world.conversion, world.perp.contract),
            mark: Ticks::ZERO,
            previous_mark: Ticks::ZERO,
            last_mark: Ticks::ZERO,
            index: Ticks::ZERO,
            actors: Vec::new(),
            next_actor: 0,
            intents: Vec::new(),
            resting: Vec::new(),
            members: Vec::new(),
            offered: Vec::new(),
            brought: Vec::new(),
            seen: Seen::default(),
            crosses: Vec::new(),
            levels: Vec::new(),
            unlocked: Unlocked::default(),
            circulating: Lots::ZERO,
            clock: 0,
            first_of_step: true,
            past_marks: PastMarks::default(),
            prices: PriceState::default(),
            frictions: FrictionState::default(),
            funding: FundingClock::default(),
            peak: Ticks::ZERO,
            named_margin: Quote::ZERO,
            counts: Counts::default(),
            sampler: Sampler::default(),
            spot_exhausted: false,
            stage: Stage::default(),
            totals: Totals::default(),
            sent: Vec::new(),
            records: Vec::new(),
            fills: Vec::new(),
            interrupt: None,
            trace,
        };
        simulation.settle_in().map(|()| simulation)
    }

    /// Another path of the same world, at the cost of what the last one touched.
    pub fn restart(&mut self, path: u64) -> Result<(), RunError> {
        self.path = path;
        let seed = self.seed;
        self.spot.restart(|supply| supply.restart(seed, path, SupplyStreams::SPOT));
        self.perp.restart(|supply| supply.restart(seed, path, SupplyStreams::PERP));
        self.calm_down();
        self.rewind();
        self.begin()
    }

    /// A path of another world, in the same memory.
    pub fn replace(&mut self, world: World, path: u64) -> Result<(), RunError> {
        self.path = path;
        let (spot, perp) = supplies(&world, self.seed, path);
        self.spot.clear(spot);
        self.perp.clear(perp);
        let same = Arc::ptr_eq(&self.world.fixed, &world.fixed) && self.world.named == world.named;
        self.world = world;
        if !same {
            return self.settle_in();
        }
        self.rewind();
        self.begin()
    }

    /// Another path of a scenario whose numbers are drawn per path.
    pub fn restart_as(&mut self, template: &Template, path: u64) -> Result<(), PathError> {
        match template.rebuilt(self.seed, path)? {
            Some(world) => self.replace(world, path)?,
            None => {
                template.draw_into(&mut self.world, self.seed, path);
                self.restart(path)?;
            }
        }
        Ok(())
    }

    /// The sink, to empty it between paths.
    pub fn trace_mut(&mut self) -> &mut T {
        &mut self.trace
    }

    /// The fixed accounts move in.
    fn settle_in(&mut self) -> Result<(), RunError> {
        let fixed = &self.world.fixed;
        let named = self.world.named;
        let traders = named.index() + fixed.accounts.len();
        self.tokens.resize(named.index(), Lots::ZERO);
        self.financed.resize(named.index(), Quote::ZERO);
        self.positions.clear();
        self.positions.resize(named.index(), Position::default());
        self.positions.extend(fixed.accounts.iter().map(|account| account.position));
        self.watch.clear();
        self.watch.resize(traders, Watch::Sorted);
        self.ledger = Ledger::new(traders);
        self.ledger.rewind(traders, fixed.sum.margin);
        for (id, account) in (named.0..).zip(&fixed.accounts) {
            self.ledger.restore(AccountId(id), account.position.margin);
        }
        self.ordered.clear();
        self.touched.clear();
        self.begin()
    }

    /// Takes the accounts back to where they began.
    fn rewind(&mut self) {
        let fixed = &self.world.fixed;
        let named = self.world.named;
        let traders = named.index() + fixed.accounts.len();
        self.positions.truncate(traders);
        self.watch.truncate(traders);
        self.ledger.rewind(traders, fixed.sum.margin);
        // Where thresholds moved to is read of accounts that moved in this path only: what is left there does no harm.
        self.ordered.truncate(traders);
        for ordered in self.ordered.iter_mut().take(named.index()) {
            *ordered = Ordered::default();
        }
        for id in (0..named.0).map(AccountId) {
            self.ledger.restore(id, Quote::ZERO);
            self.positions[id.index()] = Position::default();
            self.watch[id.index()] = Watch::Sorted;
        }
        for id in self.touched.drain(..) {
            let position = fixed.accounts[id.index() - named.index()].position;
            self.ledger.restore(id, position.margin);
            self.positions[id.index()] = position;
            self.watch[id.index()] = Watch::Sorted;
            if let Some(ordered) = self.ordered.get_mut(id.index()) {
                *ordered = Ordered::default();
            }
        }
    }

    /// The rest of the market takes the other side of all positions; the others bring what they have.
    fn begin(&mut self) -> Result<(), RunError> {
        let world = &self.world;
        self.places = T::ON || !world.venue.is_plain() || !world.agents.is_empty();
        let Position { qty, cost, margin } = world.fixed.sum;
        self.positions[AccountId::REST_OF_MARKET.index()] =
            Position { qty: -qty, cost: -cost, margin: Quote::ZERO };
        self.named_margin = margin;
        self.tokens.fill(Lots::ZERO);
        self.tokens[AccountId::ATTACKER.index()] = world.attacker_tokens();
        self.tokens[AccountId::MARKET_MAKER_SPOT.index()] = world.maker.spot_inventory;
        self.tokens[AccountId::HOLDERS.index()] = world.free_float();
        self.financed.fill(Quote::ZERO);
        self.fixed_taken = [0; 2];
        self.waiting.iter_mut().for_each(Waiting::clear);
        self.moved.clear();
        self.spared.clear();
        self.late_stops.clear();
        self.next_account = AccountId(self.world.named.0 + self.world.fixed.count());
        self.next_cell.clear();
        self.next_cell.resize(world.populations.iter().map(|p| p.groups()).sum(), 0);
        self.maker = MarketMaker::new(world.maker, world.conversion, world.perp.contract);
        (self.mark, self.previous_mark, self.last_mark) =
            (world.perp.start, world.perp.start, world.perp.start);
        (self.index, self.peak) = (world.spot.start, world.spot.start);
        (self.clock, self.first_of_step) = (0, true);
        self.past_marks.restart(world.perp.start, world.look_back());
        self.prices.restart(world);
        self.frictions.restart(world);
        self.funding.restart(world);
        (self.counts, self.sampler) = (Counts::default(), Sampler::default());
        self.spot_exhausted = false;
        (self.stage, self.totals) = (Stage::default(), Totals::default());
        // A path that failed leaves these behind.
        self.arrivals.clear();
        self.burnt.clear();
        self.sent.clear();
        self.records.clear();
        let (fund, capital) = (world.venue.insurance_fund, world.maker.capital);
        let vault = world.venue.backstop.map_or(Quote::ZERO, |backstop| backstop.capital);
        self.highest_fund = fund;
        self.ranking.forget();
        self.deposit(LedgerAccount::InsuranceFund, fund)?;
        self.deposit(LedgerAccount::Trader(AccountId::MARKET_MAKER), capital)?;
        self.deposit(LedgerAccount::Trader(AccountId::VAULT), vault)?;
        self.agents_move_in()?;
        if T::ON {
            self.trace_fixed();
        }
        match self.drawn {
            Some(_) => self.draw_beforehand(),
            None => Ok(()),
        }
    }

    /// Agents come with their capital and tokens.
    fn agents_move_in(&mut self) -> Result<(), RunError> {
        (self.unlocked, self.circulating) = (Unlocked::default(), self.world.circulating);
        let agents = Arc::clone(&self.world.agents);
        let contract = self.world.spot.contract;
        self.actors.clear();
        self.brought.clear();
        self.offered.clear();
        self.offered.resize(agents.len(), Offers::default());
        self.resting.resize(agents.len(), VecDeque::new());
        self.resting.iter_mut().for_each(VecDeque::clear);
        self.members.resize_with(agents.len(), Members::default);
        self.members.iter_mut().for_each(Members::clear);
        for (number, agent) in agents.iter().enumerate() {
            let words = Words::new(Stream::new(self.seed, self.path, FIRST_STREAM + number as u64));
            self.actors.push(Actor::new(number, &agent.plan, words));
            let desk = desk_account(number);
            self.tokens[desk.index()] = agent.tokens;
            let worth = contract.value(self.world.spot.start, agent.tokens).whose(desk, "value of tokens")?;
            self.brought.push((agent.tokens, worth));
            let capital = agent.capital.unwrap_or(Quote::ZERO);
            self.deposit(LedgerAccount::Trader(venue_account(number)), capital)?;
        }
        Ok(())
    }

    /// What the fixed accounts deposited, written down.
    fn trace_fixed(&mut self) {
        for (id, account) in (self.world.named.0..).zip(&self.world.fixed.accounts) {
            let to = LedgerAccount::Trader(AccountId(id));
            let amount = account.position.margin;
            let transfer = Transfer { from: LedgerAccount::Outside, to, amount, reason: Reason::Deposit };
            self.trace.transfer(0, &transfer);
            self.trace.account(0, AccountId(id), account);
        }
    }

    /// Draws the whole world before each path instead of what the price gets to: the same bits, slower.
    pub fn eager(mut self) -> Result<Self, RunError> {
        self.drawn = Some(Drawn::default());
        self.draw_beforehand()?;
        Ok(self)
    }

    fn draw_beforehand(&mut self) -> Result<(), RunError> {
        let drawn = Drawn::all(&self.world, self.seed, self.path);
        self.drawn = Some(drawn.whose(self.world.named, "value of an account")?);
        self.draw_levels();
        Ok(())
    }
}

fn supplies(world: &World, seed: u64, path: u64) -> (WorldSupply, WorldSupply) {
    let of = |market: &crate::world::Market, owner, streams| {
        WorldSupply::new(&market.shapes, market.quoting.as_ref(), owner, streams, seed, path)
    };
    (
        of(&world.spot, AccountId::HOLDERS, SupplyStreams::SPOT),
        of(&world.perp, AccountId::MARKET_MAKER, SupplyStreams::PERP),
    )
}
