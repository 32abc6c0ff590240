//! A simulation step by step, in units.

mod driver;

use numpy::{PyArray1, ToPyArray};
use pyo3::prelude::*;
use rust_decimal::Decimal;

use self::driver::{Driver, Phase};
use super::book::Units;
use super::convert::{self, order_id, order_side, refuse, resting_side, shown};
use super::errors::{self, OrderError, PerpcoreError};
use super::interrupt::interruptible;
use super::run::{Failed, RunResult, result};
use super::table::{Table, table};
use crate::agents::Scene;
use crate::book::TimeInForce;
use crate::engine::{self, Recorder, Refusal, StopReason, Submission};
use crate::error::Reject;
use crate::event::Market;
use crate::results;
use crate::units::{Lots, Quote, Rate, Side, Ticks};
use crate::world::Template;
use crate::world::agents::{desk_account, venue_account};

/// Id if it rests, filled, remaining, and (price, qty, maker) of each fill.
type Sent = (Option<u64>, f64, f64, Vec<(f64, f64, u32)>);
/// Prices and quantities.
type Columns<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);
/// Position, tokens, balance, equity, profit.
type Inventory = (f64, f64, f64, f64, f64);

/// Of an order to cancel.
const RESTING: &str = "an order that rests (it may be filled or cancelled)";
/// Levels of a side that are listed at most.
const MAX_LEVELS: usize = 1_000_000;

/// A run through time that goes on when it is told to.
#[pyclass(module = "perpcore._core")]
pub struct Simulation {
    driver: Driver,
    spot: Units,
    perp: Units,
}

#[pymethods]
impl Simulation {
    /// At the start of its time. `grids` are tick and lot size of spot, then of the perpetual; `elsewhere` the numbers of the
    /// agents whose turns are taken in Python.
    #[new]
    #[pyo3(signature = (scenario, *, seed, path, grids, elsewhere))]
    fn new(
        py: Python<'_>,
        scenario: &str,
        seed: u64,
        path: u64,
        grids: [(Bound<'_, PyAny>, Bound<'_, PyAny>); 2],
        elsewhere: Vec<usize>,
    ) -> PyResult<Simulation> {
        let [spot, perp] = grids;
        let built = interruptible(py, |stop| {
            let world = Template::read_until(scenario, stop).and_then(|template| template.world(seed, path));
            let world = world.map_err(Failed::Scenario)?;
            let elsewhere = (0..world.agents.len()).map(|number| elsewhere.contains(&number)).collect();
            let simulation = engine::Simulation::new(&world, seed, path, Recorder::default());
            simulation.and_then(|simulation| Driver::new(simulation, elsewhere)).map_err(Failed::Run)
        })?;
        let driver = built.map_err(|failed| failed.raise(py))?;
        let (spot, perp) = (Units::read(&spot.0, &spot.1)?, Units::read(&perp.0, &perp.1)?);
        Ok(Simulation { driver, spot, perp })
    }

    /// The turn that was told begins.
    fn turn_begins(&mut self) {
        self.driver.turn = None;
    }

    /// Goes on for so many steps at most: how many ended, and which agent's turn it is now.
    fn advance(&mut self, py: Python<'_>, steps: u64) -> PyResult<(u64, Option<usize>)> {
        self.driver.advance(py, steps)
    }

