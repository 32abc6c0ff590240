//! Agents and unlocks, checked and turned into integers.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::kinds;
use super::reader::Reader;
use super::spec::{AgentSpec, UnlockSpec};
use super::{Agent, Plan, Unlock};
use crate::event::Market;
use crate::units::{Lots, Side};
use crate::world::World;
use crate::world::check::Check;
use crate::world::clock::{Clock, Steps, Until};
use crate::world::scenario::{ContractKind, MarginMode, Scenario};

/// Agents of a scenario at most.
const MAX_AGENTS: usize = 1_000;
/// Unlocks of a scenario at most.
const MAX_UNLOCKS: usize = 100_000;

/// Reads the agents; none where time does not pass for them.
pub(in crate::world) fn agents(
    check: &mut Check,
    scenario: &Scenario,
    clock: &Clock,
    money: Decimal,
) -> Arc<[Agent]> {
    let specs = &scenario.agents;
    let count = format!("{} agents", specs.len());
    check.require(specs.len() <= MAX_AGENTS, "agents", &count, "at most 1000");
    let Some(steps) = to_horizon(check, "agents", &count, clock, specs.is_empty()) else {
        return Arc::default();
    };
    market_rules(check, scenario);
    names(check, specs);
    let read = |(index, spec): (usize, &AgentSpec)| {
        let mut reader = Reader { check, scenario, clock, steps, money, index };
        kinds::read(&mut reader, spec)
    };
    specs.iter().take(MAX_AGENTS).enumerate().map(read).collect()
}

/// Reads the unlocks, in the order of their steps; in that of the scenario where the steps are the same.
pub(in crate::world) fn unlocks(
    check: &mut Check,
    scenario: &Scenario,
    clock: &Clock,
    agents: &[Agent],
) -> Arc<[Unlock]> {
    let specs = &scenario.unlocks;
    let count = format!("{} unlocks", specs.len());
    check.require(specs.len() <= MAX_UNLOCKS, "unlocks", &count, "at most 100000");
    if to_horizon(check, "unlocks", &count, clock, specs.is_empty()).is_none() {
        return Arc::default();
    }
    let read = |(index, spec): (usize, &UnlockSpec)| {
        let field = |name: &str| format!("unlocks[{index}].{name}");
        let step = clock.begins(check, &field("at_s"), spec.at_s);
        let qty = check.qty(&field("qty"), spec.qty, scenario.spot.lot_size, 1);
        let holder = spec.holder.as_ref().map(|name| {
            let is_meant = |agent: &Agent| &agent.name == name && matches!(agent.plan, Plan::Holders(_));
            let at = agents.iter().position(is_meant);
            let allowed = "the name of an agent of kind holders, or none: then all holders have it";
            check.require(at.is_some(), &field("holder"), name, allowed);
            at.unwrap_or(0)
        });
        Unlock { step, qty, holder }
    };
    let mut unlocks: Vec<Unlock> = specs.iter().take(MAX_UNLOCKS).enumerate().map(read).collect();
    unlocks.sort_by_key(|unlock| unlock.step);
    unlocks.into()
}

/// The steps, if time passes to its horizon; a problem if it does not.
fn to_horizon(check: &mut Check, field: &str, count: &str, clock: &Clock, none: bool) -> Option<Steps> {
    if none {
        return None;
    }
    let steps = clock.steps.filter(|steps| steps.until == Until::Horizon);
    check.require(steps.is_some(), field, count, "none without a time whose until is horizon");
    steps
}

/// What the markets must be for lots and money of one to be those of the other.
fn market_rules(check: &mut Check, scenario: &Scenario) {
    let linear = scenario.venue.contract == ContractKind::Linear;
    check.require(linear, "venue.contract", "inverse", "linear where there are agents");
    let (perp, spot) = (scenario.perp.lot_size, scenario.spot.lot_size);
    let whole = crate::world::check::ratio(perp, spot).is_some_and(|(_, d)| d == 1);
    let allowed = format!("a whole multiple of spot.lot_size, {spot}, where there are agents");
    check.require(whole, "perp.lot_size", perp, &allowed);
}

