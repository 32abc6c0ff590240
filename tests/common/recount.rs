//! A recount that sees only what a trace shows, for venues with all their rules: from trades, deleveraged counterparties and
//! records alone it works out every quantity, cost, margin and balance, by rules written down a second time, and compares.
//! Figures are in ticks, lots and steps, in 128 bits.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use perpcore::engine::{Stage, Trace};
use perpcore::event::{Adl, Cause, LedgerAccount, Liquidation, Market, Mechanism, Reason, Trade, Transfer};
use perpcore::ids::AccountId;
use perpcore::units::{Side, Ticks};
use perpcore::venue::MarkPrice;
use perpcore::world::{Account, World};

#[path = "recount_adl.rs"]
mod adl;
#[path = "recount_fills.rs"]
mod fills;
#[path = "recount_funding.rs"]
mod funding;
#[path = "recount_orders.rs"]
mod orders;

use adl::{Group, Step};
use orders::{Order, Settled};

pub const ONE: i128 = 1_000_000_000;
pub const ATTACKER: usize = AccountId::ATTACKER.index();
pub const MAKER: usize = AccountId::MARKET_MAKER.index();
pub const REST: usize = AccountId::REST_OF_MARKET.index();
pub const DESK: usize = AccountId::TAKEOVER_DESK.index();
pub const VAULT: usize = AccountId::VAULT.index();
pub const NAMED: usize = AccountId::FIRST_AGENT.index();

/// What one account has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Holding {
    pub qty: i128,
    pub cost: i128,
    pub margin: i128,
    pub cash: i128,
    pub tokens: i128,
}

/// Money that settling moves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Moved {
    taken: i128,
    left_over: i128,
    by_fund: i128,
    by_venue: i128,
    fees: i128,
    shared: i128,
}

/// What an order has traded with one maker.
#[derive(Clone, Copy)]
struct Deal {
    taker: usize,
    maker: usize,
    /// Lots the taker bought.
    signed: i128,
    /// Ticks x lots.
    notional: i128,
    cause: Cause,
}

/// Mark and funding rate by round, of a run before this one.
pub type Told = HashMap<u64, (i128, i128)>;

/// Of a ledger account in `replayed`.
fn slot(account: LedgerAccount) -> usize {
    usize::try_from(account.code() + 5).unwrap()
}

/// Rounded up.
pub fn up(numerator: i128, denominator: i128) -> i128 {
    -(-numerator).div_euclid(denominator)
}

/// The round under way.
#[derive(Default)]
struct Round {
    /// Orders, liquidations and stops.
    orders: [HashMap<usize, Order>; 2],
    /// Records, those of stops apart.
    liquidated: BTreeSet<usize>,
    stopped: BTreeSet<usize>,
    /// Who was due for either when the round began, after funding.
    due: Vec<usize>,
    stops_due: Vec<usize>,
    /// Funding was paid, and nothing else happened yet.
    funded: bool,
    /// Accounts as they were before their stop was settled, or somebody was deleveraged against them.
    unsettled: HashMap<usize, Holding>,
    undiminished: HashMap<usize, Holding>,
    /// Counterparties closed, and passed over without a reason that is known yet.
    deleveraged: BTreeSet<usize>,
    passed: Vec<usize>,
    group: Option<Group>,
    /// The account whose rest is being closed against others, as far as it is settled.
    begun: Option<(usize, Settled)>,
    step: Step,
    moved: Moved,
    expected: Moved,
    /// The round's row, as far as it is summed here.
    stage: Stage,
    sums: [i128; 14],
    volume: [i128; 3],
}

pub struct Recount<'w> {
    world: &'w World,
    path: (u64, u64),
    told: Told,
    tiers: Vec<(i128, i128)>,
    stops: Vec<Option<i128>>,
    fired: BTreeSet<usize>,
    pub held: Vec<Holding>,
    /// Outside, fee income, insurance fund, clearing, venue loss.
    pub system: [i128; 5],
    /// Balances from the transfers: the system's, then the traders'.
    replayed: Vec<i128>,
    deal: Option<Deal>,
    round: u64,
    spot_last: i128,
    perp_last: i128,
    mids: [Option<i128>; 2],
    mark: i128,
    previous_mark: i128,
    /// The last round in which an account had an order, and one for a part.
    ordered: HashMap<usize, u64>,
    parts: HashMap<usize, u64>,
    highest_fund: i128,
    maker_out: bool,
    now: Round,
    /// Gross deficits of all rounds.
    pub bad_debt: i128,
    /// Positions are closed at the settlement price.
    pub settled: bool,
    pub seen: BTreeMap<&'static str, u64>,
    pub failures: Vec<String>,
}

