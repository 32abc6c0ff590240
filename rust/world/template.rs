//! A scenario with distributions in place of numbers: the worlds of its paths.

use std::sync::atomic::AtomicBool;

use rust_decimal::Decimal;
use serde_json::Value;

use super::World;
use super::check::{Check, double};
use super::grid::{COIN_STEP, quote_step, values};
use super::law;
use super::read;
use super::scenario::{CopulaSpec, Law};
use crate::error::{Problem, ScenarioError};
use crate::random::{Copula, Distribution, DistributionSpec, Stream, name_index, open_unit};
use crate::units::{Lots, Quote, Rate};

/// The stream that numbers of a scenario are drawn from.
const SCALARS: u64 = 0;

/// What all paths of a scenario have in common.
#[derive(Debug)]
pub struct Template {
    /// Every distribution at its median.
    world: World,
    /// The same as it is written down.
    written: Value,
    scalars: Vec<Scalar>,
    copula: Option<(Vec<usize>, Copula)>,
}

/// A number that is drawn once per path.
#[derive(Debug)]
struct Scalar {
    field: String,
    law: Distribution,
    unit: Decimal,
    whole: bool,
    index: u64,
    target: Target,
}

/// What a new value takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Ignition,
    HedgeRatio,
    Capital,
    InsuranceFund,
    /// Another world.
    Rebuild,
}

/// A scenario in which no number is drawn.
impl From<World> for Template {
    fn from(world: World) -> Template {
        Template { world, written: Value::Null, scalars: Vec::new(), copula: None }
    }
}

impl Template {
    /// Reads a scenario in JSON and checks it, its distributions at both ends: everything wrong with it at once.
    pub fn read(json: &str) -> Result<Template, ScenarioError> {
        Template::read_until(json, &AtomicBool::new(false))
    }

    /// The same, given up with some error soon after `stop` is set.
    pub fn read_until(json: &str, stop: &AtomicBool) -> Result<Template, ScenarioError> {
        let mut written: Value = read::parse(json)?;
        let check = &mut Check::default();
        let mut laws = Vec::new();
        take_laws(check, &mut written, "", &mut laws);
        std::mem::take(&mut check.found).into_result()?;
        let grids = Grids::of(&written);
        let mut scalars = Vec::new();
        for (field, spec) in laws {
            let law = law::read(check, &field, &Law::Drawn(spec));
            let Some((unit, whole)) = grids.unit(&field).filter(|_| law.is_some()) else {
                check.require(law.is_none(), &field, "a distribution", "a number");
                continue;
            };
            let (index, target) = (name_index(&field), target(&field, &written));
            scalars.extend(law.map(|law| Scalar { field, law, unit, whole, index, target }));
        }
        for scalar in &scalars {
            scalar.write(&mut written, scalar.count(scalar.law.quantile(0.5)));
        }
        std::mem::take(&mut check.found).into_result()?;
        let scenario = read::scenario(&written)?;
        let world = World::build_until(&scenario, stop).map_err(|error| in_words_of(&scalars, error))?;
        let copula = scenario.copula.as_ref().and_then(|spec| copula(check, spec, &scalars));
        std::mem::take(&mut check.found).into_result()?;
        let template = Template { world, written, scalars, copula };
        template.check_ends(stop)?;
        Ok(template)
    }

    /// Every distribution at its median.
    pub fn median(&self) -> &World {
        &self.world
    }

    /// The world of one path.
    pub fn world(&self, seed: u64, path: u64) -> Result<World, ScenarioError> {
        match self.rebuilt(seed, path)? {
            Some(world) => Ok(world),
            None => {
                let mut world = self.world.clone();
                self.draw_into(&mut world, seed, path);
                Ok(world)
            }
        }
    }

    /// The world of one path, if it takes another than that of the last path; if not, [`draw_into`](Self::draw_into) does.
    pub fn rebuilt(&self, seed: u64, path: u64) -> Result<Option<World>, ScenarioError> {
        if self.scalars.iter().all(|scalar| scalar.target != Target::Rebuild) {
            return Ok(None);
        }
        let mut written = self.written.clone();
        self.draw(seed, path, |scalar, count| scalar.write(&mut written, count));
        World::build(&read::scenario(&written)?).map(Some)
    }

    /// Writes what is drawn for a path into the world of another one.
    pub fn draw_into(&self, world: &mut World, seed: u64, path: u64) {
        self.draw(seed, path, |scalar, count| match scalar.target {
            Target::Ignition => world.ignition.1 = Lots(count),
            Target::HedgeRatio => world.maker.hedge_ratio = Rate(count),
            Target::Capital => world.maker.capital = Quote(count),
            Target::InsuranceFund => world.venue.insurance_fund = Quote(count),
            Target::Rebuild => {}
        });
    }

