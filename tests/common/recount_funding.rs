//! What longs and shorts pay each other, from `docs/MODEL.md`.

use perpcore::event::{LedgerAccount, Transfer};
use perpcore::venue::FundingNotional;

use super::{ATTACKER, MAKER, ONE, REST, Recount, VAULT, hold, up};

impl Recount<'_> {
    /// One payment, into clearing or out of it, after the round's rate.
    pub fn funding(&mut self, transfer: &Transfer) {
        let amount = i128::from(transfer.amount.0);
        let (account, pays) = match (transfer.from, transfer.to) {
            (LedgerAccount::Trader(id), LedgerAccount::Clearing) => (id.index(), true),
            (LedgerAccount::Clearing, LedgerAccount::Trader(id)) => (id.index(), false),
            _ => {
                hold!(self, false, "funding past clearing: {transfer:?}");
                return;
            }
        };
        self.now.funded = true;
        self.see("funding", true);
        let (qty, rate) = (self.held[account].qty, self.told[&self.round].1);
        hold!(self, pays == (qty * rate > 0), "{account} has {qty} at a rate of {rate}: {transfer:?}");
        if self.world.venue.funding.is_some_and(|rules| rules.notional == FundingNotional::Mark) {
            let exact = (self.value(self.mark, qty) * rate).abs();
            let due = if pays { up(exact, ONE) } else { exact / ONE };
            hold!(self, amount == due, "{account} pays {amount}, not {due} on {qty}");
        }
        if pays {
            self.pay_funding(account, amount);
        } else {
            self.receive_funding(account, amount);
        }
    }

    fn pay_funding(&mut self, account: usize, amount: i128) {
        if account == ATTACKER || account == REST {
            self.held[account].cash += amount;
            self.system[0] -= amount;
        } else if account != MAKER && account != VAULT {
            let short = (amount - self.held[account].margin).max(0);
            self.cover(account, short);
            self.see("funding beyond the margin", short > 0);
            let own = &mut self.held[account];
            own.margin = (own.margin - amount).max(0);
        }
        let own = &mut self.held[account];
        own.cash -= amount;
        if account == VAULT {
            own.margin = own.margin.min(own.cash.max(0));
        }
        self.system[3] += amount;
    }

    fn receive_funding(&mut self, account: usize, amount: i128) {
        let own = &mut self.held[account];
        own.cash += amount;
        if ![ATTACKER, REST, MAKER, VAULT].contains(&account) {
            own.margin += amount;
        }
        self.system[3] -= amount;
    }
}