macro_rules! hold {
    ($recount:expr, $holds:expr, $($text:tt)*) => {
        if !$holds {
            let text = format!($($text)*);
            $recount.failures.push(format!("round {}: {text}", $recount.round));
        }
    };
}
use hold;

/// What `sums` holds.
#[derive(Clone, Copy)]
enum Of {
    LiquidatedAccounts,
    LiquidatedQty,
    LiquidatedValue,
    StoppedAccounts,
    StoppedQty,
    TakenQty,
    TakenValue,
    ForcedBuy,
    ForcedSell,
    AdlAccounts,
    AdlQty,
    AdlValue,
    Relief,
    Fees,
}

impl<'w> Recount<'w> {
    /// The mark is worked out where it is the index or the mean of mids, else it is as `told`.
    pub fn new(world: &'w World, seed: u64, path: u64, told: Told) -> Recount<'w> {
        let accounts = &world.fixed.accounts;
        let tiers = world.venue.tiers.tiers().iter().map(|t| (t.min_notional.0.into(), t.rate.0.into()));
        let mut held = vec![Holding::default(); NAMED + accounts.len()];
        for (account, own) in accounts.iter().zip(&mut held[NAMED..]) {
            let p = account.position;
            let (qty, cost, margin) = (p.qty.0.into(), p.cost.0.into(), p.margin.0.into());
            *own = Holding { qty, cost, margin, cash: margin, tokens: 0 };
        }
        let (qty, cost) = held.iter().fold((0, 0), |sum, own| (sum.0 - own.qty, sum.1 - own.cost));
        held[REST] = Holding { qty, cost, ..Holding::default() };
        held[MAKER].cash = world.maker.capital.0.into();
        held[VAULT].cash = world.venue.backstop.map_or(0, |backstop| backstop.capital.0.into());
        let inventory = i128::from(world.maker.spot_inventory.0);
        let sells = world.ignition.0 == Side::Sell && world.ignition_market == Market::Spot;
        let attacker = if sells { i128::from(world.ignition.1.0) } else { 0 };
        held[AccountId::MARKET_MAKER_SPOT.index()].tokens = inventory;
        held[ATTACKER].tokens = attacker;
        held[AccountId::HOLDERS.index()].tokens = i128::from(world.circulating.0) - inventory - attacker;
        let fund = i128::from(world.venue.insurance_fund.0);
        let deposited = fund + held.iter().map(|own| own.cash).sum::<i128>();
        let start = world.perp.start.0.into();
        Recount {
            world,
            path: (seed, path),
            told,
            tiers: tiers.collect(),
            stops: accounts.iter().map(|a| a.stop.map(|tick| tick.0.into())).collect(),
            fired: BTreeSet::new(),
            held,
            system: [-deposited, 0, fund, 0, 0],
            replayed: Vec::new(),
            deal: None,
            round: 0,
            spot_last: world.spot.start.0.into(),
            perp_last: start,
            mids: [None; 2],
            mark: start,
            previous_mark: start,
            ordered: HashMap::new(),
            parts: HashMap::new(),
            highest_fund: fund,
            maker_out: false,
            now: Round::default(),
            bad_debt: 0,
            settled: false,
            seen: BTreeMap::new(),
            failures: Vec::new(),
        }
    }

    pub fn see(&mut self, what: &'static str, shown: bool) {
        if shown {
            *self.seen.entry(what).or_default() += 1;
        }
    }

    /// Best bid and ask of both books, before a round.
    pub fn look(&mut self, best: [[Option<Ticks>; 2]; 2]) {
        self.mids = best.map(|[bid, ask]| Some(i128::from(bid?.0) + i128::from(ask?.0)));
    }

    /// What the transfers brought an account so far.
    pub fn replayed(&self, account: LedgerAccount) -> i128 {
        self.replayed.get(slot(account)).copied().unwrap_or(0)
    }

    fn sum(&mut self, of: Of, amount: i128) {
        self.now.sums[of as usize] += amount;
    }

    /// The mark of a new round, and who is due at it.
    fn enter(&mut self, round: u64) {
        if round <= self.round {
            return;
        }
        self.round = round;
        let (n, d) = self.world.conversion.tick;
        let index = 2 * self.spot_last * n;
        let rounded = |fourfold: i128| (fourfold + 2 * d).div_euclid(4 * d).max(1);
        self.previous_mark = self.mark;
        self.mark = match self.world.venue.mark {
            MarkPrice::Index => rounded(2 * index),
            MarkPrice::MeanOfMids => {
                let spot = self.mids[0].map_or(index, |twice| twice * n);
                rounded(spot + self.mids[1].unwrap_or(2 * self.perp_last) * d)
            }
            _ => self.told[&round].0,
        };
        self.now = Round::default();
        self.enlist_all();
    }

    fn enlist_all(&mut self) {
        (self.now.due, self.now.stops_due) = (Vec::new(), Vec::new());
        for id in NAMED..self.held.len() {
            self.enlist(id);
        }
    }

    /// Funding is behind, orders begin.
    fn begin_orders(&mut self) {
        if std::mem::take(&mut self.now.funded) {
            self.enlist_all();
        }
    }

    /// Whether the account must get an order in this round.
    fn enlist(&mut self, id: usize) {
        let own = self.held[id];
        if own.qty == 0 {
            return;
        }
        if self.due(id, &own) {
            self.now.due.push(id);
        }
        let stop = self.stops[id - NAMED].filter(|_| !self.fired.contains(&id));
        if stop.is_some_and(|stop| self.reached(&own, stop)) {
            self.now.stops_due.push(id);
        }
    }

    fn reached(&self, own: &Holding, stop: i128) -> bool {
        if own.qty < 0 { self.mark >= stop } else { self.mark <= stop }
    }

    pub fn value(&self, price: i128, qty: i128) -> i128 {
        price * qty * i128::from(self.world.perp.contract.scale)
    }

    fn profit(&self, own: &Holding) -> i128 {
        self.value(self.mark, own.qty) - own.cost
    }

    /// Of an account as it stands, at the mark.
    fn equity(&self, account: usize, own: &Holding) -> i128 {
        self.profit(own) + if account == MAKER { own.cash } else { own.margin }
    }

    /// The fund's balance, and its desk at the mark.
    fn fund_worth(&self) -> i128 {
        let desk = self.held[DESK];
        self.system[2] + desk.cash + self.profit(&desk)
    }

    /// What was expected to move did.
    fn compare(&mut self, whose: usize) {
        let (moved, expected) = (self.now.moved, self.now.expected);
        hold!(self, moved == expected, "settling {whose} moves {moved:?}, not {expected:?}");
        (self.now.moved, self.now.expected) = (Moved::default(), Moved::default());
    }

    /// The fund pays up to its balance, the venue the rest.
    fn cover(&mut self, account: usize, deficit: i128) -> (i128, i128) {
        let by_fund = deficit.min(self.system[2].max(0));
        let by_venue = deficit - by_fund;
        self.held[account].cash += deficit;
        self.system[2] -= by_fund;
        self.system[4] -= by_venue;
        self.now.expected.by_fund += by_fund;
        self.now.expected.by_venue += by_venue;
        self.now.stage.paid_by_fund.0 += i64::try_from(by_fund).unwrap();
        self.now.stage.venue_loss.0 += i64::try_from(by_venue).unwrap();
        self.see("a deficit", deficit > 0);
        self.see("a venue loss", by_venue > 0);
        (by_fund, by_venue)
    }

    /// The round's row is what was summed here.
    fn compare_stage(&mut self, stage: &Stage) {
        let own = self.now.stage;
        let sums = [
            i128::from(stage.liquidated_accounts),
            stage.liquidated_qty.0.into(),
            stage.liquidated_value.0.into(),
            i128::from(stage.stopped_accounts),
            stage.stopped_qty.0.into(),
            stage.taken_over_qty.0.into(),
            stage.taken_over_value.0.into(),
            stage.forced_buy_value.0.into(),
            stage.forced_sell_value.0.into(),
            i128::from(stage.adl_accounts),
            stage.adl_qty.0.into(),
            stage.adl_value.0.into(),
            stage.adl_relief.0.into(),
            stage.liquidation_fees.0.into(),
        ];
        hold!(self, sums == self.now.sums, "sums {:?}: {sums:?} {stage:?}", self.now.sums);
        let parts = [stage.paid_by_fund, stage.venue_loss, stage.socialised_loss];
        let mine = [own.paid_by_fund, own.venue_loss, own.socialised_loss];
        hold!(self, parts == mine, "deficits {mine:?}: {stage:?}");
        let gross =
            parts.map(|part| i128::from(part.0)).iter().sum::<i128>() + i128::from(stage.adl_relief.0);
        hold!(self, gross == i128::from(stage.bad_debt.0), "a gross deficit of {gross}: {stage:?}");
        self.bad_debt += gross;
        let volume = [stage.spot_volume.0, stage.perp_volume.0].map(i128::from);
        hold!(self, volume == self.now.volume[..2], "volumes {:?}: {stage:?}", self.now.volume);
        let fund = self.system[2];
        let prices = [stage.mark.0, stage.spot_last.0, stage.insurance_fund.0].map(i128::from);
        hold!(self, prices == [self.mark, self.spot_last, fund], "mark {}: {stage:?}", self.mark);
    }
}

impl Trace for Recount<'_> {
    fn account(&mut self, round: u64, id: AccountId, account: &Account) {
        if id.index() < self.held.len() {
            return; // there since the start
        }
        self.book();
        self.enter(round);
        let p = account.position;
        let (qty, cost, margin) = (p.qty.0.into(), p.cost.0.into(), p.margin.0.into());
        hold!(self, id.index() == self.held.len(), "{id:?} out of order");
        self.held.push(Holding { qty, cost, margin, cash: margin, tokens: 0 });
        self.stops.push(account.stop.map(|tick| tick.0.into()));
        self.held[REST].qty -= qty;
        self.held[REST].cost -= cost;
        self.system[0] -= margin;
        if !self.settled {
            self.enlist(id.index());
        }
    }

