//! Time: how long a round takes, or a run in steps up to a horizon.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use super::check::Check;
use super::scenario::Scenario;

/// Steps of a run at most.
const MAX_STEPS: u64 = 10_000_000;

/// A run through time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct TimeSpec {
    pub step_s: Decimal,
    pub horizon_s: Decimal,
    #[serde(default)]
    pub until: Until,
}

/// When a run through time ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// At its horizon.
    #[default]
    Horizon,
    /// After a step in which nothing happened and nothing is to come, the push behind it; at the horizon at the latest.
    Quiet,
}

/// The steps of a run through time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// How many there are.
    pub count: u64,
    /// The one that begins with the push, from 1.
    pub ignition: u64,
    /// When the run ends.
    pub until: Until,
}

/// How long a round takes; in a run through time, a step.
pub(super) struct Clock {
    pub round_seconds: Decimal,
    pub steps: Option<Steps>,
}

impl Clock {
    /// Of rounds that take so long.
    pub const fn of(round_seconds: Decimal) -> Clock {
        Clock { round_seconds, steps: None }
    }

    pub fn read(check: &mut Check, scenario: &Scenario) -> Clock {
        let at = scenario.ignition.at_s;
        let Some(time) = &scenario.time else {
            check.require(at.is_zero(), "ignition.at_s", at, "0 without time: the cascade is instant");
            let seconds = seconds(
                check,
                "round_seconds",
                scenario.round_seconds,
                Decimal::ZERO,
                "0, time stands still,",
            );
            return Clock::of(seconds);
        };
        let alone = scenario.round_seconds.is_zero();
        check.require(
            alone,
            "round_seconds",
            scenario.round_seconds,
            "0 beside time: a step takes time.step_s",
        );
        let step = seconds(check, "time.step_s", time.step_s, Decimal::new(1, 3), "0.001");
        let steps = |seconds: Decimal| {
            let whole = seconds.checked_div(step).map(|steps| steps.floor());
            whole.and_then(|steps| steps.to_u64())
        };
        let count = steps(time.horizon_s).filter(|count| (1..=MAX_STEPS).contains(count));
        let allowed = format!("from time.step_s ({step}) to {MAX_STEPS} of them");
        check.require(count.is_some(), "time.horizon_s", time.horizon_s, &allowed);
        let count = count.unwrap_or(1);
        let before = steps(at).filter(|&before| at >= Decimal::ZERO && before < count);
        check.require(
            before.is_some(),
            "ignition.at_s",
            at,
            "from 0, before the last step of time.horizon_s ends",
        );
        let ignition = before.unwrap_or(0) + 1;
        Clock { round_seconds: step, steps: Some(Steps { count, ignition, until: time.until }) }
    }

    /// The rounds that begin within so many seconds: all of them where time stands still, none for 0 seconds.
    pub fn rounds(&self, check: &mut Check, field: &str, seconds: Decimal) -> u64 {
        let most = Decimal::from(1_000_000_000);
        let ok = seconds >= Decimal::ZERO && seconds <= most;
        check.require(ok, field, seconds, "from 0 to 1000000000 seconds");
        if !ok || seconds.is_zero() {
            return 0;
        }
        let rounds = seconds.checked_div(self.round_seconds).map(|rounds| rounds.ceil());
        rounds.and_then(|rounds| rounds.to_u64()).unwrap_or(u64::MAX)
    }
}

/// Seconds up to a day.
fn seconds(check: &mut Check, field: &str, seconds: Decimal, least: Decimal, from: &str) -> Decimal {
    let ok = seconds >= least && seconds <= Decimal::from(86_400);
    check.require(ok, field, seconds, &format!("from {from} to 86400"));
    if ok { seconds } else { least }
}
