//! Reads the fields of one agent.

use rust_decimal::{Decimal, RoundingStrategy};

use super::plans::{Exit, Leg};
use super::spec::{ExitSpec, LegSpec};
use super::{Agent, Arrivals, Calls, Holds, Plan};
use crate::units::{Lots, Quote, Rate, Ticks, gcd};
use crate::world::check::{Check, billionths, double, ratio};
use crate::world::clock::{Clock, Steps};
use crate::world::law;
use crate::world::scenario::{IgnitionMarket, Law, MarketSpec, Scenario};

/// Poisson means of a step at most.
const MAX_MEAN: Decimal = Decimal::ONE_HUNDRED;

/// Where an agent is read.
pub(super) struct Reader<'a> {
    pub check: &'a mut Check,
    pub scenario: &'a Scenario,
    pub clock: &'a Clock,
    pub steps: Steps,
    pub money: Decimal,
    pub index: usize,
}

/// What every agent has, as it is written.
pub(super) struct Common<'a> {
    pub name: &'a str,
    pub from_s: Decimal,
    pub until_s: Option<Decimal>,
    pub capital: Option<Decimal>,
    pub leverage: Decimal,
    pub tokens: Decimal,
}

impl Common<'_> {
    /// Of an agent that has nothing.
    pub fn of(name: &str, from_s: Decimal, until_s: Option<Decimal>) -> Common<'_> {
        Common { name, from_s, until_s, capital: None, leverage: Decimal::ONE, tokens: Decimal::ZERO }
    }
}

