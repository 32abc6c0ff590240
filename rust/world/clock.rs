//! Time: how long a round takes, or a run in steps up to a horizon.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use super::check::Check;
use super::scenario::Scenario;

/// Steps of a run at most.
const MAX_STEPS: u64 = 10_000_000;

/// Samples of a run that does not say how many.
const MOST_SAMPLES: u64 = 500;

/// A run through time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct TimeSpec {
    pub step_s: Decimal,
    pub horizon_s: Decimal,
    #[serde(default)]
    pub until: Until,
    #[serde(default)]
    pub sample_s: Option<Decimal>,
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
    /// The one that begins with the push, from 1; 0 if none does.
    pub ignition: u64,
    /// When the run ends.
    pub until: Until,
    /// From one sample to the next.
    pub sample: u64,
}

/// How long a round takes; in a run through time, a step.
#[derive(Clone, Copy)]
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
        let at = scenario.ignition.as_ref().map(|ignition| ignition.at_s);
        let to_horizon = scenario.time.as_ref().is_some_and(|time| time.until == Until::Horizon);
        let allowed = "an ignition, or a time whose until is horizon";
        check.require(at.is_some() || to_horizon, "ignition", "none", allowed);
        let Some(time) = &scenario.time else {
            let at = at.unwrap_or_default();
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
        let mut clock = Clock::of(step);
        let count = clock.passed(time.horizon_s).filter(|count| (1..=MAX_STEPS).contains(count));
        let allowed = format!("from time.step_s ({step}) to {MAX_STEPS} of them");
        check.require(count.is_some(), "time.horizon_s", time.horizon_s, &allowed);
        let count = count.unwrap_or(1);
        let sample = match time.sample_s {
            None => count.div_ceil(MOST_SAMPLES),
            Some(seconds) => clock.sampled(check, seconds, time.horizon_s),
        };
        clock.steps = Some(Steps { count, ignition: 0, until: time.until, sample });
        let ignition = at.map_or(0, |at| clock.begins(check, "ignition.at_s", at));
        clock.steps = clock.steps.map(|steps| Steps { ignition, ..steps });
        clock
    }

    /// Whole steps that have passed after so many seconds.
    pub fn passed(&self, seconds: Decimal) -> Option<u64> {
        let whole = seconds.checked_div(self.round_seconds).map(|steps| steps.floor());
        whole.and_then(|steps| steps.to_u64()).filter(|_| seconds >= Decimal::ZERO)
    }

    /// The step that begins with what comes after so many seconds, from 1.
    pub fn begins(&self, check: &mut Check, field: &str, seconds: Decimal) -> u64 {
        let count = self.steps.map_or(1, |steps| steps.count);
        let before = self.passed(seconds).filter(|&before| before < count);
        let allowed = "from 0, before the last step of time.horizon_s ends";
        check.require(before.is_some(), field, seconds, allowed);
        before.unwrap_or(0) + 1
    }

    /// Steps from one sample to the next.
    fn sampled(&self, check: &mut Check, seconds: Decimal, horizon: Decimal) -> u64 {
        let fits = seconds > Decimal::ZERO && seconds <= horizon;
        check.require(fits, "time.sample_s", seconds, "more than 0, at most time.horizon_s");
        if fits { self.rounds(check, "time.sample_s", seconds).max(1) } else { 1 }
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
