//! What happened, as plain records: the engine writes them, a trace keeps them or not.

use serde::Serialize;

use crate::ids::AccountId;
use crate::units::{Lots, Quote, Side, Ticks};

/// Where a fill took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Market {
    /// The spot book.
    Spot = 0,
    /// The perpetual's book.
    Perp = 1,
    /// Between two accounts, in no book.
    OffBook = 2,
}

/// Why the taker traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Cause {
    /// The push from outside.
    Ignition = 0,
    /// The venue closed the position.
    Liquidation = 1,
    /// The trader's own stop.
    Stop = 2,
    /// The fund closed what it had taken over.
    Unwind = 3,
    /// The market maker bought or sold spot against his perpetual.
    Hedge = 4,
    /// Longs (or shorts) who took profit closed the market maker's remainder.
    Absorption = 5,
    /// An agent without intelligence.
    Noise = 6,
    /// A chartist.
    Momentum = 7,
    /// Holders who sell into strength.
    Holders = 8,
    /// An arbitrageur, of funding or of the basis.
    Arbitrage = 9,
    /// A new position of the crowd.
    Crowd = 10,
    /// Who trades ahead of liquidations.
    Hunting = 11,
    /// A whale, but for its push.
    Whale = 12,
    /// What a user submitted.
    External = 13,
    /// Tokens posted as margin that the venue sold.
    Collateral = 14,
}

/// One trade of the world: a book's fill with its market and cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Where.
    pub market: Market,
    /// At the resting order's price.
    pub price: Ticks,
    /// How much.
    pub qty: Lots,
    /// The aggressor's side.
    pub taker_side: Side,
    /// The aggressor.
    pub taker: AccountId,
    /// Who rested.
    pub maker: AccountId,
    /// Why.
    pub cause: Cause,
}

/// What ended a position against, or by, the trader's will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Mechanism {
    /// The venue's order.
    Liquidation = 0,
    /// The trader's own stop order.
    Stop = 1,
    /// The backstop vault took the position over, no order was sent.
    Backstop = 2,
    /// Counterparties were deleveraged, no order was sent.
    Deleveraging = 3,
}

/// One order of phase 4 and how it was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liquidation {
    /// Whose position.
    pub account: AccountId,
    /// Liquidation or stop.
    pub mechanism: Mechanism,
    /// The position before, signed.
    pub position: Lots,
    /// First tick at which it was due.
    pub threshold: Ticks,
    /// The mark at which it was sent.
    pub mark: Ticks,
    /// Margin before (the whole balance of a cross account).
    pub margin: Quote,
    /// Equity at the mark.
    pub equity: Quote,
    /// Maintenance margin at the mark.
    pub maintenance: Quote,
    /// What closing the whole position may cost (a short) or must bring (a long).
    pub bankruptcy_value: Quote,
    /// Filled in the book.
    pub filled_qty: Lots,
    /// Value of those fills.
    pub filled_value: Quote,
    /// Fees the account paid on them.
    pub fee: Quote,
    /// Margin and profit that its fills set free, less fees.
    pub freed: Quote,
    /// Taken over by the fund's desk.
    pub taken_over_qty: Lots,
    /// Bankruptcy value of what was taken over.
    pub taken_over_value: Quote,
    /// Closed against deleveraged counterparties.
    pub adl_qty: Lots,
    /// What that was closed for.
    pub adl_value: Quote,
    /// What that closed better than the mark, where the mark would have left a deficit.
    pub adl_relief: Quote,
    /// The liquidation's fee to the fund.
    pub liquidation_fee: Quote,
    /// What was left over: to the fund after a liquidation, to the trader after a stop.
    pub returned: Quote,
    /// What was missing.
    pub deficit: Quote,
    /// The fund's part of it.
    pub paid_by_fund: Quote,
    /// The venue's part of it.
    pub venue_loss: Quote,
}