    /// Sends an order for an agent; between steps the next one begins with it.
    #[pyo3(signature = (agent, market, side, qty, price, tif))]
    #[allow(clippy::too_many_arguments)] // as of an order
    fn submit(
        &mut self,
        py: Python<'_>,
        agent: usize,
        market: &str,
        side: &str,
        qty: &Bound<'_, PyAny>,
        price: Option<Bound<'_, PyAny>>,
        tif: &str,
    ) -> PyResult<Sent> {
        let market = self::market(market)?;
        let units = self.units(market);
        let order = Submission {
            market,
            side: order_side(side)?,
            qty: units.lots("qty", qty)?,
            price: price.map(|price| units.ticks("price", &price)).transpose()?,
            tif: self::tif(tif)?,
        };
        if order.price.is_none() && order.tif == TimeInForce::PostOnly {
            return Err(refuse("tif", format!("{tif:?}"), "\"post_only\" only with a price"));
        }
        self.check_window(agent)?;
        let before = self.driver.simulation.trace().trades.len();
        let submitted = self.driver.submit(py, agent, order)?;
        let submitted = submitted.map_err(|refusal| self.refused(agent, &order, refusal))?;
        if let Some(resting) = submitted.resting {
            self.driver.orders.push((agent, resting));
        }
        let units = self.units(market);
        let trades = &self.driver.simulation.trace().trades[before..];
        // What the push did, where it came with the step, is no fill of this order.
        let owner = if market == Market::Spot { desk_account(agent) } else { venue_account(agent) };
        let own = trades.iter().map(|(_, trade)| trade).filter(|trade| trade.taker == owner);
        let fills = own.map(|t| (units.price(t.price), units.qty(t.qty), t.maker.0)).collect();
        let id = submitted.resting.map(|_| self.driver.orders.len() as u64);
        let left = Lots(order.qty.0 - submitted.filled.0);
        Ok((id, units.qty(submitted.filled), units.qty(left), fills))
    }

    /// Cancels an order of an agent, or of any; what was left of it.
    #[pyo3(signature = (agent, id))]
    fn cancel(
        &mut self,
        py: Python<'_>,
        agent: Option<usize>,
        #[pyo3(from_py_with = order_id)] id: u64,
    ) -> PyResult<f64> {
        self.driver.check()?;
        let place = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
        let found = place.and_then(|place| self.driver.orders.get(place)).copied();
        let (owner, resting) = found.ok_or_else(|| refuse("id", id, RESTING))?;
        if let Some(agent) = agent.filter(|&agent| agent != owner) {
            let allowed = format!("an order of {}, this one is of {}", self.name(agent), self.name(owner));
            return Err(refuse("id", id, &allowed));
        }
        let left = self.driver.withdraw(py, owner, &resting)?.map_err(|_| refuse("id", id, RESTING))?;
        Ok(self.units(resting.market).qty(left))
    }

    /// Ends it where it is: positions are closed if the venue does so after the run.
    fn finish(&mut self, py: Python<'_>) -> PyResult<()> {
        self.driver.finish(py)
    }

    /// The run so far.
    fn result(&self, py: Python<'_>) -> PyResult<RunResult> {
        let reason = match self.driver.phase {
            Phase::Over(reason) => reason,
            _ => StopReason::Unfinished,
        };
        let simulation = &self.driver.simulation;
        let run = py.detach(|| result(simulation, reason, simulation.trace().clone()));
        run.map_err(|failed| failed.raise(py))
    }

    /// Steps that have ended, steps there are, and whether one is under way.
    #[getter]
    fn steps(&self) -> (u64, u64, bool) {
        let simulation = &self.driver.simulation;
        let open = matches!(self.driver.phase, Phase::Open { .. } | Phase::Broken(_));
        let count = simulation.world().steps.map_or(0, |steps| steps.count);
        (simulation.clock() - u64::from(open), count, open)
    }

