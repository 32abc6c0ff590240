//! A venue's rules as they are written down, and read: `docs/MODEL.md` section 2.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::check::{Check, billionths};
use super::clock::Clock;
use super::frictions::{self, HaltSpec, StressSpec};
use super::pricing::{self, FundingSpec, IndexSpec};
use super::read;
use crate::error::ScenarioError;
use crate::margin::{MarginRule, MarginTiers, TierRule, Trigger};
use crate::units::{Quote, Rate};
use crate::venue::{
    AdlPrice, AdlRank, AdlRule, AdlTrigger, Backstop, Leftover, LiquidationOrder, LiquidationSize,
    LossSharing, MarkPrice, Rest, ShareRule, Unwind, Venue,
};

/// The venue's rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct VenueSpec {
    #[serde(default)]
    pub contract: ContractKind,
    pub tiers: Vec<TierSpec>,
    #[serde(default)]
    pub tier_rule: TierRule,
    #[serde(default)]
    pub maintenance_at: MaintenanceAt,
    #[serde(default)]
    pub close_fee: Decimal,
    #[serde(default = "both_modes")]
    pub margin_modes: Vec<MarginMode>,
    #[serde(default)]
    pub open_interest_caps: Option<[Decimal; 2]>,
    #[serde(default)]
    pub trigger: Trigger,
    #[serde(default)]
    pub mark: MarkPrice,
    #[serde(default = "half_a_minute")]
    pub mark_ema_s: Decimal,
    #[serde(default)]
    pub mark_step: Option<Decimal>,
    #[serde(default)]
    pub impact_notional: Decimal,
    #[serde(default)]
    pub index: Option<IndexSpec>,
    #[serde(default)]
    pub funding: Option<FundingSpec>,
    #[serde(default)]
    pub liquidation_size: LiquidationSizeSpec,
    #[serde(default)]
    pub liquidation_order: LiquidationOrder,
    #[serde(default = "fillable_spread")]
    pub fillable_spread: Decimal,
    #[serde(default = "one")]
    pub bankruptcy_adjustment: Decimal,
    #[serde(default)]
    pub rest: Rest,
    #[serde(default)]
    pub leftover: Leftover,
    #[serde(default)]
    pub liquidation_fee: Decimal,
    #[serde(default)]
    pub backstop: Option<BackstopSpec>,
    #[serde(default)]
    pub unwind: Unwind,
    #[serde(default)]
    pub adl: Option<AdlSpec>,
    #[serde(default)]
    pub loss_sharing: LossSharing,
    #[serde(default)]
    pub liquidations_per_round: Option<i64>,
    #[serde(default = "default_max_rounds")]
    pub max_rounds: i64,
    #[serde(default)]
    pub insurance_fund: Decimal,
    #[serde(default)]
    pub price_band: Option<Decimal>,
    #[serde(default)]
    pub halt: Option<HaltSpec>,
    #[serde(default)]
    pub stress_margin: Option<StressSpec>,
    #[serde(default)]
    pub spot_margin: Decimal,
}

const fn default_max_rounds() -> i64 {
    100_000
}

fn both_modes() -> Vec<MarginMode> {
    vec![MarginMode::Isolated, MarginMode::Cross]
}

const fn one() -> Decimal {
    Decimal::ONE
}

fn half_a_minute() -> Decimal {
    Decimal::from(30)
}

fn fillable_spread() -> Decimal {
    Decimal::new(15, 1)
}

/// One bracket of the maintenance margin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct TierSpec {
    pub min_notional: Decimal,
    pub maintenance_rate: Decimal,
    pub max_leverage: Decimal,
}

/// What the perpetual's quantity, margin and profit are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContractKind {
    /// Tokens, and quote currency.
    #[default]
    Linear,
    /// Face value in quote currency, and coin.
    Inverse,
}

/// What stands behind a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum MarginMode {
    #[default]
    Isolated,
    Cross,
}