impl Liquidation {
    /// Of nothing: a row to be filled in.
    pub fn none(account: AccountId) -> Liquidation {
        Liquidation {
            account,
            mechanism: Mechanism::Liquidation,
            position: Lots::ZERO,
            threshold: Ticks::ZERO,
            mark: Ticks::ZERO,
            margin: Quote::ZERO,
            equity: Quote::ZERO,
            maintenance: Quote::ZERO,
            bankruptcy_value: Quote::ZERO,
            filled_qty: Lots::ZERO,
            filled_value: Quote::ZERO,
            fee: Quote::ZERO,
            freed: Quote::ZERO,
            taken_over_qty: Lots::ZERO,
            taken_over_value: Quote::ZERO,
            adl_qty: Lots::ZERO,
            adl_value: Quote::ZERO,
            adl_relief: Quote::ZERO,
            liquidation_fee: Quote::ZERO,
            returned: Quote::ZERO,
            deficit: Quote::ZERO,
            paid_by_fund: Quote::ZERO,
            venue_loss: Quote::ZERO,
        }
    }
}

/// A counterparty that was deleveraged: part of its position closed, off the book, against one that is bankrupt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adl {
    /// Whose position was closed.
    pub account: AccountId,
    /// Who is bankrupt.
    pub against: AccountId,
    /// Its position before, signed.
    pub position: Lots,
    /// Closed.
    pub qty: Lots,
    /// For this.
    pub value: Quote,
    /// What it realised by it.
    pub profit: Quote,
    /// By what it was ranked, the highest first.
    pub score: f64,
    /// Profit over cost at the mark, before.
    pub profit_share: f64,
    /// Notional over equity at the mark, before.
    pub leverage: f64,
}

/// A ledger account: a trader, or one of the venue's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LedgerAccount {
    /// A trader's cash at the venue, isolated margin included.
    Trader(AccountId),
    /// The world beyond the venue: deposits come from it.
    Outside,
    /// Fees taken less rebates paid.
    FeeIncome,
    /// The insurance fund's free balance.
    InsuranceFund,
    /// The counterparty of realised profit and loss.
    Clearing,
    /// What the venue itself had to pay: never positive.
    VenueLoss,
    /// Fees in spot, where the perpetual's money is another.
    SpotFees,
    /// Where the quote currency spent in spot comes from, likewise.
    SpotOutside,
}

impl LedgerAccount {
    /// The system accounts, in the order of their codes -1, -2, ...
    pub const SYSTEM: [LedgerAccount; 7] = [
        LedgerAccount::Outside,
        LedgerAccount::FeeIncome,
        LedgerAccount::InsuranceFund,
        LedgerAccount::Clearing,
        LedgerAccount::VenueLoss,
        LedgerAccount::SpotFees,
        LedgerAccount::SpotOutside,
    ];

    /// The code in tables: a trader's id, or negative for the system's.
    pub fn code(self) -> i64 {
        match self {
            LedgerAccount::Trader(id) => i64::from(id.0),
            LedgerAccount::Outside => -1,
            LedgerAccount::FeeIncome => -2,
            LedgerAccount::InsuranceFund => -3,
            LedgerAccount::Clearing => -4,
            LedgerAccount::VenueLoss => -5,
            LedgerAccount::SpotFees => -6,
            LedgerAccount::SpotOutside => -7,
        }
    }
}

/// Why money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Reason {
    /// Money brought in from outside.
    Deposit = 0,
    /// Spot bought and sold.
    Purchase = 1,
    /// Realised profit or loss.
    Profit = 2,
    /// Maker or taker fee, or rebate.
    Fee = 3,
    /// What rounding a fee left over.
    Rounding = 4,
    /// Margin that moved with a position taken over.
    Takeover = 5,
    /// Left-over margin to the insurance fund.
    Leftover = 6,
    /// A deficit covered by the insurance fund.
    FundPayment = 7,
    /// A deficit covered by the venue.
    VenuePayment = 8,
    /// A liquidation's fee to the insurance fund.
    LiquidationFee = 9,
    /// A loss taken from those with open profits.
    LossShare = 10,
    /// Everything closed at the settlement price.
    Settlement = 11,
    /// What longs and shorts pay each other.
    Funding = 12,
    /// Proceeds of tokens that were posted as margin.
    Collateral = 13,
}

/// One movement of money between two ledger accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Who pays.
    pub from: LedgerAccount,
    /// Who receives.
    pub to: LedgerAccount,
    /// How much; positive.
    pub amount: Quote,
    /// Why.
    pub reason: Reason,
}
