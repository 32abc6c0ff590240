//! Scenarios in, ensembles out.

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;

use arrow_array::ArrayRef;
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::errors;
use super::interrupt::watched;
use super::table::{Table, numpy, table};
use crate::error::ScenarioError;
use crate::monte_carlo::{
    Cells, Control, Estimate, Keep, MAX_THREADS, MonteCarloError, Plan, Rows, Statistics, Sum, Tail, run,
};
use crate::results::{COLUMNS, Column, Kind, STOP_REASONS};
use crate::world::Template;

/// Values with their lower and upper bounds.
type Estimates<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// Many finished paths of one scenario and seed.
#[pyclass(frozen, module = "perpcore._core")]
pub struct Ensemble {
    inner: crate::monte_carlo::Ensemble,
    n_threads: usize,
    error: Option<PyErr>,
}

/// How many threads this process may use; limits of a container count.
#[pyfunction]
pub fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MAX_THREADS)
}

enum Stopped {
    Scenario(ScenarioError),
    Paths(MonteCarloError),
}

/// Runs many paths of a scenario given as JSON. What interrupts it, or what `progress` raises, stands in `error`.
#[pyfunction]
#[pyo3(signature = (scenario, *, paths, seed, first_path=0, n_threads=None, keep="columns", lazy=true, progress=None))]
#[allow(clippy::too_many_arguments)]
pub fn monte_carlo(
    py: Python<'_>,
    scenario: &str,
    paths: u64,
    seed: u64,
    first_path: u64,
    n_threads: Option<usize>,
    keep: &str,
    lazy: bool,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<Ensemble> {
    let keep = match keep {
        "columns" => Keep::Columns,
        "statistics" => Keep::Statistics,
        other => {
            let mut found = ScenarioError::default();
            found.push("keep", format!("{other:?}"), "\"columns\" or \"statistics\"");
            return Err(errors::scenario(py, &found));
        }
    };
    let n_threads = n_threads.unwrap_or_else(available_threads);
    let plan = Plan { paths, first_path, seed, n_threads, keep, lazy };
    let control = Control::default();
    let work = || {
        let template = Template::read_until(scenario, &control.stop).map_err(Stopped::Scenario)?;
        run(&template, &plan, &control).map_err(Stopped::Paths)
    };
    let poll = |_: Python<'_>| match &progress {
        Some(progress) => progress.call1((control.finished.load(Ordering::Relaxed),)).map(drop),
        None => Ok(()),
    };
    let (result, error) = watched(py, &control.stop, work, poll)?;
    let inner = result.map_err(|stopped| match (stopped, &error) {
        // Before the first path.
        (Stopped::Scenario(_), Some(error)) => error.clone_ref(py),
        (Stopped::Scenario(error), None) => errors::scenario(py, &error),
        (Stopped::Paths(error), _) => errors::monte_carlo(py, &error),
    })?;
    Ok(Ensemble { inner, n_threads, error })
}

impl Ensemble {
    fn kept<T>(&self, rows: Option<T>) -> PyResult<T> {
        debug_assert!(rows.is_some() || !self.inner.has_columns());
        rows.ok_or_else(|| {
            errors::PerpcoreError::new_err(
                "only statistics were kept: keep=\"columns\" keeps every path's figures",
            )
        })
    }

    /// The column of this name that is shown so, or what there is.
    fn index(&self, name: &str, exact: bool) -> PyResult<usize> {
        let known = Column::index(name).filter(|&index| index < self.inner.all().len());
        known.filter(|&index| COLUMNS[index].shown(exact)).ok_or_else(|| {
            PyKeyError::new_err(format!("no column {name:?}; there are {:?}", self.names(exact)))
        })
    }

    fn names(&self, exact: bool) -> Vec<&'static str> {
        let shown = self.inner.all().iter().filter(|column| column.shown(exact));
        std::iter::once("path").chain(shown.map(|column| column.name)).collect()
    }

    /// The statistics of a column of numbers.
    fn numbers(&self, py: Python<'_>, name: &str) -> PyResult<(Kind, &Statistics)> {
        let is_number = |index: &usize| {
            self.inner.all().get(*index).is_some_and(|column| column.kind != Kind::StopReason)
        };
        if let Some(index) = Column::index(name).filter(is_number) {
            return Ok((COLUMNS[index].kind, py.detach(|| self.inner.statistics(index))));
        }
        let numbers = self.inner.all().iter().filter(|column| column.kind != Kind::StopReason);
        let names: Vec<&str> = numbers.map(|column| column.name).collect();
        Err(PyKeyError::new_err(format!("no column of numbers {name:?}; there are {names:?}")))
    }

    /// Each value's estimate, in units.
    fn estimates<'py>(
        py: Python<'py>,
        at: &PyReadonlyArray1<'py, f64>,
        estimate: impl Fn(f64) -> Estimate + Sync,
    ) -> PyResult<Estimates<'py>> {
        let at = at.as_slice()?;
        let found: Vec<Estimate> = py.detach(|| at.iter().map(|&x| estimate(x)).collect());
        let array = |part: fn(&Estimate) -> f64| PyArray1::from_iter(py, found.iter().map(part));
        Ok((array(|e| e.value), array(|e| e.low), array(|e| e.high)))
    }

    /// From exact units to units.
    fn in_units(&self, kind: Kind, estimate: Estimate) -> Estimate {
        let unit = self.inner.scale.unit(kind);
        estimate.map(|x| x * unit.numerator / unit.denominator)
    }
}