    fn trade(&mut self, round: u64, trade: &Trade) {
        self.enter(round);
        self.begin_orders();
        let (qty, taker, maker) = (i128::from(trade.qty.0), trade.taker.index(), trade.maker.index());
        if self.deal.is_some_and(|deal| (deal.taker, deal.maker, deal.cause) != (taker, maker, trade.cause)) {
            self.book();
        }
        hold!(self, qty > 0 && trade.price.0 > 0 && taker != maker, "an odd trade {trade:?}");
        match trade.cause {
            Cause::Liquidation | Cause::Stop => self.forced(trade),
            Cause::Hedge | Cause::Absorption => self.advance(Step::Done),
            Cause::Ignition | Cause::Unwind => {}
            other => panic!("no agents here: {other:?}"),
        }
        self.now.volume[trade.market as usize] += qty;
        if trade.market == Market::Spot {
            return self.spot(trade);
        }
        self.perp(trade, qty * i128::from(trade.taker_side.sign()));
    }

    fn transfer(&mut self, round: u64, transfer: &Transfer) {
        self.book();
        self.enter(round);
        let amount = i128::from(transfer.amount.0);
        hold!(self, amount > 0 && transfer.from != transfer.to, "an odd transfer {transfer:?}");
        for (account, amount) in [(transfer.from, -amount), (transfer.to, amount)] {
            let slot = slot(account);
            if slot >= self.replayed.len() {
                self.replayed.resize(slot + 1, 0);
            }
            self.replayed[slot] += amount;
        }
        let moved = &mut self.now.moved;
        match transfer.reason {
            Reason::Takeover => moved.taken += amount,
            Reason::Leftover => moved.left_over += amount,
            Reason::FundPayment => moved.by_fund += amount,
            Reason::VenuePayment => moved.by_venue += amount,
            Reason::LiquidationFee => moved.fees += amount,
            Reason::LossShare => moved.shared += amount,
            Reason::Settlement => self.settled = true,
            Reason::Funding => self.funding(transfer),
            Reason::Rounding if transfer.from == LedgerAccount::Clearing => {
                self.system[3] -= amount;
                self.system[2] += amount;
            }
            Reason::Deposit | Reason::Purchase | Reason::Profit | Reason::Fee | Reason::Rounding => {}
            Reason::Collateral => panic!("no agents here"),
        }
        if transfer.reason == Reason::LossShare {
            self.advance(Step::Done);
        }
    }

    fn liquidation(&mut self, round: u64, record: &Liquidation) {
        self.book();
        self.enter(round);
        self.begin_orders();
        let account = record.account.index();
        if record.mechanism == Mechanism::Stop {
            self.stopped(record);
        } else {
            self.liquidated(record);
        }
        self.compare(account);
    }

    fn adl(&mut self, round: u64, row: &Adl) {
        self.book();
        self.enter(round);
        self.begin_orders();
        match row.against.index() {
            DESK => self.advance(Step::Desk),
            VAULT => self.advance(Step::Vault),
            account => self.begin_account(account),
        }
        self.row(row);
    }

    fn stage(&mut self, stage: &Stage) {
        self.book();
        self.enter(stage.round);
        self.begin_orders();
        self.advance(Step::Done);
        let maker = self.held[MAKER];
        if !self.maker_out && maker.qty == 0 && maker.cash < 0 {
            self.cover(MAKER, -maker.cash);
            self.maker_out = true;
            self.see("a bankrupt market maker without a position", true);
        }
        self.compare(MAKER);
        self.nobody_forgotten();
        self.compare_stage(stage);
        self.highest_fund = self.highest_fund.max(self.fund_worth());
    }
}