    fn draw(&self, seed: u64, path: u64, mut each: impl FnMut(&Scalar, i64)) {
        let stream = Stream::new(seed, path, SCALARS);
        let uniform = |scalar: &Scalar| open_unit(stream.block(scalar.index)[0]);
        let Some((fields, copula)) = &self.copula else {
            for scalar in &self.scalars {
                each(scalar, scalar.count(scalar.law.quantile(uniform(scalar))));
            }
            return;
        };
        let mut all: Vec<f64> = self.scalars.iter().map(uniform).collect();
        let mut joint: Vec<f64> = fields.iter().map(|&i| all[i]).collect();
        copula.correlate(&mut joint);
        for (&i, u) in fields.iter().zip(joint) {
            all[i] = u;
        }
        for (scalar, u) in self.scalars.iter().zip(all) {
            each(scalar, scalar.count(scalar.law.quantile(u)));
        }
    }

    /// Builds the world with each distribution at either end, and with all of them there.
    fn check_ends(&self, stop: &AtomicBool) -> Result<(), ScenarioError> {
        if self.scalars.is_empty() {
            return Ok(());
        }
        let mut found = ScenarioError::default();
        for scalar in &self.scalars {
            let (low, high) = scalar.law.support();
            if low.is_finite() && high.is_finite() {
                continue;
            }
            let range = format!("a distribution from {low} to {high}");
            found.push(&scalar.field, range, "a finite range: low and high cut a distribution off");
        }
        std::mem::take(&mut found).into_result()?;
        let alone = self.scalars.iter().flat_map(|scalar| {
            let (low, high) = scalar.law.support();
            [vec![(scalar, low)], vec![(scalar, high)]]
        });
        let lows = self.scalars.iter().map(|scalar| (scalar, scalar.law.support().0)).collect();
        let highs = self.scalars.iter().map(|scalar| (scalar, scalar.law.support().1)).collect();
        for ends in alone.chain([lows, highs]) {
            let mut written = self.written.clone();
            for &(scalar, end) in &ends {
                scalar.write(&mut written, scalar.count(end));
            }
            let built = read::scenario(&written).and_then(|scenario| World::build_until(&scenario, stop));
            for Problem { field, value, allowed } in
                built.err().into_iter().flat_map(|error| in_words_of(&self.scalars, error).problems)
            {
                found.push(field, value, allowed);
            }
        }
        found.into_result()
    }
}

/// Where a distribution stands, it is named and not the value that was tried.
fn in_words_of(scalars: &[Scalar], mut error: ScenarioError) -> ScenarioError {
    for problem in &mut error.problems {
        if let Some(scalar) = scalars.iter().find(|scalar| scalar.field == problem.field) {
            let (low, high) = scalar.law.support();
            problem.value = format!("a distribution from {low} to {high}");
        }
    }
    error
}

impl Scalar {
    /// A value in whole units.
    #[allow(clippy::cast_possible_truncation)]
    fn count(&self, value: f64) -> i64 {
        (value / double(self.unit) + 0.5).floor() as i64
    }

    /// Puts a value where the distribution stood.
    fn write(&self, written: &mut Value, count: i64) {
        let value = if self.whole {
            Value::from(count)
        } else {
            Value::from((Decimal::from(count) * self.unit).normalize().to_string())
        };
        let pointer = format!("/{}", self.field.replace(['.', '['], "/").replace(']', ""));
        if let Some(place) = written.pointer_mut(&pointer) {
            *place = value;
        }
    }
}

/// Takes out the distributions that stand for numbers; laws of levels and accounts stay.
fn take_laws(check: &mut Check, value: &mut Value, at: &str, out: &mut Vec<(String, DistributionSpec)>) {
    let inner = |key: &str| if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    match value {
        Value::Object(fields) if fields.contains_key("dist") => {
            match read::part(at, value) {
                Ok(spec) => out.push((at.to_owned(), spec)),
                Err(error) => check.found.problems.extend(error.problems),
            }
            *value = Value::from("1");
        }
        Value::Object(fields) => {
            let kind = fields.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
            for (key, value) in fields {
                if !is_law(at, &kind, key) {
                    take_laws(check, value, &inner(key), out);
                }
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                take_laws(check, item, &format!("{at}[{i}]"), out);
            }
        }
        _ => {}
    }
}

/// Whether a field of what stands at `at` is drawn for each level, account or order, and not once.
fn is_law(at: &str, kind: &str, key: &str) -> bool {
    match kind {
        "noise" => key == "qty",
        "short_crowd" => matches!(key, "qty" | "leverage" | "hold_s"),
        "distribution" => matches!(key, "entry_price" | "leverage" | "notional"),
        // Other agents have numbers where markets have laws.
        _ => !at.starts_with("agents[") && matches!(key, "noise" | "order_qty" | "level_qty"),
    }
}

/// The market that an agent's quantities and prices are of, a whale's longs apart.
fn market_of(agent: &Value) -> usize {
    let named = |market| agent.get("market").and_then(Value::as_str) == Some(market);
    match agent.get("kind").and_then(Value::as_str) {
        Some("holders" | "spot_market_maker" | "whale") => 0,
        Some("noise" | "momentum" | "liquidation_hunter") if named("spot") => 0,
        _ => 1,
    }
}

