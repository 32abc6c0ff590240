//! Populations of an inverse contract: what is held against grows as the price falls.

use super::{Laws, Plan, ends};
use crate::margin::Position;
use crate::units::{Lots, Overflow, Quote, Rate, Ticks, div_ceil, narrow};

impl Laws {
    /// An account that breaks at this tick, or later: it has one step more than what is held against it at the tick before.
    pub(super) fn in_coin(
        &self,
        entry: Ticks,
        tick: Ticks,
        qty: Lots,
    ) -> Result<(Position, Option<Ticks>), Overflow> {
        let before = Ticks(tick.0 + self.sign);
        let (cost, value) = (self.contract.worth(entry, qty)?, self.contract.worth(before, qty)?);
        let rate = div_ceil(i128::from(value.0) * i128::from(self.rho), i128::from(Rate::ONE));
        let held = self.rule.requirement(cost, value)?.max(Quote(narrow(rate)?)).plus(Quote(1))?;
        let meant = held.plus(Quote(self.sign * value.minus(cost)?.0))?;
        let margin = self.allowed(cost, meant)?;
        let qty = Lots(self.sign * qty.0);
        let position = Position { qty, cost: self.contract.value(entry, qty)?, margin };
        Ok((position, self.rule.threshold(&position, margin, self.contract)?))
    }
}

impl Plan<'_> {
    /// Maintenance of the largest account at the lowest price of interest, as a rate rounded up.
    pub(super) fn rate_in_coin(&self, sizes: &[Lots]) -> Result<i64, Overflow> {
        let lowest = self.entries.first().map_or(1, |&(e, _)| e).min(self.terms.start.0);
        let margin = if self.sign > 0 { 1.0 / ends(&self.leverage).0 } else { 0.0 };
        let price = Ticks(((lowest as f64 / (1.0 + margin)).floor() as i64).max(1));
        let value = self.terms.contract.worth(price, *sizes.last().ok_or(Overflow)?)?;
        let held = i128::from(self.terms.rule.requirement(value, value)?.0);
        let rho = narrow(div_ceil(held * i128::from(Rate::ONE), i128::from(value.0).max(1)))?;
        let at_entry = self.terms.rule.is_at_entry() && self.sign < 0;
        Ok(if at_entry { self.rate_at_entry(rho) } else { rho })
    }
}