#[pymethods]
impl Ensemble {
    /// How many paths are finished.
    #[getter]
    fn paths(&self) -> u64 {
        self.inner.paths
    }

    /// Whether all paths asked for are.
    #[getter]
    fn complete(&self) -> bool {
        self.inner.complete
    }

    /// What stopped it.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.error.as_ref().map(|error| error.value(py).clone().into_any())
    }

    /// How many threads it could use.
    #[getter]
    fn n_threads(&self) -> usize {
        self.n_threads
    }

    /// The seed of all paths.
    #[getter]
    fn seed(&self) -> u64 {
        self.inner.seed
    }

    /// The number of the first path asked for.
    #[getter]
    fn first_path(&self) -> u64 {
        self.inner.first_path
    }

    /// Whether every path's figures were kept.
    #[getter]
    fn has_columns(&self) -> bool {
        self.inner.has_columns()
    }

    /// Names of the columns in units, in order.
    #[getter]
    fn column_names(&self) -> Vec<&'static str> {
        self.names(false)
    }

    /// A column: a numpy array, or for the reasons of stopping a pair of codes and names.
    #[pyo3(signature = (name, *, exact=false))]
    fn column<'py>(slf: &Bound<'py, Self>, name: &str, exact: bool) -> PyResult<Bound<'py, PyAny>> {
        let (this, owner) = (slf.get(), slf.clone().into_any());
        if name == "path" {
            return numpy(owner, this.kept(this.inner.path())?);
        }
        let index = this.index(name, exact)?;
        let find = || if exact { this.inner.exact(index) } else { this.inner.units(index) };
        let column: &ArrayRef = this.kept(slf.py().detach(find))?;
        let array = numpy(owner, column)?;
        match COLUMNS[index].kind {
            Kind::YesNo => array.call_method1("view", ("bool",)),
            Kind::StopReason => Ok((array, STOP_REASONS.to_vec()).into_pyobject(slf.py())?.into_any()),
            _ => Ok(array),
        }
    }

    /// All columns, in units or in integers.
    #[pyo3(signature = (*, exact=false))]
    fn table(&self, py: Python<'_>, exact: bool) -> PyResult<Table> {
        table(self.kept(py.detach(|| self.inner.table(exact)))?)
    }

    /// Count, missing, mean, variance, standard error, smallest and largest of a column, in units.
    fn moments<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyDict>> {
        let (kind, statistics) = self.numbers(py, name)?;
        let unit = self.inner.scale.unit(kind);
        let size = unit.numerator / unit.denominator;
        let end = |x: i64| if statistics.count == 0 { f64::NAN } else { unit.of(x) };
        let dict = PyDict::new(py);
        dict.set_item("count", statistics.count)?;
        dict.set_item("missing", statistics.missing)?;
        dict.set_item("mean", statistics.mean() * unit.numerator / unit.denominator)?;
        dict.set_item("variance", statistics.variance() * size * size)?;
        dict.set_item("standard_error", statistics.standard_error() * size)?;
        dict.set_item("min", end(statistics.min))?;
        dict.set_item("max", end(statistics.max))?;
        Ok(dict)
    }

    /// The mean with its interval: value, low, high.
    fn mean(&self, py: Python<'_>, name: &str, confidence: f64) -> PyResult<(f64, f64, f64)> {
        let (kind, statistics) = self.numbers(py, name)?;
        check_confidence(confidence)?;
        let found = self.in_units(kind, statistics.mean_within(confidence));
        Ok((found.value, found.low, found.high))
    }

    /// Quantiles with their intervals.
    fn quantiles<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        q: PyReadonlyArray1<'py, f64>,
        confidence: f64,
    ) -> PyResult<Estimates<'py>> {
        let (kind, statistics) = self.numbers(py, name)?;
        check_all(&q, confidence)?;
        Ensemble::estimates(py, &q, |q| self.in_units(kind, statistics.quantile(q, confidence)))
    }

    /// Shares of paths above thresholds in units, with their intervals.
    fn exceedance<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        x: PyReadonlyArray1<'py, f64>,
        confidence: f64,
    ) -> PyResult<Estimates<'py>> {
        let (kind, statistics) = self.numbers(py, name)?;
        check_confidence(confidence)?;
        if x.as_slice()?.iter().any(|x| x.is_nan()) {
            return Err(PyValueError::new_err("x: a threshold is not a number"));
        }
        let scale = &self.inner.scale;
        Ensemble::estimates(py, &x, |x| statistics.exceedance(scale.floor(kind, x), confidence))
    }

    /// Means of tails beyond quantiles, with their intervals; `tail` is `upper` or `lower`.
    fn tail_expectation<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        q: PyReadonlyArray1<'py, f64>,
        tail: &str,
        confidence: f64,
    ) -> PyResult<Estimates<'py>> {
        let (kind, statistics) = self.numbers(py, name)?;
        check_all(&q, confidence)?;
        let tail = match tail {
            "upper" => Tail::Upper,
            "lower" => Tail::Lower,
            other => {
                return Err(PyValueError::new_err(format!("tail: {other:?} is neither 'upper' nor 'lower'")));
            }
        };
        Ensemble::estimates(py, &q, |q| self.in_units(kind, statistics.tail_expectation(q, tail, confidence)))
    }

    /// How many paths stopped for which reason.
    fn stop_reasons<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        let found = Column::index("stop_reason").map(|index| py.detach(|| self.inner.statistics(index)));
        for bucket in found.into_iter().flat_map(|statistics| statistics.histogram.buckets()) {
            let name = usize::try_from(bucket.min).ok().and_then(|code| STOP_REASONS.get(code));
            dict.set_item(name, bucket.count)?;
        }
        Ok(dict)
    }

    /// As bytes, with or without the statistics of its columns.
    #[pyo3(signature = (*, statistics=true))]
    fn dump<'py>(&self, py: Python<'py>, statistics: bool) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.inner.dump(statistics)))
    }

    /// An ensemble again: of dumped statistics, or of the exact columns of its rows.
    #[staticmethod]
    #[pyo3(signature = (dump, columns=None, *, n_threads=1))]
    fn load(
        py: Python<'_>,
        dump: &[u8],
        columns: Option<Vec<Bound<'_, PyAny>>>,
        n_threads: usize,
    ) -> PyResult<Ensemble> {
        let cells = |columns: Vec<_>| columns.iter().map(cells).collect::<PyResult<_>>();
        let rows = columns.map(cells).transpose()?.map(|columns| Rows { columns });
        let inner = py.detach(|| crate::monte_carlo::Ensemble::load(dump, rows)).map_err(errors::dump)?;
        Ok(Ensemble { inner, n_threads, error: None })
    }

    /// The exact columns of its rows, as `load` takes them; `None` stands for a quotient.
    fn rows<'py>(slf: &Bound<'py, Self>) -> PyResult<Vec<Option<Bound<'py, PyAny>>>> {
        let (this, owner) = (slf.get(), slf.clone().into_any());
        this.kept(this.inner.path())?;
        let exact = (0..this.inner.all().len()).map(|index| this.inner.exact(index));
        exact.map(|column| column.map(|column| numpy(owner.clone(), column)).transpose()).collect()
    }

    /// Disjoint parts added up, from the bytes of each; in any order.
    #[staticmethod]
    #[pyo3(signature = (dumps, *, n_threads=1))]
    fn merge(py: Python<'_>, dumps: &Bound<'_, PyAny>, n_threads: usize) -> PyResult<Ensemble> {
        let mut sum = Sum::default();
        for dump in dumps.try_iter()? {
            let dump = dump?;
            let bytes = dump.cast::<PyBytes>()?.as_bytes();
            py.detach(|| sum.add(bytes)).map_err(errors::dump)?;
        }
        let inner = py.detach(|| sum.finish()).map_err(errors::dump)?;
        Ok(Ensemble { inner, n_threads, error: None })
    }

    /// Of a scenario given as JSON, before any path is finished.
    #[staticmethod]
    fn nothing(py: Python<'_>, scenario: &str, seed: u64, first_path: u64) -> PyResult<Ensemble> {
        let read = Template::read(scenario).map_err(|error| errors::scenario(py, &error))?;
        let inner = crate::monte_carlo::Ensemble::nothing(&read, seed, first_path);
        Ok(Ensemble { inner, n_threads: 1, error: None })
    }

    /// A hash of the exact rows, the same for any number of threads and either `keep`.
    fn hash(&self) -> u64 {
        self.inner.hash
    }
}

/// The integers of a column.
fn cells(column: &Bound<'_, PyAny>) -> PyResult<Cells> {
    if column.is_none() {
        return Ok(Cells::Derived);
    }
    if let Ok(codes) = column.extract::<PyReadonlyArray1<'_, u8>>() {
        return Ok(Cells::Narrow(codes.as_slice()?.to_vec()));
    }
    Ok(Cells::Wide(column.extract::<PyReadonlyArray1<'_, i64>>()?.as_slice()?.to_vec()))
}

fn check(name: &str, value: f64, fits: bool) -> PyResult<()> {
    let refusal = || PyValueError::new_err(format!("{name}: {value} is not allowed: from 0 to 1"));
    if fits { Ok(()) } else { Err(refusal()) }
}

/// A confidence of one has no interval.
fn check_confidence(confidence: f64) -> PyResult<()> {
    check("confidence", confidence, (0.0..1.0).contains(&confidence))
}

fn check_all(q: &PyReadonlyArray1<'_, f64>, confidence: f64) -> PyResult<()> {
    check_confidence(confidence)?;
    q.as_slice()?.iter().try_for_each(|&q| check("q", q, (0.0..=1.0).contains(&q)))
}