    /// Why it is over, if it is.
    #[getter]
    fn stop_reason(&self) -> Option<&'static str> {
        if let Phase::Over(reason) = self.driver.phase { Some(reason.name()) } else { None }
    }

    /// The mark price.
    #[getter]
    fn mark(&self) -> f64 {
        self.perp.price(self.driver.simulation.mark())
    }

    /// The index price of the last round.
    #[getter]
    fn index(&self) -> f64 {
        self.spot.price(self.driver.simulation.index())
    }

    /// Last trade of the perpetual less that of spot.
    #[getter]
    fn basis(&self) -> PyResult<f64> {
        let simulation = &self.driver.simulation;
        let (n, d) = simulation.world().conversion.tick;
        let spot = Ticks::nearest(i128::from(simulation.spot_last().0) * n, d);
        let basis = spot.and_then(|spot| simulation.perp_last().minus(spot));
        basis.map(|basis| self.perp.price(basis)).map_err(|_| PerpcoreError::new_err("basis does not fit"))
    }

    /// The rate that was paid last.
    #[getter]
    fn funding_rate(&self) -> f64 {
        RATE.of(self.driver.simulation.funding_rate().0)
    }

    /// All long positions of accounts that came into being.
    #[getter]
    #[allow(clippy::cast_precision_loss)]
    fn open_interest(&self, py: Python<'_>) -> f64 {
        let positions = self.driver.simulation.positions();
        let lots: i128 = py.detach(|| positions.iter().map(|held| i128::from(held.qty.0.max(0))).sum());
        lots as f64 * self.perp.qty(Lots(1))
    }

    /// Best bid, best ask and last trade of a book.
    fn top(&self, market: &str) -> PyResult<(Option<f64>, Option<f64>, f64)> {
        let market = self::market(market)?;
        let (simulation, units) = (&self.driver.simulation, self.units(market));
        let (book, last) = match market {
            Market::Spot => (simulation.spot(), simulation.spot_last()),
            Market::Perp | Market::OffBook => (simulation.perp(), simulation.perp_last()),
        };
        let best = |side| book.best(side).map(|price| units.price(price));
        Ok((best(Side::Buy), best(Side::Sell), units.price(last)))
    }

    /// Prices and quantities of the best levels of a side of a book.
    fn depth<'py>(
        &mut self,
        py: Python<'py>,
        market: &str,
        side: &str,
        levels: &Bound<'py, PyAny>,
    ) -> PyResult<Columns<'py>> {
        let (market, side) = (self::market(market)?, resting_side(side)?);
        let count = levels.extract().ok().filter(|&count: &usize| count <= MAX_LEVELS);
        let allowed = || format!("a whole number from 0 to {MAX_LEVELS}");
        let levels = count.ok_or_else(|| refuse("levels", shown(levels), &allowed()))?;
        let rows = self.driver.guarded(py, |driver| Ok(driver.simulation.depth(market, side, levels)))?;
        let units = self.units(market);
        let prices: Vec<f64> = rows.iter().map(|&(price, _)| units.price(price)).collect();
        let sizes: Vec<f64> = rows.iter().map(|&(_, qty)| units.qty(qty)).collect();
        Ok((prices.to_pyarray(py), sizes.to_pyarray(py)))
    }

    /// The liquidations within `reach` of the mark.
    fn thresholds(&mut self, py: Python<'_>, reach: &Bound<'_, PyAny>) -> PyResult<Table> {
        let given = convert::decimal("reach", reach)?;
        if given <= Decimal::ZERO || given > Decimal::from(100) {
            return Err(refuse("reach", given, "a share of the mark above 0, at most 100"));
        }
        let billionths = (given * Decimal::from(Rate::ONE)).round();
        let reach = Rate(billionths.try_into().unwrap_or(Rate::ONE));
        if let Phase::Broken(_) = self.driver.phase {
            self.driver.check()?; // nobody may come into being any more
        }
        let ahead = self.driver.guarded(py, |driver| driver.simulation.thresholds_within(reach))?;
        table(results::thresholds(self.driver.simulation.world(), &ahead).map_err(errors::run)?)
    }

    /// Every account as it stands.
    fn accounts(&self, py: Python<'_>) -> PyResult<Table> {
        let simulation = &self.driver.simulation;
        table(py.detach(|| results::standing(simulation)).map_err(errors::run)?)
    }

    /// The market maker and every agent: what they hold and what they made.
    fn agents(&self) -> PyResult<Table> {
        table(results::inventories(&self.driver.simulation).map_err(errors::run)?)
    }

    /// Position, tokens, balance, equity and profit of an agent.
    fn inventory(&self, agent: usize) -> PyResult<Inventory> {
        let simulation = &self.driver.simulation;
        let (venue, desk) = (venue_account(agent), desk_account(agent));
        let (equity, _) = simulation.stand(venue).map_err(errors::run)?;
        let profit = simulation.agent_profit(agent).map_err(errors::run)?;
        let step = simulation.world().venue_step;
        let money = |amount: Quote| step.of(amount.0);
        Ok((
            self.perp.qty(simulation.positions()[venue.index()].qty),
            self.spot.qty(simulation.tokens()[desk.index()]),
            money(simulation.ledger().cash(venue)),
            money(equity),
            money(profit),
        ))
    }
}

