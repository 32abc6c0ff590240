//! Scenarios in, runs out.

use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::errors;
use super::interrupt::interruptible;
use super::table::{Table, table};
use crate::engine::{Keep, Recorder, Simulation, StopReason, Summary};
use crate::error::{RunError, ScenarioError};
use crate::results::{self, Value};
use crate::world::{self, Template, World};

/// A traced run.
#[pyclass(frozen, module = "perpcore._core")]
pub struct RunResult {
    world: World,
    recorder: Recorder,
    summary: Summary,
    accounts: [RecordBatch; 2],
}

/// Levels of a side that are listed at most.
const MAX_LEVELS: usize = 1_000_000;

/// What can go wrong between a scenario and its tables.
pub enum Failed {
    Scenario(ScenarioError),
    Run(RunError),
    Table(ArrowError),
}

impl Failed {
    /// As Python has it.
    pub fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            Failed::Scenario(error) => errors::scenario(py, &error),
            Failed::Run(error) => errors::run(error),
            Failed::Table(error) => errors::PerpcoreError::new_err(error.to_string()),
        }
    }
}

fn simulate(
    json: &str,
    seed: u64,
    path: u64,
    lazy: bool,
    keep: Keep,
    interrupt: &AtomicBool,
) -> Result<RunResult, Failed> {
    let world = Template::read_until(json, interrupt).and_then(|template| template.world(seed, path));
    let world = world.map_err(Failed::Scenario)?;
    if interrupt.load(Ordering::Relaxed) {
        return Err(Failed::Run(RunError::Interrupted));
    }
    let mut simulation = Simulation::new(&world, seed, path, Recorder { keep, ..Recorder::default() })
        .map_err(Failed::Run)?
        .interrupted_by(interrupt);
    if !lazy {
        simulation = simulation.eager().map_err(Failed::Run)?;
    }
    let reason = simulation.run().map_err(Failed::Run)?;
    let recorder = std::mem::take(simulation.trace_mut());
    result(&simulation, reason, recorder)
}

/// What a simulation has come to, with what was recorded of it.
pub fn result(
    simulation: &Simulation<'_, Recorder>,
    reason: StopReason,
    recorder: Recorder,
) -> Result<RunResult, Failed> {
    let world = simulation.world().clone();
    let summary = simulation.summary(reason).map_err(Failed::Run)?;
    let accounts = |exact| results::accounts(&world, simulation, exact).map_err(Failed::Table);
    let accounts = [accounts(false)?, accounts(true)?];
    Ok(RunResult { world, recorder, summary, accounts })
}

/// Checks a scenario given as JSON; raises `ScenarioError` with all its problems.
#[pyfunction]
pub fn check(py: Python<'_>, scenario: &str) -> PyResult<()> {
    let read = interruptible(py, |stop| Template::read_until(scenario, stop).map(drop))?;
    read.map_err(|error| errors::scenario(py, &error))
}

/// Checks a venue given as JSON, without a scenario; raises `ScenarioError` with all its problems.
#[pyfunction]
pub fn check_venue(py: Python<'_>, venue: &str) -> PyResult<()> {
    world::check_venue(venue).map_err(|error| errors::scenario(py, &error))
}

/// Runs one path of a scenario given as JSON and keeps of it "everything", "liquidations" or "samples"; the whole world
/// is drawn first unless `lazy`.
#[pyfunction]
#[pyo3(signature = (scenario, *, seed, path=0, lazy=true, keep="everything"))]
pub fn run(
    py: Python<'_>,
    scenario: &str,
    seed: u64,
    path: u64,
    lazy: bool,
    keep: &str,
) -> PyResult<RunResult> {
    let keep = match keep {
        "everything" => Keep::Everything,
        "liquidations" => Keep::Liquidations,
        "samples" => Keep::Samples,
        other => return Err(PyValueError::new_err(format!("keep: {other:?}"))),
    };
    let result = interruptible(py, |flag| simulate(scenario, seed, path, lazy, keep, flag))?;
    result.map_err(|failed| failed.raise(py))
}

/// What rests in both books of a path before the ignition, up to `levels` a side.
#[pyfunction]
#[pyo3(signature = (scenario, *, levels, seed=0, path=0, exact=false))]
pub fn depth(
    py: Python<'_>,
    scenario: &str,
    levels: usize,
    seed: u64,
    path: u64,
    exact: bool,
) -> PyResult<Table> {
    if !(1..=MAX_LEVELS).contains(&levels) {
        let mut found = ScenarioError::default();
        found.push("levels", levels, format!("from 1 to {MAX_LEVELS}"));
        return Err(errors::scenario(py, &found));
    }
    let batch = interruptible(py, |stop| {
        let world = Template::read_until(scenario, stop).and_then(|template| template.world(seed, path));
        let world = world.map_err(Failed::Scenario)?;
        let mut simulation = Simulation::new(&world, seed, path, ()).map_err(Failed::Run)?;
        let rows = simulation.start_depth(levels).map_err(Failed::Run)?;
        results::depth(&world, &rows, exact).map_err(Failed::Table)
    })?;
    batch.map(|batch| Table { batch }).map_err(|failed| failed.raise(py))
}

#[pymethods]
impl RunResult {
    /// One of `fills`, `liquidations`, `adl`, `stages`, `ledger`, `accounts`, `series`, `agents`, `heat_map`; in integers if
    /// `exact`.
    #[pyo3(signature = (name, *, exact=false))]
    fn table(&self, py: Python<'_>, name: &str, exact: bool) -> PyResult<Table> {
        let (world, recorder) = (&self.world, &self.recorder);
        table(py.detach(|| match name {
            "fills" => results::fills(world, recorder, exact),
            "liquidations" => results::liquidations(world, recorder, exact),
            "adl" => results::adl(world, recorder, exact),
            "stages" => results::stages(world, recorder, exact),
            "ledger" => results::ledger(world, recorder, exact),
            "series" => results::series(world, recorder, exact),
            "agents" => results::agents(world, recorder, exact),
            "heat_map" => results::heat_map(world, recorder, exact),
            "accounts" => Ok(self.accounts[usize::from(exact)].clone()),
            other => Err(ArrowError::InvalidArgumentError(format!(
                "no table {other:?}: there are fills, liquidations, adl, stages, ledger, accounts, series, agents, heat_map"
            ))),
        }))
    }

    /// The summary, in units or as exact integers.
    #[pyo3(signature = (*, exact=false))]
    fn summary<'py>(&self, py: Python<'py>, exact: bool) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        let rows = if exact {
            results::exact_summary(&self.world, &self.summary)
        } else {
            results::summary(&self.world, &self.summary)
        };
        for (name, value) in rows {
            match value {
                Value::Float(x) => dict.set_item(name, x)?,
                Value::Int(x) => dict.set_item(name, x)?,
                Value::Bool(x) => dict.set_item(name, x)?,
                Value::Name(x) => dict.set_item(name, x)?,
            }
        }
        Ok(dict)
    }
}
