//! Deleveraging, desk, vault, shared losses and the settlement price, from `docs/MODEL.md` section 7.

use perpcore::event::Adl;
use perpcore::random::Stream;
use perpcore::units::Quote;
use perpcore::venue::{AdlPrice, AdlRank, AdlTrigger, Leftover, LiquidationSize, LossSharing, Unwind};

use super::orders::{Order, Route, Settled};
use super::{ATTACKER, DESK, Holding, MAKER, NAMED, Of, REST, Recount, VAULT, hold};

/// How far the round's settlement is.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub enum Step {
    #[default]
    Orders,
    /// The desk is settled and, if the fund is exhausted, being deleveraged.
    Desk,
    /// The vault likewise.
    Vault,
    /// Losses are shared.
    Done,
}

/// A position that is closed against others.
#[derive(Clone, Debug)]
pub struct Group {
    pub against: usize,
    start: Holding,
    left: i128,
    worth: i128,
    value: i128,
    ranked: Vec<(f64, usize)>,
    next: usize,
}

#[allow(clippy::cast_precision_loss)]
fn double(x: i128) -> f64 {
    x as f64
}

impl Recount<'_> {
    /// For what an account's rest is closed.
    pub fn adl_value(&self, account: usize) -> i128 {
        let own = self.held[account];
        let bankruptcy = if own.qty < 0 { own.margin - own.cost } else { own.cost - own.margin };
        let adl = self.world.venue.adl;
        let value = if account >= NAMED || account == MAKER {
            match adl.map_or(AdlPrice::Bankruptcy, |rule| rule.price) {
                AdlPrice::Bankruptcy => bankruptcy,
                AdlPrice::PreviousMark => self.value(self.previous_mark, own.qty.abs()),
            }
        } else {
            bankruptcy
        };
        value.max(0)
    }

    pub fn begin_group(&mut self, against: usize, value: i128) {
        let start = self.held[against];
        let left = start.qty.abs();
        let ranked = self.ranked(start.qty);
        self.now.group = Some(Group { against, start, left, worth: value, value, ranked, next: 0 });
    }

    /// `[profit share, leverage, score]` of a counterparty at the mark.
    fn scores(&self, account: usize) -> [f64; 3] {
        let own = self.held[account];
        let worth = self.value(self.mark, own.qty).abs();
        let (cost, value) = (double(own.cost.abs().max(1)), double(worth.max(1)));
        let equity = if account == REST { worth } else { self.equity(account, &own) };
        let share = double(self.profit(&own)) / cost;
        let leverage = if equity <= 0 { f64::INFINITY } else { double(worth) / double(equity) };
        let rank = self.world.venue.adl.map_or(AdlRank::ProfitLeverage, |rule| rule.rank);
        let score = match rank {
            AdlRank::ProfitShare => share,
            AdlRank::ProfitLeverage if self.profit(&own) > 0 => share * leverage,
            AdlRank::ProfitLeverage => share / leverage,
            AdlRank::Hyperliquid if own.qty > 0 => value / cost * leverage,
            AdlRank::Hyperliquid => cost / value * leverage,
            AdlRank::Size => double(worth),
            AdlRank::Random => {
                let (seed, path) = self.path;
                let index = (self.round << 32) + account as u64;
                double(i128::from(Stream::new(seed, path, 9).block(index)[0] >> 11))
            }
        };
        [share, leverage, score]
    }

    fn ranked(&self, against: i128) -> Vec<(f64, usize)> {
        let others = self.held.iter().enumerate().filter(|(id, own)| {
            let out = *id == DESK || *id == VAULT || *id == MAKER && self.maker_out;
            own.qty * against < 0 && !out && !self.now.liquidated.contains(id)
        });
        let mut ranked: Vec<_> = others.map(|(id, _)| (self.scores(id)[2], id)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked
    }

    /// Whether closing so many lots for this value would not leave it in debt.
    fn affords(&self, account: usize, lots: i128, value: i128) -> bool {
        let own = self.held[account];
        let (cost, margin) = (own.cost * lots / own.qty.abs(), own.margin * lots / own.qty.abs());
        let profit = own.qty.signum() * value - cost;
        match account {
            REST => true,
            MAKER => own.cash + profit >= 0,
            _ => margin + profit >= 0,
        }
    }

    /// Passes over everybody ranked before this account; each must have been unable, or liquidated.
    fn pass(&mut self, group: &mut Group, until: Option<usize>) {
        while let Some(&(_, id)) = group.ranked.get(group.next) {
            if until == Some(id) || group.left == 0 {
                return;
            }
            group.next += 1;
            let lots = group.left.min(self.held[id].qty.abs());
            if self.affords(id, lots, group.worth * lots / group.left) {
                self.now.passed.push(id);
            } else {
                self.see("a counterparty that could not be closed", true);
            }
        }
        hold!(self, until.is_none(), "{until:?} is not ranked against {}", group.against);
    }

    pub fn row(&mut self, row: &Adl) {
        let Some(mut group) = self.now.group.take() else {
            hold!(self, false, "nobody is to be deleveraged: {row:?}");
            return;
        };
        let id = row.account.index();
        hold!(self, group.against == row.against.index(), "{} is next: {row:?}", group.against);
        self.pass(&mut group, Some(id));
        let own = self.held[id];
        let lots = group.left.min(own.qty.abs());
        hold!(self, group.left > 0 && lots > 0, "nothing left to close: {row:?}");
        let value = if group.left > 0 { group.worth * lots / group.left } else { 0 };
        hold!(self, self.affords(id, lots.max(1), value), "{id} is left in debt: {own:?} {row:?}");
        let [share, leverage, score] = self.scores(id);
        let same = [share, leverage, score].map(f64::to_bits)
            == [row.profit_share, row.leverage, row.score].map(f64::to_bits);
        hold!(self, same, "{share} {leverage} {score}: {own:?} {row:?}");
        let closing = -group.start.qty.signum();
        self.fill(group.against, closing * lots, value);
        let profit = self.fill(id, -closing * lots, value);
        let figures = [row.position.0, row.qty.0, row.value.0, row.profit.0].map(i128::from);
        hold!(self, figures == [own.qty, lots, value, profit], "{own:?} {lots} {value} {profit}: {row:?}");
        let rest = &mut self.held[REST];
        if id == REST && rest.cash < 0 {
            self.system[0] += rest.cash;
            rest.cash = 0;
        }
        group.left -= lots;
        group.worth -= value;
        group.next += 1;
        self.now.group = Some(group);
        self.now.deleveraged.insert(id);
        self.now.undiminished.entry(id).or_insert(own);
        for (of, amount) in [(Of::AdlAccounts, 1), (Of::AdlQty, lots), (Of::AdlValue, value)] {
            self.sum(of, amount);
        }
        self.note_counterparty(id, &own, lots);
    }

    fn note_counterparty(&mut self, id: usize, own: &Holding, lots: i128) {
        self.see("a market maker deleveraged", id == MAKER);
        self.see("the rest of the market deleveraged", id == REST);
        self.see("an account of the scenario deleveraged", id >= NAMED);
        self.see("a counterparty closed in part", lots < own.qty.abs());
        self.see("a long deleveraged", own.qty > 0);
        self.see("a short deleveraged", own.qty < 0);
        let stop = id >= NAMED && self.stops[id - NAMED].is_some() && !self.fired.contains(&id);
        self.see("a counterparty with a stop", stop && lots < own.qty.abs());
        let Some(rule) = self.world.venue.adl else { return };
        let name = match rule.rank {
            AdlRank::ProfitLeverage => "rank: profit leverage",
            AdlRank::Hyperliquid => "rank: hyperliquid",
            AdlRank::ProfitShare => "rank: profit share",
            AdlRank::Size => "rank: size",
            AdlRank::Random => "rank: random",
        };
        self.see(name, true);
    }

    /// Ends a group; `(lots closed, value, relief before its deficit)`.
    fn end_group(&mut self) -> (i128, i128, i128) {
        let Some(mut group) = self.now.group.take() else { return (0, 0, 0) };
        self.pass(&mut group, None);
        let closed = group.start.qty.abs() - group.left;
        let equity = group.start.margin + self.value(self.mark, group.start.qty) - group.start.cost;
        (closed, group.value - group.worth, -(equity * closed / group.start.qty.abs()))
    }

    /// What an account has left over or lacks after it was closed against others.
    pub fn end_account(&mut self, account: usize, mut settled: Settled) -> Settled {
        let start = self.now.group.as_ref().map(|group| group.start).unwrap_or_default();
        let (lots, value, lacked) = self.end_group();
        (settled.adl_qty, settled.adl_value) = (lots, value);
        let own = self.held[account];
        let freed = (own.cash - own.margin) - (start.cash - start.margin);
        let before = settled.deficit;
        let free = self.meet(account, freed, &mut settled);
        settled.relief = (lacked.max(0) - (settled.deficit - before)).max(0);
        settled.returned += free;
        if self.world.venue.leftover == Leftover::Fund {
            self.give_back(account, free);
        }
        settled
    }

    /// What is due after the orders, up to this step.
    pub fn advance(&mut self, to: Step) {
        if self.round == 0 {
            return;
        }
        if self.now.step < Step::Desk && to >= Step::Desk {
            self.now.step = Step::Desk;
            let unsettled = self.now.begun.take();
            hold!(self, unsettled.is_none(), "never settled: {unsettled:?}");
            self.settle_desk();
            if self.world.venue.adl.is_some() && self.held[DESK].qty != 0 && self.fund_worth() < 0 {
                let fund = std::mem::take(&mut self.system[2]);
                self.now.expected.by_fund += fund;
                self.held[DESK].cash += fund;
                self.held[DESK].margin += fund;
                self.begin_group(DESK, self.adl_value(DESK));
            }
        }
        if self.now.step < Step::Vault && to >= Step::Vault {
            self.now.step = Step::Vault;
            if self.now.group.is_some() {
                self.relieve("a desk deleveraged");
                self.settle_desk();
            }
            let (Some(backstop), own) = (self.world.venue.backstop, self.held[VAULT]) else { return };
            let drowned = backstop.isolated && own.qty != 0 && own.cash + self.profit(&own) < 0;
            if drowned && self.world.venue.adl.is_some() {
                self.held[VAULT].margin = own.cash;
                self.begin_group(VAULT, self.adl_value(VAULT));
            }
            self.see("a vault under water that nobody deleverages", drowned && self.now.group.is_none());
        }
        if self.now.step < Step::Done && to >= Step::Done {
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.now.step = Step::Done;
        self.relieve("an isolated vault deleveraged");
        let vault = self.held[VAULT];
        if vault.qty == 0 && vault.cash < 0 {
            self.cover(VAULT, -vault.cash);
            self.see("a vault in debt", true);
        }
        self.share();
    }

    fn relieve(&mut self, what: &'static str) {
        let (lots, _, lacked) = self.end_group();
        self.sum(Of::Relief, lacked.max(0));
        self.see(what, lots > 0);
    }

    fn settle_desk(&mut self) {
        let desk = self.held[DESK];
        let free = self.meet(DESK, desk.cash - desk.margin, &mut Settled::default());
        self.give_back(DESK, free);
        self.see("an unwinding desk", self.world.venue.unwind == Unwind::AtOnce && desk.qty != 0);
    }

    /// The round's venue losses are taken from open profits, pro rata.
    fn share(&mut self) {
        let loss = i128::from(self.now.stage.venue_loss.0);
        if self.world.venue.loss_sharing == LossSharing::None || loss == 0 {
            return;
        }
        let winners = self.held.iter().enumerate().map(|(id, own)| (id, self.profit(own)));
        let wins = |&(id, profit): &(usize, i128)| profit > 0 && id != DESK && id != VAULT;
        let winners: Vec<(usize, i128)> = winners.filter(wins).collect();
        let all: i128 = winners.iter().map(|winner| winner.1).sum();
        let shared = loss.min(all);
        let floor = |profit: i128| shared * profit / all;
        let mut over = shared - winners.iter().map(|winner| floor(winner.1)).sum::<i128>();
        for (id, profit) in winners {
            let more = i128::from(over > 0 && floor(profit) < profit);
            over -= more;
            self.held[id].cost += floor(profit) + more;
        }
        let shared = shared - over;
        self.system[3] -= shared;
        self.system[4] += shared;
        self.now.expected.shared += shared;
        let stage = &mut self.now.stage;
        stage.socialised_loss = Quote(i64::try_from(shared).unwrap());
        stage.venue_loss.0 -= stage.socialised_loss.0;
        self.see("a shared loss", shared > 0);
        self.see("a loss greater than all profits", shared < loss);
    }

    /// Everything is closed at the settlement price.
    pub fn settle_all(&mut self, price: i128) {
        self.book();
        for id in 0..self.held.len() {
            let own = self.held[id];
            let profit = self.value(price, own.qty) - own.cost;
            self.held[id] = Holding { cash: own.cash + profit, tokens: own.tokens, ..Holding::default() };
            self.system[3] -= profit;
        }
        for id in 0..self.held.len() {
            let owed = (-self.held[id].cash).max(0);
            if id == REST || id == ATTACKER {
                self.held[id].cash += owed;
                self.system[0] -= owed;
                continue;
            }
            self.cover(id, owed);
            self.bad_debt += owed;
            self.see("a deficit at the settlement price", owed > 0);
        }
        self.see("a settlement price", true);
    }

    /// What a settled order showed.
    pub fn note(&mut self, account: usize, order: &Order, settled: &Settled) {
        let held = self.held[account].qty.abs();
        let (partial, all) = match order.route {
            Route::Order(lots) => (lots < order.before.qty.abs(), lots == order.before.qty.abs()),
            _ => (false, false),
        };
        let size = self.world.venue.liquidation_size;
        let again = self.parts.contains_key(&account);
        self.see("a liquidation", true);
        self.see("a liquidation of a long", order.before.qty > 0);
        self.see("an order for a tier", partial && matches!(size, LiquidationSize::Tiers(_)));
        self.see("an order for a share", partial && matches!(size, LiquidationSize::Share(_)));
        self.see("a whole order after one for a part", all && again);
        self.see("a part whose rest stays", partial && held > 0);
        self.see("a part left open that ends in the same round", partial && held == 0);
        self.see("a vault's takeover", order.route == Route::Vault);
        self.see(
            "deleveraged below zero beside a vault",
            order.route == Route::Deleverage && settled.adl_qty > 0,
        );
        self.see("a desk's takeover", settled.taken_qty > 0 && order.route != Route::Vault);
        let both = settled.adl_qty > 0 && settled.taken_qty > 0;
        self.see("deleveraged in part, the rest taken over", both);
        self.see("a deficit after deleveraging", settled.adl_qty > 0 && settled.deficit > 0);
        self.see("relief", settled.relief > 0);
        self.see("a market maker liquidated", account == MAKER);
        self.see("a market maker closed against others", account == MAKER && settled.adl_qty > 0);
        let rule = self.world.venue.adl.filter(|_| settled.adl_qty > 0);
        if let Some(rule) = rule {
            self.see("price: bankruptcy", rule.price == AdlPrice::Bankruptcy);
            self.see("price: previous mark", rule.price == AdlPrice::PreviousMark);
            self.see("trigger: fund exhausted", rule.trigger == AdlTrigger::FundExhausted);
            self.see("trigger: fund drawdown", rule.trigger == AdlTrigger::FundDrawdown);
            self.see("trigger: always", rule.trigger == AdlTrigger::Always);
        }
    }
}