impl Simulation {
    fn units(&self, market: Market) -> &Units {
        if market == Market::Spot { &self.spot } else { &self.perp }
    }

    fn name(&self, agent: usize) -> String {
        let agents = &self.driver.simulation.world().agents;
        agents.get(agent).map_or_else(|| "nobody".to_owned(), |agent| format!("{:?}", agent.name))
    }

    /// An agent acts in its time only.
    fn check_window(&self, agent: usize) -> PyResult<()> {
        self.driver.check()?;
        let simulation = &self.driver.simulation;
        let open = matches!(self.driver.phase, Phase::Open { .. });
        let step = simulation.clock() + u64::from(!open);
        let agents = &simulation.world().agents;
        let acts = agents.get(agent).is_some_and(|agent| (agent.from..agent.until).contains(&step));
        let text = || {
            let name = self.name(agent);
            format!("agent {name} does not act in step {step}: see its from_s and until_s")
        };
        if acts { Ok(()) } else { Err(OrderError::new_err(text())) }
    }

    fn refused(&self, agent: usize, order: &Submission, refusal: Refusal) -> PyErr {
        let units = self.units(order.market);
        let (qty, name) = (units.qty(order.qty), self.name(agent));
        match refusal {
            Refusal::Halted => refuse("market", "\"perp\"", "\"spot\" while the perpetual is halted"),
            Refusal::Band { limit } => {
                let (given, limit) =
                    (order.price.map_or(f64::NAN, |price| units.price(price)), units.price(limit));
                let (side, bound) = if order.side == Side::Buy { ("buy", "most") } else { ("sell", "least") };
                refuse("price", given, &format!("at {bound} {limit} to {side}, by venue.price_band"))
            }
            Refusal::Size { most } => {
                let most = units.qty(most);
                refuse("qty", qty, &format!("at most {most}, what is counted exactly with all that rests"))
            }
            Refusal::Book(reject) => {
                let price = order.price.map_or(f64::NAN, |price| units.price(price));
                match reject {
                    Reject::Price => refuse("price", price, reject.reason()),
                    Reject::WouldTrade => {
                        refuse("price", price, "one at which a post-only order trades with nobody")
                    }
                    Reject::Quantity => refuse("qty", qty, reject.reason()),
                    _ => OrderError::new_err(reject.reason()),
                }
            }
            Refusal::Margin { allowed } => {
                let allowed = units.qty(allowed);
                refuse("qty", qty, &format!("at most {allowed}, what the margin of agent {name} allows"))
            }
            Refusal::Tokens { sellable } => {
                let sellable = units.qty(sellable);
                refuse("qty", qty, &format!("at most {sellable}, the tokens agent {name} does not offer yet"))
            }
        }
    }
}

/// Billionths.
const RATE: crate::units::Unit = crate::units::Unit { numerator: 1.0, denominator: 1e9 };

fn market(text: &str) -> PyResult<Market> {
    match text {
        "spot" => Ok(Market::Spot),
        "perp" => Ok(Market::Perp),
        _ => Err(refuse("market", format!("{text:?}"), "\"spot\" or \"perp\"")),
    }
}

fn tif(text: &str) -> PyResult<TimeInForce> {
    match convert::tif(text) {
        Ok(tif) if tif != TimeInForce::PostOnlySlide => Ok(tif),
        _ => {
            let allowed = "\"gtc\", \"ioc\", \"fok\" or \"post_only\"";
            Err(refuse("tif", format!("{text:?}"), allowed))
        }
    }
}
