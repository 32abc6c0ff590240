//! An auditor who sees only a trace: from the trades it works out every position, margin, balance, token, settles forced orders by its own waterfall, and compares. Figures are in ticks, lots and steps, in 128 bits.

use std::collections::{BTreeSet, HashMap};

use perpcore::engine::{Stage, Trace};
use perpcore::event::{Cause, Liquidation, Market, Mechanism, Reason, Trade, Transfer};
use perpcore::ids::AccountId;
use perpcore::margin::Trigger;
use perpcore::units::{Side, Ticks};
use perpcore::venue::{Fees, LiquidationOrder, MarkPrice};
use perpcore::world::{Account, World};

const ONE: i128 = 1_000_000_000;
const MAKER: usize = AccountId::MARKET_MAKER.index();
const DESK: usize = AccountId::TAKEOVER_DESK.index();
const NAMED: usize = AccountId::FIRST_AGENT.index();

/// What one account has, worked out from its trades.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Holding {
    pub qty: i128,
    pub cost: i128,
    pub margin: i128,
    pub cash: i128,
    pub tokens: i128,
}

/// What one settlement moved, or all of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Moved {
    taken: i128,
    left_over: i128,
    by_fund: i128,
    by_venue: i128,
}

#[derive(Clone, Copy, Default)]
struct Deal {
    taker: usize,
    maker: usize,
    /// Lots the taker bought.
    signed: i128,
    /// Ticks x lots.
    notional: i128,
}

/// Cut toward zero.
fn share(amount: i128, part: i128, whole: i128) -> i128 {
    amount * part / whole
}

/// The round under way.
#[derive(Default)]
pub struct Round {
    /// Accounts as they were when their order first traded, or was settled; by mechanism.
    sent: [HashMap<usize, Holding>; 4],
    /// Accounts as they were before their stop was settled.
    unsettled: HashMap<usize, Holding>,
    /// How far settlements of the round have changed an account's free cash.
    settled: HashMap<usize, i128>,
    pub orders: u64,
    desk_settled: bool,
    moved: Moved,
    deficits: Moved,
    volume: [i128; 3],
}

pub struct Auditor<'w> {
    world: &'w World,
    tiers: Vec<(i128, i128)>,
    stops: Vec<Option<i128>>,
    pub held: Vec<Holding>,
    /// Sold by the market maker as maker in the perpetual's book, hedged in spot, absorbed off the book.
    pub dealt: [i128; 3],
    /// Outside, fee income, insurance fund, clearing, venue loss.
    pub system: [i128; 5],
    /// Balances by code, from the transfers.
    pub replayed: HashMap<i64, i128>,
    /// What an order has traded with one maker and is not booked yet.
    deal: Option<Deal>,
    round: u64,
    spot_last: i128,
    perp_last: i128,
    /// Twice the mid of both books before the round, where both sides had somebody.
    mids: [Option<i128>; 2],
    mark: i128,
    pub now: Round,
    /// What happened, to be counted.
    pub seen: BTreeSet<&'static str>,
    pub failures: Vec<String>,
}

macro_rules! hold {
    ($auditor:expr, $holds:expr, $($text:tt)*) => {
        if !$holds {
            let text = format!($($text)*);
            $auditor.failures.push(format!("round {}: {text}", $auditor.round));
        }
    };
}