impl MarginMode {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            MarginMode::Isolated => "isolated",
            MarginMode::Cross => "cross",
        }
    }

    /// Several as they are written.
    pub fn list(modes: &[MarginMode]) -> String {
        format!("[{}]", modes.iter().map(|mode| mode.name()).collect::<Vec<_>>().join(", "))
    }
}

/// The notional that maintenance is taken of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum MaintenanceAt {
    #[default]
    Mark,
    Entry,
}

/// How much of a position one order closes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum LiquidationSizeSpec {
    #[default]
    All,
    Tiers {
        #[serde(default = "one_tier")]
        tiers: i64,
    },
    Share {
        share: Decimal,
        #[serde(default)]
        least_notional: Decimal,
        #[serde(default)]
        whole_below: Decimal,
        #[serde(default)]
        cooldown_s: Decimal,
        #[serde(default)]
        whole_within_s: Decimal,
    },
}

const fn one_tier() -> i64 {
    1
}

/// A vault that steps in before bankruptcy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct BackstopSpec {
    #[serde(default = "two_thirds")]
    pub below: Decimal,
    #[serde(default)]
    pub capital: Decimal,
    #[serde(default)]
    pub isolated: bool,
}

fn two_thirds() -> Decimal {
    Decimal::new(666_666_667, 9)
}

/// Auto-deleveraging.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AdlSpec {
    #[serde(default = "fund_exhausted")]
    pub trigger: AdlTrigger,
    #[serde(default = "three_tenths")]
    pub drawdown: Decimal,
    #[serde(default = "profit_leverage")]
    pub rank: AdlRank,
    #[serde(default = "bankruptcy")]
    pub price: AdlPrice,
}

const fn fund_exhausted() -> AdlTrigger {
    AdlTrigger::FundExhausted
}

fn three_tenths() -> Decimal {
    Decimal::new(3, 1)
}

const fn profit_leverage() -> AdlRank {
    AdlRank::ProfitLeverage
}

const fn bankruptcy() -> AdlPrice {
    AdlPrice::Bankruptcy
}

/// Reads the rules; what is wrong with them goes to `check`.
pub(super) fn rules(check: &mut Check, spec: &VenueSpec, clock: &Clock, step: Decimal) -> Venue {
    let inverse = spec.contract == ContractKind::Inverse;
    check.require(
        !inverse || spec.impact_notional.is_zero(),
        "venue.impact_notional",
        spec.impact_notional,
        "0, the best price, for an inverse contract",
    );
    let per_round = spec.liquidations_per_round;
    check.require(
        per_round.is_none_or(|n| n >= 1),
        "venue.liquidations_per_round",
        per_round.unwrap_or_default(),
        "at least 1, or none for all that are due",
    );
    check.within("venue.max_rounds", spec.max_rounds, 1, 10_000_000);
    let close_fee = check.rate("venue.close_fee", spec.close_fee, Decimal::ZERO, Decimal::new(1, 1));
    let tiers = tiers(check, "venue.tiers", (spec.tier_rule, close_fee), &spec.tiers, step);
    let hundred = Decimal::ONE_HUNDRED;
    let once =
        spec.margin_modes.iter().all(|mode| spec.margin_modes.iter().filter(|m| *m == mode).count() == 1);
    let named = MarginMode::list(&spec.margin_modes);
    let some = !spec.margin_modes.is_empty();
    check.require(once && some, "venue.margin_modes", named, "isolated, cross or both, each once");
    open_interest_caps(check, spec.open_interest_caps, step);
    let at_entry = spec.maintenance_at == MaintenanceAt::Entry;
    Venue {
        frictions: frictions::of_venue(check, spec, clock, (&tiers, at_entry, close_fee)),
        margin: MarginRule::new(&tiers, at_entry, close_fee, spec.trigger),
        tiers,
        mark: spec.mark,
        marking: pricing::marking(check, spec, clock, step),
        index: pricing::index(check, spec, clock),
        funding: pricing::funding(check, spec, clock),
        liquidation_size: size(check, &spec.liquidation_size, clock, step),
        liquidation_order: spec.liquidation_order,
        fillable_spread: check.rate("venue.fillable_spread", spec.fillable_spread, Decimal::ZERO, hundred),
        bankruptcy_adjustment: check.rate(
            "venue.bankruptcy_adjustment",
            spec.bankruptcy_adjustment,
            Decimal::ONE,
            hundred,
        ),
        rest: spec.rest,
        leftover: spec.leftover,
        liquidation_fee: check.rate(
            "venue.liquidation_fee",
            spec.liquidation_fee,
            Decimal::ZERO,
            Decimal::new(2, 1),
        ),
        backstop: spec.backstop.as_ref().map(|spec| Backstop {
            below: check.rate("venue.backstop.below", spec.below, Decimal::ZERO, Decimal::ONE),
            capital: check.money("venue.backstop.capital", spec.capital, step),
            isolated: spec.isolated,
        }),
        unwind: spec.unwind,
        adl: spec.adl.as_ref().map(|spec| AdlRule {
            trigger: spec.trigger,
            drawdown: check.rate("venue.adl.drawdown", spec.drawdown, Decimal::ZERO, Decimal::ONE),
            rank: spec.rank,
            price: spec.price,
        }),
        loss_sharing: spec.loss_sharing,
        liquidations_per_round: per_round.and_then(|n| u64::try_from(n).ok()),
        max_rounds: u64::try_from(spec.max_rounds).unwrap_or(1),
        spot_margin: check.rate("venue.spot_margin", spec.spot_margin, Decimal::ZERO, Decimal::ONE),
        insurance_fund: check.money("venue.insurance_fund", spec.insurance_fund, step),
    }
}

