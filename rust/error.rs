//! Three kinds of failure: a scenario that cannot be, an order that is refused, a run that cannot go on.

use std::fmt;

use crate::ids::AccountId;
use crate::units::Overflow;

/// One thing wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path of the field, as in `positions[2].leverage`.
    pub field: String,
    /// What was given.
    pub value: String,
    /// What is allowed.
    pub allowed: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} is not allowed: {}", self.field, self.value, self.allowed)
    }
}

/// Everything wrong with a scenario, all at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScenarioError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl ScenarioError {
    /// One more problem.
    pub fn push(&mut self, field: impl Into<String>, value: impl fmt::Display, allowed: impl Into<String>) {
        let problem = Problem { field: field.into(), value: value.to_string(), allowed: allowed.into() };
        // What two markets share is read twice.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Whether anything is wrong with a field or a part of it.
    pub fn names(&self, field: &str) -> bool {
        self.problems.iter().any(|problem| problem.field.starts_with(field))
    }

    /// `Ok` if nothing was found.
    pub fn into_result(self) -> Result<(), ScenarioError> {
        if self.problems.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ScenarioError {}

/// Why a book refused a command. Nothing of the book has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reject {
    /// The quantity is zero or negative.
    Quantity = 1,
    /// The price is below one tick or beyond the largest the book keeps.
    Price = 2,
    /// No resting or waiting order has this id.
    UnknownOrder = 3,
    /// A post-only order would have traded.
    WouldTrade = 4,
    /// The book holds as many orders as its ids can name.
    Full = 5,
    /// The level's quantity would not fit its integer.
    LevelOverflow = 6,
    /// Trading is halted.
    Halted = 7,
    /// The limit lies outside the price band, or the band is none.
    Band = 8,
    /// Price times quantity is below the minimum.
    MinNotional = 9,
    /// A reduce-only order would not reduce its owner's position.
    ReduceOnly = 10,
    /// The order's time is over, or the clock would go back.
    Time = 11,
    /// A stop or take-profit would trigger at once.
    WouldTrigger = 12,
    /// The order waits for its trigger: it can be cancelled or reduced, not replaced.
    Waiting = 13,
    /// This time in force does not exist or cannot rest.
    TimeInForce = 14,
    /// The book has rules or orders that plain `submit` does not look at.
    Watched = 15,
    /// No such kind of command.
    Kind = 16,
    /// Neither buy nor sell.
    Side = 17,
    /// Flags that contradict each other or do not exist.
    Flags = 18,
    /// The reference is too large to be a dense number.
    Reference = 19,
    /// An order was added under this reference before.
    ReferenceUsed = 20,
    /// No order was added under this reference.
    UnknownReference = 21,
}

impl Reject {
    /// All of them, in the order of their codes 1, 2, ...
    pub const ALL: [Reject; 21] = [
        Reject::Quantity,
        Reject::Price,
        Reject::UnknownOrder,
        Reject::WouldTrade,
        Reject::Full,
        Reject::LevelOverflow,
        Reject::Halted,
        Reject::Band,
        Reject::MinNotional,
        Reject::ReduceOnly,
        Reject::Time,
        Reject::WouldTrigger,
        Reject::Waiting,
        Reject::TimeInForce,
        Reject::Watched,
        Reject::Kind,
        Reject::Side,
        Reject::Flags,
        Reject::Reference,
        Reject::ReferenceUsed,
        Reject::UnknownReference,
    ];

    /// The code in tables, from 1.
    #[inline]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The reason, for people.
    #[cold]
    pub const fn reason(self) -> &'static str {
        match self {
            Reject::Quantity => "quantity must be at least one lot",
            Reject::Price => "price must be from 1 to 2^40 ticks",
            Reject::UnknownOrder => "no resting order has this id (it may be filled or cancelled)",
            Reject::WouldTrade => "a post-only order would trade at once",
            Reject::Full => "the book holds 2^32 - 1 orders, the most its ids can name",
            Reject::LevelOverflow => "the quantity at this price would exceed 2^62 - 1 lots",
            Reject::Halted => "trading is halted",
            Reject::Band => "the price lies outside the price band",
            Reject::MinNotional => "price times quantity is below the minimum notional",
            Reject::ReduceOnly => "a reduce-only order would not reduce the position",
            Reject::Time => "the time is not after the book's clock",
            Reject::WouldTrigger => "the stop or take-profit would trigger at once",
            Reject::Waiting => "a waiting stop cannot be replaced: cancel it and place another",
            Reject::TimeInForce => "this time in force does not exist or cannot rest",
            Reject::Watched => "the book has rules, stops or reduce-only orders: send commands to it",
            Reject::Kind => "no such kind of event",
            Reject::Side => "side must be buy (0) or sell (1)",
            Reject::Flags => "flags contradict each other or do not exist",
            Reject::Reference => "the reference is too large: number orders densely, or reserve more",
            Reject::ReferenceUsed => "an order was added under this reference before",
            Reject::UnknownReference => "no order was added under this reference",
        }
    }
}

impl fmt::Display for Reject {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Reject {}

/// Why a run stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunError {
    /// A figure of an account left the 64 bits it is kept in.
    Overflow {
        /// Whose.
        account: AccountId,
        /// Which.
        figure: &'static str,
    },
    /// The book refused an order the engine sent.
    Order {
        /// Whose.
        account: AccountId,
        /// Why.
        reject: Reject,
    },
    /// The run has more fills than are kept.
    Fills {
        /// How many are.
        most: u64,
    },
    /// The run has more accounts than are kept.
    Accounts {
        /// How many are.
        most: usize,
    },
    /// The caller asked to stop.
    Interrupted,
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Overflow { account, figure } => {
                write!(f, "{figure} of account {} does not fit 64 bits of quote steps", account.0)
            }
            RunError::Order { account, reject } => {
                write!(f, "order of account {} refused: {reject}", account.0)
            }
            RunError::Fills { most } => {
                write!(f, "more than {most} fills: coarser ticks or deeper levels make fewer")
            }
            RunError::Accounts { most } => {
                write!(f, "more than {most} accounts: fewer or larger ones would do")
            }
            RunError::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for RunError {}

/// Why a path could not be run: what was drawn for it makes no world, or its run stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathError {
    /// No world.
    Scenario(ScenarioError),
    /// No end.
    Run(RunError),
}

impl From<ScenarioError> for PathError {
    fn from(error: ScenarioError) -> PathError {
        PathError::Scenario(error)
    }
}

impl From<RunError> for PathError {
    fn from(error: RunError) -> PathError {
        PathError::Run(error)
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathError::Scenario(error) => error.fmt(f),
            PathError::Run(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PathError {}

/// Names the account and the figure of an overflow.
pub trait Whose<T> {
    /// Turns an [`Overflow`] into a [`RunError`] that says whose and which.
    fn whose(self, account: AccountId, figure: &'static str) -> Result<T, RunError>;
}

impl<T> Whose<T> for Result<T, Overflow> {
    #[inline]
    fn whose(self, account: AccountId, figure: &'static str) -> Result<T, RunError> {
        self.map_err(
            #[cold]
            |Overflow| RunError::Overflow { account, figure },
        )
    }
}
