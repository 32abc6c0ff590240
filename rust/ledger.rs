//! Double entry: every movement of money is a transfer between two accounts, so the balances always sum to zero. (What accounts
//! bring and leave that come and go within a round is entered side by side.)

use crate::error::{RunError, Whose};
use crate::event::{LedgerAccount, Transfer};
use crate::ids::AccountId;
use crate::units::{Overflow, Quote};

/// The balances of all traders and of the venue's own accounts.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    traders: Vec<Quote>,
    system: [Quote; LedgerAccount::SYSTEM.len()],
}

impl Ledger {
    /// `traders` empty accounts.
    pub fn new(traders: usize) -> Ledger {
        Ledger { traders: vec![Quote::ZERO; traders], system: Default::default() }
    }

    /// One more account with a balance that [`release`](Ledger::release) took out of others.
    #[inline]
    pub fn open(&mut self, balance: Quote) {
        self.traders.push(balance);
    }

    /// Forgets the account opened last; it must be empty.
    pub fn close(&mut self) {
        let balance = self.traders.pop();
        debug_assert!(balance.is_none_or(|balance| balance == Quote::ZERO));
    }

    /// Takes money out of a system account, on its way to one that is not open yet (negative: back from it).
    #[inline]
    pub fn release(&mut self, from: LedgerAccount, amount: Quote) -> Result<(), Overflow> {
        let balance = self.entry(from);
        *balance = balance.minus(amount)?;
        Ok(())
    }

    /// Back to where the first `traders` accounts had deposited `deposits` in all. Which of them had what,
    /// [`restore`](Ledger::restore) says for each account that has changed.
    pub fn rewind(&mut self, traders: usize, deposits: Quote) {
        self.traders.truncate(traders);
        self.system = Default::default();
        self.system[slot(LedgerAccount::Outside)] = -deposits;
    }

    /// An account as it was when it had just deposited this.
    pub fn restore(&mut self, account: AccountId, deposit: Quote) {
        self.traders[account.index()] = deposit;
    }

    /// The balance of an account.
    #[inline]
    pub fn balance(&self, account: LedgerAccount) -> Quote {
        match account {
            LedgerAccount::Trader(id) => self.traders[id.index()],
            system => self.system[slot(system)],
        }
    }

    /// A trader's cash, isolated margin included.
    #[inline]
    pub fn cash(&self, account: AccountId) -> Quote {
        self.traders[account.index()]
    }

    /// Carries out a transfer, whole or not at all.
    #[inline]
    pub fn carry_out(&mut self, transfer: Transfer) -> Result<(), RunError> {
        let Transfer { from, to, amount, .. } = transfer;
        if from == to {
            return Ok(()); // who trades with himself
        }
        let payer = self.balance(from).minus(amount).whose(holder(from), "balance")?;
        let payee = self.balance(to).plus(amount).whose(holder(to), "balance")?;
        *self.entry(from) = payer;
        *self.entry(to) = payee;
        Ok(())
    }

    #[inline]
    fn entry(&mut self, account: LedgerAccount) -> &mut Quote {
        match account {
            LedgerAccount::Trader(id) => &mut self.traders[id.index()],
            system => &mut self.system[slot(system)],
        }
    }

    /// The sum of all balances, which is zero.
    pub fn sum(&self) -> i128 {
        self.traders.iter().chain(&self.system).map(|q| i128::from(q.0)).sum()
    }
}

#[inline]
const fn slot(system: LedgerAccount) -> usize {
    match system {
        LedgerAccount::Outside | LedgerAccount::Trader(_) => 0,
        LedgerAccount::FeeIncome => 1,
        LedgerAccount::InsuranceFund => 2,
        LedgerAccount::Clearing => 3,
        LedgerAccount::VenueLoss => 4,
        LedgerAccount::SpotFees => 5,
        LedgerAccount::SpotOutside => 6,
    }
}

/// The trader named in an overflow; the venue's own accounts are named by the takeover desk.
const fn holder(account: LedgerAccount) -> AccountId {
    match account {
        LedgerAccount::Trader(id) => id,
        _ => AccountId::TAKEOVER_DESK,
    }
}