fn size(check: &mut Check, spec: &LiquidationSizeSpec, clock: &Clock, step: Decimal) -> LiquidationSize {
    let field = |name: &str| format!("venue.liquidation_size.{name}");
    match *spec {
        LiquidationSizeSpec::All => LiquidationSize::All,
        LiquidationSizeSpec::Tiers { tiers } => {
            check.within(&field("tiers"), tiers, 1, 256);
            LiquidationSize::Tiers(usize::try_from(tiers).unwrap_or(1))
        }
        LiquidationSizeSpec::Share { share, least_notional, whole_below, cooldown_s, whole_within_s } => {
            let share = check.positive(&field("share"), share, Decimal::ONE);
            LiquidationSize::Share(ShareRule {
                share: Rate(billionths(share).max(1)),
                least: check.money(&field("least_notional"), least_notional, step),
                whole_below: check.money(&field("whole_below"), whole_below, step),
                cooldown: clock.rounds(check, &field("cooldown_s"), cooldown_s),
                whole_within: clock.rounds(check, &field("whole_within_s"), whole_within_s),
            })
        }
    }
}

/// Only initial margin follows open interest: an instant cascade opens nothing, so they are checked and no more.
fn open_interest_caps(check: &mut Check, caps: Option<[Decimal; 2]>, step: Decimal) {
    let Some([lower, upper]) = caps else { return };
    check.money("venue.open_interest_caps[0]", lower, step);
    check.money("venue.open_interest_caps[1]", upper, step);
    check.require(upper > lower, "venue.open_interest_caps[1]", upper, "above the lower cap");
}