impl<'w> Auditor<'w> {
    pub fn new(world: &'w World) -> Auditor<'w> {
        let accounts = &world.fixed.accounts;
        let tiers = world.venue.tiers.tiers().iter().map(|t| (t.min_notional.0.into(), t.rate.0.into()));
        let mut held = vec![Holding::default(); NAMED + accounts.len()];
        for (account, own) in accounts.iter().zip(&mut held[NAMED..]) {
            let p = account.position;
            let (qty, cost, margin) = (p.qty.0.into(), p.cost.0.into(), p.margin.0.into());
            *own = Holding { qty, cost, margin, cash: margin, tokens: 0 };
        }
        let (qty, cost) = held.iter().fold((0, 0), |sum, own| (sum.0 - own.qty, sum.1 - own.cost));
        held[AccountId::REST_OF_MARKET.index()] = Holding { qty, cost, ..Holding::default() };
        held[MAKER].cash = world.maker.capital.0.into();
        let inventory = i128::from(world.maker.spot_inventory.0);
        let sells = world.ignition.0 == Side::Sell && world.ignition_market == Market::Spot;
        let attacker = if sells { i128::from(world.ignition.1.0) } else { 0 };
        held[AccountId::MARKET_MAKER_SPOT.index()].tokens = inventory;
        held[AccountId::ATTACKER.index()].tokens = attacker;
        held[AccountId::HOLDERS.index()].tokens = i128::from(world.circulating.0) - inventory - attacker;
        let fund = i128::from(world.venue.insurance_fund.0);
        let deposited = fund + held.iter().map(|own| own.cash).sum::<i128>();
        Auditor {
            world,
            tiers: tiers.collect(),
            stops: accounts.iter().map(|a| a.stop.map(|tick| tick.0.into())).collect(),
            held,
            system: [-deposited, 0, fund, 0, 0],
            dealt: [0; 3],
            replayed: HashMap::new(),
            deal: None,
            round: 0,
            spot_last: world.spot.start.0.into(),
            perp_last: world.perp.start.0.into(),
            mids: [None; 2],
            mark: world.perp.start.0.into(),
            now: Round::default(),
            seen: BTreeSet::new(),
            failures: Vec::new(),
        }
    }

    /// Whether a forced order of the account was sent in this round.
    pub fn was_sent(&self, account: usize, mechanism: Mechanism) -> bool {
        self.now.sent[mechanism as usize].contains_key(&account)
    }
    fn see(&mut self, what: &'static str, shown: bool) {
        if shown {
            self.seen.insert(what);
        }
    }

    /// Best bid and ask of both books, before a round.
    pub fn look(&mut self, best: [[Option<Ticks>; 2]; 2]) {
        self.mids = best.map(|[bid, ask]| Some(i128::from(bid?.0) + i128::from(ask?.0)));
    }
    fn enter(&mut self, round: u64) {
        if round > self.round {
            self.round = round;
            let (n, d) = self.world.conversion.tick;
            let index = 2 * self.spot_last * n;
            let mids = [
                self.mids[0].map_or(index, |twice| twice * n),
                self.mids[1].unwrap_or(2 * self.perp_last) * d,
            ];
            let twice = match self.world.venue.mark {
                MarkPrice::Index => 2 * index,
                MarkPrice::MeanOfMids => mids[0] + mids[1],
                other => panic!("the auditor knows no mark of kind {other:?}"),
            };
            self.mark = (twice + 2 * d).div_euclid(4 * d).max(1);
            self.see("a mark between the mids", twice != 2 * index);
            self.now = Round::default();
        }
    }

    /// Marginal: each slice of the notional at its own bracket's rate, the sum rounded up.
    fn maintenance(&self, notional: i128) -> i128 {
        let ends = self.tiers.iter().skip(1).map(|t| t.0).chain([i128::MAX]);
        let slices = self.tiers.iter().zip(ends).map(|(t, end)| (notional.min(end) - t.0).max(0) * t.1);
        let exact: i128 = slices.sum();
        (exact + ONE - 1).div_euclid(ONE)
    }

    pub fn value(&self, price: i128, qty: i128) -> i128 {
        price * qty * i128::from(self.world.perp.contract.scale)
    }

    /// Whether an account is due for liquidation at the mark.
    pub fn due(&self, account: usize, own: &Holding) -> bool {
        let value = self.value(self.mark, own.qty);
        let collateral = if account == MAKER { own.cash } else { own.margin };
        let (equity, maintenance) = (collateral + value - own.cost, self.maintenance(value.abs()));
        match self.world.venue.margin.trigger {
            Trigger::AtOrBelow => own.qty != 0 && equity <= maintenance,
            Trigger::Below => own.qty != 0 && equity < maintenance,
        }
    }

    /// What is gathered of the order on its way goes into the books of both parties.
    fn book(&mut self) {
        if let Some(deal) = self.deal.take() {
            self.fill(deal.taker, deal.signed, deal.notional);
            self.fill(deal.maker, -deal.signed, deal.notional);
        }
    }

    /// A deal against a holding, `notional` ticks x lots in all: closing first, pro rata, its profit paid by clearing, then opening.
    fn fill(&mut self, account: usize, signed: i128, notional: i128) {
        let scale = i128::from(self.world.perp.contract.scale);
        let own = &mut self.held[account];
        let closing = if own.qty * signed < 0 { signed.abs().min(own.qty.abs()) } else { 0 };
        if closing > 0 {
            let open = own.qty.abs();
            let (cost, margin) = (own.cost * closing / open, own.margin * closing / open);
            let profit = -signed.signum() * share(notional * scale, closing, signed.abs()) - cost;
            own.cost -= cost;
            own.margin -= margin;
            own.qty += signed.signum() * closing;
            own.cash += profit;
            self.system[3] -= profit;
        }
        let opening = signed - signed.signum() * closing;
        own.qty += opening;
        own.cost += signed.signum() * (notional * scale - share(notional * scale, closing, signed.abs()));
    }
    fn fee(&mut self, account: usize, rate: i64, value: i128) -> i128 {
        let exact = i128::from(rate) * value;
        let (down, up) = (exact.div_euclid(ONE), (exact + ONE - 1).div_euclid(ONE));
        self.held[account].cash -= up;
        self.system[1] += down;
        self.system[2] += up - down;
        self.see("a rebate", up < 0);
        self.see("a fee that is rounded", up > down);
        up
    }

    fn spot(&mut self, trade: &Trade, fees: Fees) {
        let (taker, maker, qty) = (trade.taker.index(), trade.maker.index(), i128::from(trade.qty.0));
        let value = i128::from(trade.price.0) * qty * i128::from(self.world.spot.contract.scale);
        let charged = [self.fee(taker, fees.taker.0, value), self.fee(maker, fees.maker.0, value)];
        let (buyer, seller, fee) = match trade.taker_side {
            Side::Buy => (taker, maker, charged[0]),
            Side::Sell => (maker, taker, charged[1]),
        };
        // Financed from outside, then paid on: only the fee's part stays a while.
        self.system[0] -= value + fee.max(0);
        self.held[buyer].cash += fee.max(0);
        self.held[seller].cash += value;
        self.held[buyer].tokens += qty;
        self.held[seller].tokens -= qty;
        self.spot_last = trade.price.0.into();
        self.see("a hedge that sells", trade.cause == Cause::Hedge && trade.taker_side == Side::Sell);
    }

    /// A forced order trades: it must be due, close what is there, and keep to its limit.
    fn forced(&mut self, trade: &Trade, mechanism: Mechanism) {
        let account = trade.taker.index();
        let own = self.held[account];
        let first = !self.was_sent(account, mechanism);
        let before = *self.now.sent[mechanism as usize].entry(account).or_insert(own);
        if first {
            self.allowed(account, mechanism, &before);
        }
        let open = own.qty + self.deal.map_or(0, |deal| deal.signed);
        let left = open + i128::from(trade.taker_side.sign() * trade.qty.0);
        let closes = left.abs() < open.abs() && left * open >= 0;
        hold!(self, closes, "not an order within its position {own:?}: {trade:?}");
        let limited = self.world.venue.liquidation_order == LiquidationOrder::LimitAtBankruptcy;
        if limited && mechanism == Mechanism::Liquidation {
            let collateral = if account == MAKER { before.cash } else { before.margin };
            let left = self.value(trade.price.0.into(), before.qty) - before.cost + collateral;
            hold!(self, left >= 0, "{account} fills beyond bankruptcy: {before:?} {trade:?}");
        }
    }

    fn allowed(&mut self, account: usize, mechanism: Mechanism, own: &Holding) {
        if mechanism == Mechanism::Liquidation {
            let due = self.due(account, own);
            hold!(self, due, "{account} is liquidated above maintenance at {}: {own:?}", self.mark);
        } else {
            let stop = self.stops[account - NAMED].unwrap_or(0);
            let reached = if own.qty < 0 { self.mark >= stop } else { self.mark <= stop };
            hold!(self, reached, "stop of {account} at {stop} fires at {}: {own:?}", self.mark);
        }
    }

    /// The auditor's own waterfall for an order that set `free` cash free; what moved must be just that. A trader's other
    /// free cash is not touched.
    fn settle(&mut self, account: usize, mechanism: Option<Mechanism>, free: i128) -> Moved {
        let moved = std::mem::take(&mut self.now.moved);
        let own = self.held[account];
        let used = (-free).max(0).min(own.margin);
        let (rich, deficit) = ((free + used).max(0), (-free - used).max(0));
        let seized = mechanism == Some(Mechanism::Liquidation) && own.qty != 0;
        let margin = if account == MAKER { own.cash.max(0) } else { own.margin - used };
        let taken = if seized { margin } else { 0 };
        let keeps = mechanism == Some(Mechanism::Stop) || seized && account == MAKER;
        let left_over = if keeps { 0 } else { rich };
        let by_fund = deficit.min(self.system[2]);
        let by_venue = deficit - by_fund;
        let expected = Moved { taken, left_over, by_fund, by_venue };
        hold!(self, moved == expected, "settling {account} moves {moved:?}, not {expected:?}");
        let own = &mut self.held[account];
        own.cash += deficit - taken - left_over;
        own.margin = if account == MAKER { 0 } else { margin };
        *self.now.settled.entry(account).or_default() += deficit - taken - left_over + used;
        self.system[2] += left_over - by_fund;
        self.system[4] -= by_venue;
        self.now.deficits.by_fund += by_fund;
        self.now.deficits.by_venue += by_venue;
        self.see("a deficit", deficit > 0);
        self.see("a venue loss", by_venue > 0);
        moved
    }

    /// By how much an order's own fills changed the account's cash beyond margin (a cross account's: all of it).
    fn set_free(&self, account: usize, mechanism: Mechanism, before: &Holding) -> i128 {
        let own = self.held[account];
        if account == MAKER {
            return own.cash;
        }
        let free = |own: &Holding| own.cash - own.margin;
        let next = self.now.sent[Mechanism::Liquidation as usize].get(&account);
        let after = match next.filter(|_| mechanism == Mechanism::Stop) {
            Some(liquidation) => free(liquidation),
            None => free(&own) - self.now.settled.get(&account).copied().unwrap_or(0),
        };
        after - free(before)
    }

    /// Once a round, before anybody hedges.
    fn settle_desk(&mut self) {
        if !std::mem::replace(&mut self.now.desk_settled, true) {
            let desk = self.held[DESK];
            self.settle(DESK, None, desk.cash - desk.margin);
        }
    }

    /// What is left goes to the desk whole.
    fn take_over(&mut self, account: usize, margin: i128) {
        let Holding { qty, cost, cash, tokens, .. } = self.held[account];
        self.held[account] = Holding { cash, tokens, ..Holding::default() };
        let desk = &mut self.held[DESK];
        desk.qty += qty;
        desk.cost += cost;
        desk.margin += margin;
        desk.cash += margin;
        if desk.qty == 0 {
            desk.cash -= desk.cost;
            self.system[3] += desk.cost;
            (desk.cost, desk.margin) = (0, 0);
        }
    }
}

impl Trace for Auditor<'_> {
    fn trade(&mut self, round: u64, trade: &Trade) {
        self.enter(round);
        let (qty, taker, maker) = (i128::from(trade.qty.0), trade.taker.index(), trade.maker.index());
        if self.deal.is_some_and(|deal| (deal.taker, deal.maker) != (taker, maker)) {
            self.book();
        }
        hold!(self, qty > 0 && trade.price.0 > 0 && trade.taker != trade.maker, "an odd trade {trade:?}");
        match trade.cause {
            Cause::Liquidation => self.forced(trade, Mechanism::Liquidation),
            Cause::Stop => self.forced(trade, Mechanism::Stop),
            Cause::Unwind => self.see("an unwind", true),
            Cause::Ignition => {}
            Cause::Hedge | Cause::Absorption => self.settle_desk(),
            other => panic!("no agents here: {other:?}"),
        }
        let signed = qty * i128::from(trade.taker_side.sign());
        self.dealt[0] += if trade.market == Market::Perp && maker == MAKER { signed } else { 0 };
        self.dealt[1] += if trade.cause == Cause::Hedge { signed } else { 0 };
        self.dealt[2] += if trade.cause == Cause::Absorption { signed } else { 0 };
        if trade.cause == Cause::Absorption {
            // By those who hold the other side: they never flip.
            let held = self.held[maker].qty;
            let left = held - signed;
            hold!(self, left.abs() < held.abs() && left * held >= 0, "{held} held by {maker}: {trade:?}");
            self.see("an absorption", true);
        }
        self.now.volume[trade.market as usize] += qty;
        if trade.market == Market::Spot {
            return self.spot(trade, self.world.spot.fees);
        }
        let price = i128::from(trade.price.0);
        let deal = self.deal.get_or_insert(Deal { taker, maker, ..Deal::default() });
        deal.signed += signed;
        deal.notional += price * qty;
        if trade.cause == Cause::Ignition {
            // Financed from outside: the value, which stays as margin, and the fee.
            let value = self.value(price, qty);
            let fee = (i128::from(self.world.perp.fees.taker.0) * value + ONE - 1).div_euclid(ONE).max(0);
            self.system[0] -= value + fee;
            self.held[taker].cash += value + fee;
            self.held[taker].margin += value;
            self.see("a push in the perpetual", true);
        }
        if trade.market == Market::Perp {
            let (value, fees) = (self.value(price, qty), self.world.perp.fees);
            self.fee(taker, fees.taker.0, value);
            self.fee(maker, fees.maker.0, value);
            self.perp_last = price;
        }
    }