impl Reader<'_> {
    pub fn field(&self, name: &str) -> String {
        format!("agents[{}].{name}", self.index)
    }

    pub fn market(&self, market: IgnitionMarket) -> &MarketSpec {
        match market {
            IgnitionMarket::Spot => &self.scenario.spot,
            IgnitionMarket::Perp => &self.scenario.perp,
        }
    }

    /// The agent of a plan.
    pub fn agent(&mut self, common: &Common, plan: Plan) -> Agent {
        let from = self.begins("from_s", common.from_s);
        let until = common.until_s.map_or(u64::MAX, |until_s| self.ends(from, until_s));
        let capital = common.capital.map(|capital| self.money("capital", capital));
        let financed = capital.is_none() && common.leverage != Decimal::ONE;
        let allowed = "1 without a capital: a financed account has no limit";
        self.check.require(!financed, &self.field("leverage"), common.leverage, allowed);
        let most = Decimal::from(1000);
        Agent {
            name: common.name.to_owned(),
            from,
            until,
            capital,
            leverage: self.rate("leverage", common.leverage, Decimal::ONE, most),
            tokens: self.lots("tokens", common.tokens, IgnitionMarket::Spot, 0),
            plan,
        }
    }

    /// Writes down what does not agree with other fields, unless it can't be in itself.
    pub fn agree(&mut self, ok: bool, name: &str, value: impl std::fmt::Display, allowed: &str) {
        let field = self.field(name);
        let known = self.check.found.names(&field);
        self.check.require(ok || known, &field, value, allowed);
    }

    /// The step after the last one an agent acts in: behind its first one, the horizon's end at the latest.
    fn ends(&mut self, from: u64, seconds: Decimal) -> u64 {
        let step = self.clock.passed(seconds).map(|steps| steps + 1);
        let until = step.filter(|&step| step > from && step <= self.steps.count + 1);
        let allowed = "a step or more after from_s, up to time.horizon_s";
        self.check.require(until.is_some(), &self.field("until_s"), seconds, allowed);
        until.unwrap_or(u64::MAX)
    }

    /// The step that a time lies in.
    pub fn begins(&mut self, name: &str, seconds: Decimal) -> u64 {
        self.clock.begins(self.check, &self.field(name), seconds)
    }

    /// How many steps something takes.
    pub fn lasts(&mut self, name: &str, seconds: Decimal) -> u64 {
        self.clock.rounds(self.check, &self.field(name), seconds)
    }

    pub fn lots(&mut self, name: &str, qty: Decimal, market: IgnitionMarket, min: i64) -> Lots {
        let lot = self.market(market).lot_size;
        self.check.qty(&self.field(name), qty, lot, min)
    }

    /// A difference of prices, at least a tick.
    pub fn gap(&mut self, name: &str, gap: Option<Decimal>, market: IgnitionMarket) -> Ticks {
        let tick = self.market(market).tick_size;
        self.check.gap(&self.field(name), gap.unwrap_or(tick), tick, 1)
    }

    pub fn money(&mut self, name: &str, amount: Decimal) -> Quote {
        self.check.money(&self.field(name), amount, self.money)
    }

    pub fn rate(&mut self, name: &str, rate: Decimal, min: Decimal, max: Decimal) -> Rate {
        self.check.rate(&self.field(name), rate, min, max)
    }

    /// A rate above zero once it is in billionths.
    pub fn positive(&mut self, name: &str, rate: Decimal, max: Decimal) -> Rate {
        let rate = self.check.positive(&self.field(name), rate, max);
        Rate(billionths(rate).max(1))
    }

    /// Who comes in a step.
    pub fn arrivals(&mut self, name: &str, per_second: Decimal) -> Arrivals {
        self.share_of_arrivals(name, per_second, Decimal::ONE)
    }

    /// Who of them comes uncalled.
    pub fn share_of_arrivals(&mut self, name: &str, per_second: Decimal, share: Decimal) -> Arrivals {
        let step = self.clock.round_seconds;
        let most = MAX_MEAN / step;
        let rate = nine(per_second);
        let fits = rate >= Decimal::ZERO && rate <= most;
        let allowed = format!("0 or more, at most 100 in a step of {step} s");
        self.check.require(fits, &self.field(name), per_second, &allowed);
        let mean = if fits { rate * share * step } else { Decimal::ZERO };
        Arrivals::new(double(mean))
    }

    /// How orders call forth others, if they do.
    pub fn calls(&mut self, branching: Decimal, decay_s: Option<Decimal>) -> Option<Calls> {
        let each = self.rate("branching", branching, Decimal::ZERO, Decimal::new(99, 2));
        let given = !branching.is_zero();
        let allowed = if given {
            "more than 0 seconds, with a branching"
        } else {
            "none without a branching: no order calls forth another"
        };
        let fits = match decay_s {
            Some(decay) => given && decay > Decimal::ZERO && decay <= Decimal::from(1_000_000_000),
            None => !given,
        };
        let said = decay_s.map_or_else(|| "none".to_owned(), |decay| decay.to_string());
        self.agree(fits, "decay_s", said, allowed);
        let decay = double(decay_s.filter(|_| fits)?);
        let come = -libm::expm1(-(double(self.clock.round_seconds) / decay)) * 4_294_967_296.0;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 2^32
        let alpha = come.floor() as u64;
        let each = (u128::from(each.0.unsigned_abs()) << 32) / u128::from(Rate::ONE.unsigned_abs());
        Some(Calls { each: u64::try_from(each).unwrap_or(0), alpha })
    }

    /// For how many steps something is held, at least one.
    pub fn holds(&mut self, name: &str, law: &Law) -> Holds {
        let (field, step) = (self.field(name), self.clock.round_seconds);
        if let Law::Number(seconds) = law {
            self.check.require(*seconds > Decimal::ZERO, &field, seconds, "more than 0 seconds");
            return Holds::Fixed(self.lasts(name, (*seconds).max(Decimal::ZERO)).max(1));
        }
        Holds::Table(law::steps(self.check, &field, law, step))
    }

    /// `value a / b` as a fraction whose numerator is below 2^64 and whose denominator is below 2^80.
    pub fn times(&mut self, name: &str, value: Decimal, a: Decimal, b: Decimal) -> (i128, i128) {
        let exact = ratio(nine(value), Decimal::ONE).zip(ratio(a, b)).and_then(|((n, d), (a, b))| {
            let (n, d) = (n.checked_mul(a)?, d.checked_mul(b)?);
            let common = gcd(n, d);
            Some((n / common, d / common)).filter(|&(n, d)| n < 1 << 64 && d < 1 << 80)
        });
        let fits = exact.is_some() && value >= Decimal::ZERO;
        let allowed = "0 or more, below 2^64 ticks or lots as a fraction with a denominator below 2^80";
        self.check.require(fits, &self.field(name), value, allowed);
        exact.filter(|_| fits).unwrap_or((0, 1))
    }

    /// A part of a whale's plan, from a step on over so many.
    pub fn leg(&mut self, name: &str, spec: Option<&LegSpec>, market: IgnitionMarket) -> Option<Leg> {
        let spec = spec?;
        let field = |inner: &str| format!("{name}.{inner}");
        let leg = Leg {
            qty: self.lots(&field("qty"), spec.qty, market, 1),
            from: self.begins(&field("at_s"), spec.at_s),
            steps: self.lasts(&field("over_s"), spec.over_s).max(1),
        };
        let ends = leg.from.saturating_add(leg.steps) <= self.steps.count + 1;
        let allowed = "0 or more, within time.horizon_s with at_s";
        self.check.require(ends, &self.field(&field("over_s")), spec.over_s, allowed);
        Some(leg)
    }

    /// When a whale sells out.
    pub fn exit(&mut self, spec: &ExitSpec, ignites: bool) -> Exit {
        let some = spec.at_s.is_some() || spec.drawdown.is_some();
        self.check.require(some, &self.field("exit"), "neither at_s nor drawdown", "at_s, drawdown or both");
        let drawdown = spec.drawdown.map(|drawdown| {
            let field = self.field("exit.drawdown");
            self.check.require(ignites, &field, drawdown, "none without ignite: it begins with that");
            let part = drawdown > Decimal::ZERO && drawdown < Decimal::ONE;
            self.check.require(part, &field, drawdown, "more than 0, below 1");
            Rate(if part { billionths(drawdown).clamp(1, Rate::ONE - 1) } else { 1 })
        });
        Exit {
            steps: self.lasts("exit.over_s", spec.over_s).max(1),
            at: spec.at_s.map(|at_s| self.begins("exit.at_s", at_s)),
            drawdown,
        }
    }
}

/// Rounded half away from zero to nine decimals.
pub(super) fn nine(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(9, RoundingStrategy::MidpointAwayFromZero)
}