fn tiers(
    check: &mut Check,
    path: &str,
    (rule, close_fee): (TierRule, Rate),
    spec: &[TierSpec],
    step: Decimal,
) -> MarginTiers {
    let mut brackets: Vec<(Quote, Rate, i64)> = Vec::with_capacity(spec.len());
    check.require(!spec.is_empty(), path, "[]", "at least one tier");
    check.require(spec.len() <= MAX_TIERS, path, format!("{} tiers", spec.len()), "at most 256 tiers");
    for (i, tier) in spec.iter().enumerate() {
        let field = |name: &str| format!("{path}[{i}].{name}");
        let floor = check.money(&field("min_notional"), tier.min_notional, step);
        let rate =
            check.rate(&field("maintenance_rate"), tier.maintenance_rate, Decimal::ZERO, Decimal::new(99, 2));
        let leverage = check.positive(&field("max_leverage"), tier.max_leverage, Decimal::from(1000));
        let floor_ok = match i.checked_sub(1) {
            None => tier.min_notional.is_zero(),
            Some(below) => tier.min_notional > spec[below].min_notional,
        };
        let rate_ok = brackets.last().is_none_or(|&(_, below, _)| rate >= below);
        let allowed = if i == 0 { "0: the first tier starts there" } else { "above the tier before it" };
        check.require(floor_ok, &field("min_notional"), tier.min_notional, allowed);
        check.require(
            rate_ok,
            &field("maintenance_rate"),
            tier.maintenance_rate,
            "not below the tier before it",
        );
        let below = brackets.last().filter(|_| rule == TierRule::Linear && floor_ok);
        check.require(
            !is_steep(below, (floor, rate), close_fee),
            &field("maintenance_rate"),
            tier.maintenance_rate,
            "a rate at which maintenance with close_fee grows by at most 0.99 of the notional",
        );
        brackets.push((floor, rate, billionths(leverage)));
    }
    MarginTiers::under(rule, &brackets)
}

/// Checks a venue that is in no scenario yet, given as JSON: all that does not rest on a grid or on time.
pub fn check_venue(json: &str) -> Result<(), ScenarioError> {
    let spec: VenueSpec = read::part("", &read::parse(json)?)?;
    let check = &mut Check { off_grid: true, ..Check::default() };
    let day = Decimal::from(86_400); // the longest round: nothing is too many rounds away
    rules(check, &spec, &Clock::of(day), Decimal::new(1, 6));
    for problem in &mut check.found.problems {
        problem.field = problem.field.trim_start_matches("venue.").to_owned();
    }
    std::mem::take(&mut check.found).into_result()
}

/// Whether what is held against grows by more than 0.99 of the notional in a tier, or where a rate rises linearly to its
/// floor. Equity that loses little more than that is due nowhere, or far from where it should be.
pub(super) fn is_steep(
    below: Option<&(Quote, Rate, i64)>,
    (floor, rate): (Quote, Rate),
    close_fee: Rate,
) -> bool {
    let over = i128::from(rate.0 + close_fee.0) - i128::from(Rate::ONE) / 100 * 99;
    below.map_or(over > 0, |&(low, slower, _)| {
        let width = i128::from(floor.0) - i128::from(low.0);
        over * width + i128::from(rate.0 - slower.0) * i128::from(floor.0) > 0
    })
}

/// Checks `[min_notional, maintenance_rate, max_leverage]` brackets and returns the deduction of each, in units.
pub fn read_tiers(brackets: &[[Decimal; 3]]) -> Result<Vec<Decimal>, ScenarioError> {
    let spec = |&[min_notional, maintenance_rate, max_leverage]: &[Decimal; 3]| TierSpec {
        min_notional,
        maintenance_rate,
        max_leverage,
    };
    let check = &mut Check::default();
    let spec: Vec<TierSpec> = brackets.iter().map(spec).collect();
    let tiers = tiers(check, "tiers", (TierRule::Marginal, Rate(0)), &spec, Decimal::new(1, 6));
    std::mem::take(&mut check.found).into_result()?;
    // In steps of 1e-6 x 1e-9; 96 bits hold deductions up to 7e13.
    let decimal = |c: i128| Decimal::try_from_i128_with_scale(c, 15).unwrap_or(Decimal::MAX);
    Ok(tiers.tiers().iter().map(|tier| decimal(tier.deduction)).collect())
}

/// Each is a group of a population, and a group has eight bits in the number of a block.
const MAX_TIERS: usize = 256;
