//! A recount of an inverse world: balances by currency from the transfers, positions and costs from the trades.

use std::collections::{BTreeSet, HashMap};

use perpcore::engine::{Simulation, Stage, Trace};
use perpcore::event::{Adl, Cause, LedgerAccount, Liquidation, Market, Mechanism, Reason, Trade, Transfer};
use perpcore::ids::AccountId;
use perpcore::margin::Way;
use perpcore::units::{Side, Ticks};
use perpcore::world::{Account, World};

const NAMED: usize = AccountId::FIRST_AGENT.index();
const REST: usize = AccountId::REST_OF_MARKET.index();
const DESK: usize = AccountId::TAKEOVER_DESK.index();
const MAKER: usize = AccountId::MARKET_MAKER.index();

/// What the scenarios must show, one in a hundred at least.
pub const EXERCISED: [&str; 15] = [
    "an account that came into being",
    "a population of shorts",
    "a liquidation of a short",
    "a liquidation of a long",
    "a takeover",
    "a deficit",
    "a stop",
    "an unwind",
    "an absorption",
    "a hedge that sells",
    "a fee in spot",
    "a fee in coin",
    "a push in the perpetual",
    "a deleveraging",
    "the vault stepping in",
];

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Held {
    qty: i128,
    cost: i128,
}

pub struct Recount<'w> {
    world: &'w World,
    replayed: HashMap<LedgerAccount, i128>,
    held: Vec<Held>,
    /// Taker, maker, lots the taker bought, their worth fill by fill.
    deal: Option<(usize, usize, i128, i128)>,
    /// The lowest and the highest mark of earlier rounds.
    marks: (i64, i64),
    orders: u64,
    sent: BTreeSet<usize>,
    /// Closed against others in the round, by who was bankrupt.
    closed: HashMap<usize, i64>,
    /// What settled orders of the round leave open.
    left: HashMap<usize, i64>,
    failure: Option<String>,
    pub seen: BTreeSet<&'static str>,
}

impl<'w> Recount<'w> {
    pub fn new(world: &'w World) -> Recount<'w> {
        Recount {
            world,
            replayed: HashMap::new(),
            held: vec![Held::default(); NAMED],
            deal: None,
            marks: (world.perp.start.0, world.perp.start.0),
            orders: 0,
            sent: BTreeSet::new(),
            closed: HashMap::new(),
            left: HashMap::new(),
            failure: None,
            seen: BTreeSet::new(),
        }
    }

    fn see(&mut self, what: &'static str, shown: bool) {
        if shown {
            self.seen.insert(what);
        }
    }

    fn require(&mut self, holds: bool, text: impl FnOnce() -> String) {
        if !holds && self.failure.is_none() {
            self.failure = Some(text());
        }
    }

    /// Coin steps: face over price, to the nearest, halves up.
    fn worth(&self, price: i64, lots: i64) -> i128 {
        let Ok(worth) = self.world.perp.contract.worth_at((1, 1), perpcore::units::Lots(1)) else { return 0 };
        // A lot at one tick is a whole number of steps on the grids that are drawn.
        let (n, d) = (i128::from(worth.0) * i128::from(lots), i128::from(price));
        (2 * n + d) / (2 * d)
    }

    fn book(&mut self) {
        let Some((taker, maker, lots, worth)) = self.deal.take() else { return };
        for (account, lots) in [(taker, lots), (maker, -lots)] {
            let own = &mut self.held[account];
            let closing = if own.qty * lots < 0 { lots.abs().min(own.qty.abs()) } else { 0 };
            if closing > 0 {
                own.cost -= own.cost * closing / own.qty.abs();
            }
            // Who buys face owes coin.
            own.cost -= lots.signum() * (worth - worth * closing / lots.abs());
            own.qty += lots;
        }
    }
}

impl Trace for Recount<'_> {
    fn account(&mut self, round: u64, id: AccountId, account: &Account) {
        let p = account.position;
        let held = Held { qty: p.qty.0.into(), cost: p.cost.0.into() };
        self.require(id.index() == self.held.len(), || format!("{id:?} is out of order"));
        self.require(held.qty * held.cost <= 0, || format!("{id:?} costs the wrong sign: {p:?}"));
        self.held.push(held);
        self.held[REST].qty -= held.qty;
        self.held[REST].cost -= held.cost;
        if round > 0 {
            self.see("an account that came into being", true);
            let (way, (low, high)) = (Way::of(&p), self.marks);
            let farthest = if way == Way::Up { Ticks(high) } else { Ticks(low) };
            let later = account.liquidation.is_none_or(|tick| way.distance(farthest, tick) > 0);
            self.require(later, || format!("{id:?} came too late: {account:?}, marks to {farthest:?}"));
        }
    }