    fn account(&mut self, _round: u64, id: AccountId, account: &Account) {
        if id.index() < self.held.len() {
            return; // there since the start
        }
        let p = account.position;
        let (qty, cost, margin) = (p.qty.0.into(), p.cost.0.into(), p.margin.0.into());
        self.held.push(Holding { qty, cost, margin, cash: margin, tokens: 0 });
        self.stops.push(account.stop.map(|tick| tick.0.into()));
        let rest = &mut self.held[AccountId::REST_OF_MARKET.index()];
        rest.qty -= qty;
        rest.cost -= cost;
        self.system[0] -= margin;
        self.see("an account that came into being", true);
    }

    fn transfer(&mut self, round: u64, transfer: &Transfer) {
        self.book();
        self.enter(round);
        let amount = i128::from(transfer.amount.0);
        hold!(self, amount > 0 && transfer.from != transfer.to, "an odd transfer {transfer:?}");
        *self.replayed.entry(transfer.from.code()).or_default() -= amount;
        *self.replayed.entry(transfer.to.code()).or_default() += amount;
        match transfer.reason {
            Reason::Takeover => self.now.moved.taken += amount,
            Reason::Leftover => self.now.moved.left_over += amount,
            Reason::FundPayment => self.now.moved.by_fund += amount,
            Reason::VenuePayment => self.now.moved.by_venue += amount,
            Reason::Deposit | Reason::Purchase | Reason::Profit | Reason::Fee | Reason::Rounding => {}
            _ => hold!(self, false, "a plain venue knows no {transfer:?}"),
        }
    }