/// What a new value of a field takes.
fn target(field: &str, written: &Value) -> Target {
    let sells = written.pointer("/ignition/side").is_some_and(|side| side == "sell");
    match field {
        // What a seller of spot sells is missing in the books.
        "ignition.qty" if !sells => Target::Ignition,
        "market_maker.hedge_ratio" => Target::HedgeRatio,
        "market_maker.capital" => Target::Capital,
        "venue.insurance_fund" => Target::InsuranceFund,
        _ => Target::Rebuild,
    }
}

/// Ticks and lots of both markets, as far as they are written.
struct Grids {
    tick: [Decimal; 2],
    lot: [Decimal; 2],
    pushed: usize,
    /// The market of each agent.
    agents: Vec<usize>,
    inverse: bool,
}

impl Grids {
    fn of(written: &Value) -> Grids {
        let size = |pointer: &str| {
            let text = written.pointer(pointer).and_then(Value::as_str);
            let fits = |size: &Decimal| *size > Decimal::ZERO && size.scale() <= 12;
            text.and_then(|text| text.parse().ok()).filter(fits).unwrap_or(Decimal::ONE)
        };
        Grids {
            tick: [size("/spot/tick_size"), size("/perp/tick_size")],
            lot: [size("/spot/lot_size"), size("/perp/lot_size")],
            pushed: usize::from(written.pointer("/ignition/market").is_some_and(|market| market == "perp")),
            agents: written
                .get("agents")
                .and_then(Value::as_array)
                .map(|agents| agents.iter().map(market_of).collect())
                .unwrap_or_default(),
            inverse: written.pointer("/venue/contract").is_some_and(|contract| contract == "inverse"),
        }
    }

    /// The market that a field is of.
    fn market(&self, field: &str) -> usize {
        match field {
            "ignition.qty" => self.pushed,
            "total_supply" | "circulating" | "market_maker.spot_inventory" => 0,
            _ if field.starts_with("unlocks[") || field.ends_with(".tokens") => 0,
            _ if field.contains("].longs.") => 1,
            _ => {
                let agent =
                    field.strip_prefix("agents[").and_then(|rest| rest.split(']').next()?.parse().ok());
                let other = usize::from(!field.starts_with("spot."));
                agent.map_or(other, |agent: usize| self.agents.get(agent).copied().unwrap_or(other))
            }
        }
    }

    /// The unit that a field is rounded to, and whether it is a count; `None` if it can't be drawn.
    fn unit(&self, field: &str) -> Option<(Decimal, bool)> {
        let name = field.rsplit('.').next().unwrap_or(field);
        let name = name.split('[').next().unwrap_or(name);
        let market = self.market(field);
        let grids = values([(self.tick[0], self.lot[0]), (self.tick[1], self.lot[1])], self.inverse);
        Some(match name {
            "tick_size" | "lot_size" | "schema_version" | "matrix" => return None,
            "name" | "kind" | "side" | "market" | "holder" | "long_only" | "follows_float" => return None,
            "levels" if field.ends_with(']') => return None,
            "start_price" => (self.tick[0].max(self.tick[1]), false),
            "entry_price" | "half_spread" | "level_gap" | "limit_gap" | "jitter" => {
                (self.tick[market], false)
            }
            "qty" | "lump" | "total_supply" | "circulating" | "spot_inventory" | "inventory_limit"
            | "tokens" | "order_qty" | "max_qty" | "level_qty" | "hedge_band" => (self.lot[market], false),
            "capital" | "insurance_fund" | "min_notional" if self.inverse => (COIN_STEP, false),
            "capital" | "insurance_fund" | "min_notional" | "notional" | "impact_notional" => {
                (quote_step(&grids), false)
            }
            "levels" | "orders" | "liquidations_per_round" | "max_rounds" | "samples" | "max_accounts" => {
                (Decimal::ONE, true)
            }
            "accounts" => (Decimal::ONE, false),
            _ => (Decimal::new(1, 9), false),
        })
    }
}

fn copula(check: &mut Check, spec: &CopulaSpec, scalars: &[Scalar]) -> Option<(Vec<usize>, Copula)> {
    let before = check.found.problems.len();
    let mut fields = Vec::new();
    for (i, field) in spec.fields.iter().enumerate() {
        let at = scalars.iter().position(|scalar| &scalar.field == field);
        let path = format!("copula.fields[{i}]");
        check.require(at.is_some(), &path, field, "a field that holds a distribution");
        check.require(at.is_none_or(|at| !fields.contains(&at)), &path, field, "each field once");
        let monotone = at.is_none_or(|at| scalars[at].law.is_monotone());
        check.require(monotone, &path, field, "no mixture: it has no order to correlate");
        fields.extend(at);
    }
    let rows: Vec<Vec<f64>> =
        spec.matrix.iter().map(|row| row.iter().map(|&x| double(x)).collect()).collect();
    let square = rows.len() == spec.fields.len();
    check.require(square, "copula.matrix", format!("{} rows", rows.len()), "a row for each of the fields");
    match Copula::new(&rows) {
        Ok(copula) if check.found.problems.len() == before => Some((fields, copula)),
        Ok(_) => None,
        Err(problem) => {
            let field = format!("copula.matrix{}", problem.field);
            check.found.push(field, problem.value, problem.allowed);
            None
        }
    }
}