    fn trade(&mut self, _round: u64, trade: &Trade) {
        let (taker, maker) = (trade.taker.index(), trade.maker.index());
        self.see("an unwind", trade.cause == Cause::Unwind);
        self.see("an absorption", trade.cause == Cause::Absorption);
        self.see("a hedge that sells", trade.cause == Cause::Hedge && trade.taker_side == Side::Sell);
        if self.deal.is_some_and(|deal| (deal.0, deal.1) != (taker, maker)) {
            self.book();
        }
        if trade.market == Market::Spot {
            return;
        }
        self.see("a push in the perpetual", trade.cause == Cause::Ignition);
        let worth = self.worth(trade.price.0, trade.qty.0);
        let deal = self.deal.get_or_insert((taker, maker, 0, 0));
        deal.2 += i128::from(trade.taker_side.sign() * trade.qty.0);
        deal.3 += worth;
    }

    fn transfer(&mut self, _round: u64, transfer: &Transfer) {
        self.book();
        let Transfer { from, to, amount, .. } = *transfer;
        let same = self.world.pays_in_quote(from) == self.world.pays_in_quote(to);
        self.require(same && amount.0 > 0, || format!("from one currency to another: {transfer:?}"));
        *self.replayed.entry(from).or_default() -= i128::from(amount.0);
        *self.replayed.entry(to).or_default() += i128::from(amount.0);
        self.see("a fee in spot", to == LedgerAccount::SpotFees);
        self.see("funding", transfer.reason == Reason::Funding);
        self.see("a shared loss", transfer.reason == Reason::LossShare);
        self.see("a fee in coin", to == LedgerAccount::FeeIncome);
    }

    fn adl(&mut self, _round: u64, adl: &Adl) {
        self.see("a deleveraging", true);
        self.require(0 < adl.qty.0 && adl.qty.0 <= adl.position.0.abs(), || format!("too much: {adl:?}"));
        *self.closed.entry(adl.against.index()).or_default() += adl.qty.0;
    }

    fn liquidation(&mut self, _round: u64, order: &Liquidation) {
        self.book();
        self.orders += 1;
        let account = order.account.index();
        self.sent.insert(account);
        self.see("a stop", order.mechanism == Mechanism::Stop);
        self.see("the vault stepping in", order.mechanism == Mechanism::Backstop);
        self.see("a takeover", order.taken_over_qty.0 > 0);
        self.see("a deficit", order.deficit.0 > 0);
        let liquidated = order.mechanism == Mechanism::Liquidation;
        self.see("a liquidation of a short", liquidated && order.position.0 < 0);
        self.see("a liquidation of a long", liquidated && order.position.0 > 0);
        if order.mechanism != Mechanism::Stop {
            let closed = self.closed.remove(&account).unwrap_or(0);
            self.require(order.adl_qty.0 == closed, || format!("{closed} closed against others: {order:?}"));
            let parts = order.filled_qty.0 + order.taken_over_qty.0 + closed;
            self.left.insert(account, order.position.0.abs() - parts);
        }
        if order.taken_over_qty.0 > 0 && self.world.venue.is_plain() {
            let taken = std::mem::take(&mut self.held[account]);
            let desk = &mut self.held[DESK];
            desk.qty += taken.qty;
            desk.cost = if desk.qty == 0 { 0 } else { desk.cost + taken.cost };
        }
    }

    fn stage(&mut self, _stage: &Stage) {
        self.book();
    }
}