    fn liquidation(&mut self, round: u64, record: &Liquidation) {
        self.book();
        self.enter(round);
        self.now.orders += 1;
        let (account, mechanism) = (record.account.index(), record.mechanism);
        let now = self.held[account];
        // An order that found nothing was sent as its account stands, or stood before its stop was settled.
        let unfilled = self.now.unsettled.get(&account).copied().unwrap_or(now);
        let before = *self.now.sent[mechanism as usize].entry(account).or_insert(unfilled);
        if mechanism == Mechanism::Stop {
            self.now.unsettled.insert(account, now);
        }
        self.allowed(account, mechanism, &before);
        let (filled, taken) = (i128::from(record.filled_qty.0), i128::from(record.taken_over_qty.0));
        hold!(self, before.qty == i128::from(record.position.0), "position {before:?}: {record:?}");
        hold!(self, filled + taken <= before.qty.abs(), "more than its position {before:?}: {record:?}");
        let free = self.set_free(account, mechanism, &before);
        let moved = self.settle(account, Some(mechanism), free);
        let parts = [record.deficit.0, record.paid_by_fund.0, record.venue_loss.0].map(i128::from);
        let deficit = moved.by_fund + moved.by_venue;
        hold!(self, parts == [deficit, moved.by_fund, moved.by_venue], "deficit {moved:?}: {record:?}");
        if mechanism == Mechanism::Stop {
            self.see("a stop", true);
            return;
        }
        hold!(self, now.qty.abs() == taken, "{now:?} was to be taken over: {record:?}");
        hold!(
            self,
            moved.left_over == i128::from(record.returned.0),
            "left over {}: {record:?}",
            moved.left_over
        );
        self.take_over(account, moved.taken);
        self.see("a liquidation", true);
        self.see("a liquidation of a long", before.qty > 0);
        self.see(
            "a stop and a liquidation of one account in one round",
            self.now.unsettled.contains_key(&account),
        );
        self.see("a takeover", taken > 0);
        self.see("a takeover after a partial fill", taken > 0 && filled > 0);
        self.see("the market maker liquidated", account == MAKER);
    }

    fn stage(&mut self, stage: &Stage) {
        self.book();
        self.enter(stage.round);
        self.settle_desk();
        if self.held[MAKER].qty == 0 && self.held[MAKER].cash < 0 {
            self.settle(MAKER, Some(Mechanism::Stop), self.held[MAKER].cash);
        }
        let parts = [stage.paid_by_fund.0, stage.venue_loss.0, stage.bad_debt.0].map(i128::from);
        let Moved { by_fund, by_venue, .. } = self.now.deficits;
        hold!(self, parts == [by_fund, by_venue, by_fund + by_venue], "deficits {parts:?}: {stage:?}");
        let volume = [stage.spot_volume.0, stage.perp_volume.0].map(i128::from);
        hold!(self, volume == self.now.volume[..2], "volumes {:?}: {stage:?}", self.now.volume);
        let prices = [stage.mark.0, stage.spot_last.0].map(i128::from);
        hold!(self, prices == [self.mark, self.spot_last], "mark {}: {stage:?}", self.mark);
    }
}