/// Results tell agents apart by their names.
fn names(check: &mut Check, specs: &[AgentSpec]) {
    let mut seen = std::collections::HashSet::from(["market_maker"]);
    for (index, spec) in specs.iter().enumerate() {
        let (name, field) = (spec.name(), format!("agents[{index}].name"));
        let some = !name.trim().is_empty();
        check.require(some, &field, format!("{name:?}"), "a name that is not empty");
        check.require(!some || seen.insert(name), &field, name, "a name that nobody else has");
    }
}

/// What agents and unlocks need of the rest of the scenario.
pub(in crate::world) fn needs(check: &mut Check, world: &World, scenario: &Scenario) {
    tokens(check, world, scenario);
    unlocked(check, scenario);
    let modes = &scenario.venue.margin_modes;
    for (index, (agent, spec)) in world.agents.iter().zip(&scenario.agents).enumerate() {
        let field = |name: &str| format!("agents[{index}].{name}");
        let mut stands_on = |mode: MarginMode, name: &str| {
            let allowed = format!("none without {} in venue.margin_modes", mode.name());
            check.require(
                modes.contains(&mode),
                &field(name),
                format!("a {} account", mode.name()),
                &allowed,
            );
        };
        match (&agent.plan, agent.capital) {
            (Plan::Crowd(_), _) => stands_on(MarginMode::Isolated, "kind"),
            (_, Some(_)) => stands_on(MarginMode::Cross, "capital"),
            _ => {}
        }
        most_leverage(check, world, agent, &field("leverage"));
        match spec {
            AgentSpec::FundingArbitrageur(_) => {
                let funding = scenario.venue.funding.is_some();
                check.require(funding, &field("kind"), "funding_arbitrageur", "one only with venue.funding");
            }
            AgentSpec::Whale(spec) if spec.ignite.is_some() && scenario.ignition.is_some() => {
                let alike = world.ignition.0 == Side::Buy && world.ignition_market == Market::Spot;
                let allowed = "none beside an ignition that sells or is in perp: both count as one push";
                check.require(alike, &field("ignite"), "a push", allowed);
            }
            _ => {}
        }
    }
}

/// Checks that what agents have at the start is part of the float.
fn tokens(check: &mut Check, world: &World, scenario: &Scenario) {
    let lot = scenario.spot.lot_size;
    let mut left = (world.circulating.0 - world.maker.spot_inventory.0 - world.attacker_tokens().0).max(0);
    for (index, agent) in world.agents.iter().enumerate() {
        let fits = agent.tokens.0 <= left;
        let given = Decimal::from(agent.tokens.0) * lot;
        let allowed = format!("at most what is left of circulating, {}", Decimal::from(left) * lot);
        check.require(fits, &format!("agents[{index}].tokens"), given, &allowed);
        left -= if fits { agent.tokens.0 } else { 0 };
    }
}

/// Checks that what comes into being is part of all there may ever be.
fn unlocked(check: &mut Check, scenario: &Scenario) {
    if check.found.names("total_supply") || check.found.names("circulating") {
        return;
    }
    let mut left = scenario.total_supply - scenario.circulating;
    for (index, unlock) in scenario.unlocks.iter().enumerate() {
        let fits = unlock.qty <= left;
        let allowed = format!("at most what is left of total_supply less circulating, {left}");
        check.require(fits, &format!("unlocks[{index}].qty"), unlock.qty, &allowed);
        left -= if fits { unlock.qty.max(Decimal::ZERO) } else { Decimal::ZERO };
    }
}

/// Checks that the venue lets an agent open so much.
fn most_leverage(check: &mut Check, world: &World, agent: &Agent, field: &str) {
    let Some(most) = world.venue.tiers.tiers().first().map(|tier| tier.max_leverage) else { return };
    let nine = |rate: i64| Decimal::new(rate, 9).normalize();
    let allowed = format!("from 1 to the max_leverage of the first tier, {}", nine(most));
    let leverage = match &agent.plan {
        Plan::Crowd(crowd) => match &*crowd.leverage {
            super::Leverages::Fixed(leverage) => *leverage,
            super::Leverages::Table(_) => return,
        },
        _ if agent.capital.is_some() => agent.leverage,
        _ => return,
    };
    check.require(leverage.0 <= most, field, nine(leverage.0), &allowed);
}

/// What all agents have on their desks.
pub(in crate::world) fn on_desks(agents: &[Agent]) -> Lots {
    Lots(agents.iter().map(|agent| agent.tokens.0).sum())
}