/// What must hold after every round.
pub fn check(world: &World, simulation: &Simulation<'_, Recount>) -> Result<(), String> {
    let recount = simulation.trace();
    let require = |holds: bool, text: &dyn Fn() -> String| if holds { Ok(()) } else { Err(text()) };
    require(recount.failure.is_none(), &|| recount.failure.clone().unwrap_or_default())?;
    let ledger = simulation.ledger();
    let positions = simulation.positions();
    let traders = (0..).map(|id| LedgerAccount::Trader(AccountId(id))).take(positions.len());
    let mut sums = [0_i128; 2];
    for account in traders.chain(LedgerAccount::SYSTEM) {
        let kept = i128::from(ledger.balance(account).0);
        let replayed = recount.replayed.get(&account).copied().unwrap_or(0);
        require(kept == replayed, &|| format!("{account:?} has {kept}, by transfers {replayed}"))?;
        sums[usize::from(world.pays_in_quote(account))] += kept;
    }
    require(sums == [0, 0], &|| format!("coin sums to {}, quote currency to {}", sums[0], sums[1]))?;
    let balance = |account| i128::from(ledger.balance(account).0);
    require(balance(LedgerAccount::InsuranceFund) >= 0, &|| "the fund is negative".into())?;
    require(balance(LedgerAccount::VenueLoss) <= 0, &|| "the venue gains".into())?;
    let qty: i128 = positions.iter().map(|p| i128::from(p.qty.0)).sum();
    let cost: i128 = positions.iter().map(|p| i128::from(p.cost.0)).sum();
    require(qty == 0, &|| format!("positions sum to {qty}"))?;
    let clearing = balance(LedgerAccount::Clearing);
    require(clearing == -cost, &|| format!("clearing {clearing}, costs {cost}"))?;
    let tokens: i64 = simulation.tokens().iter().map(|lots| lots.0).sum();
    require(tokens == world.circulating.0, &|| format!("{tokens} tokens of {:?}", world.circulating))?;
    let plain = world.venue.is_plain();
    for (id, position) in positions.iter().enumerate() {
        let cash = balance(LedgerAccount::Trader(AccountId(u32::try_from(id).unwrap_or(0))));
        let margin = i128::from(position.margin.0);
        let open = id == MAKER || id == AccountId::VAULT.index();
        require(cash >= 0 || open, &|| format!("{id} owes: {cash}, {position:?}"))?;
        require(margin >= 0 && margin <= cash.max(0), &|| format!("{id} has {cash}: {position:?}"))?;
        let left = recount.left.get(&id).copied();
        require(left.is_none_or(|left| left == position.qty.0.abs()), &|| {
            format!("{id}: {left:?}, {position:?}")
        })?;
        let own = recount.held[id];
        let same = (own.qty, own.cost) == (position.qty.0.into(), position.cost.0.into());
        require(same || !plain, &|| format!("{id} has {position:?}, by trades {own:?}"))?;
    }
    forgotten(world, simulation)
}

/// Where the venue could send all orders, nobody open is due at the mark.
fn forgotten(world: &World, simulation: &Simulation<'_, Recount>) -> Result<(), String> {
    let recount = simulation.trace();
    let mark = simulation.mark();
    if !world.venue.is_plain()
        || world.venue.liquidations_per_round.is_some_and(|most| recount.orders >= most)
    {
        return Ok(());
    }
    for (id, position) in simulation.positions().iter().enumerate().skip(NAMED) {
        if position.qty.0 == 0 || recount.sent.contains(&id) {
            continue;
        }
        let worth = recount.worth(mark.0, position.qty.0.abs());
        let equity = i128::from(position.margin.0)
            - i128::from(position.qty.0.signum()) * worth
            - i128::from(position.cost.0);
        let worth = perpcore::units::Quote(i64::try_from(worth).unwrap_or(i64::MAX));
        let rule = &world.venue.margin;
        let held = rule.requirement(position.cost.abs(), worth).map_err(|_| "overflow")?;
        let equity = perpcore::units::Quote(i64::try_from(equity).unwrap_or(i64::MAX));
        if rule.trigger.met(equity, held) {
            return Err(format!("{id} is due at {mark:?} and got no order: {position:?}"));
        }
    }
    Ok(())
}

impl Recount<'_> {
    /// A new round begins.
    pub fn next(&mut self, mark: Ticks) {
        self.marks = (self.marks.0.min(mark.0), self.marks.1.max(mark.0));
        self.orders = 0;
        self.sent.clear();
        self.closed.clear();
        self.left.clear();
    }
}
