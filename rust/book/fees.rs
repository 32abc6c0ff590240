//! What a fill costs its two parties.

use super::order::Fill;
use crate::units::{Overflow, Quote, Rate, narrow};

/// A market's fees, as rates of value; negative ones are rebates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// Of whoever rested.
    pub maker: Rate,
    /// Of whoever took.
    pub taker: Rate,
}

/// The money of one fill, in quote steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FillFees {
    /// Price x quantity.
    pub value: Quote,
    /// What the maker pays (negative: receives).
    pub maker: Quote,
    /// What the taker pays (negative: receives).
    pub taker: Quote,
    /// What the venue earns of both.
    pub income: Quote,
    /// What rounding leaves between, at most two steps: the insurance fund's.
    pub rounding: Quote,
}

impl Fees {
    /// Whether nobody pays anything.
    #[inline]
    pub const fn are_none(&self) -> bool {
        self.maker.0 == 0 && self.taker.0 == 0
    }

    /// `(income, charge)`: what fee income gets and what the account pays; what rounding leaves between them, at most one
    /// step, is the insurance fund's.
    #[inline]
    pub fn charge(rate: Rate, value: Quote) -> Result<(Quote, Quote), Overflow> {
        rate.of(value)
    }

    /// The fees of a fill; `scale` is the number of quote steps in one tick x lot.
    pub fn on(&self, fill: &Fill, scale: i64) -> Result<FillFees, Overflow> {
        let exact = i128::from(fill.price.0) * i128::from(fill.qty.0);
        let value = Quote(narrow(exact.checked_mul(i128::from(scale)).ok_or(Overflow)?)?);
        let (taker_income, taker) = Fees::charge(self.taker, value)?;
        let (maker_income, maker) = Fees::charge(self.maker, value)?;
        let income = taker_income.plus(maker_income)?;
        let rounding = taker.plus(maker)?.minus(income)?;
        Ok(FillFees { value, maker, taker, income, rounding })
    }
}
