//! The reference ensemble, as `perpcore.presets.reference` has it.

use perpcore::engine::{Simulation, Trace};
use perpcore::world::Template;

/// Accounts of the reference ensemble.
pub const ACCOUNTS: u32 = 1_000;

/// With this smallest size in dollars; `requote`: quoted anew in every round instead of resting; `idle`: so many more
/// accounts, of so little leverage that no price gets there.
pub fn reference(smallest_size: &str, requote: bool, idle: u32) -> Template {
    let noise = r#"{"dist": "uniform", "low": "0.5", "high": "1.5"}"#;
    let asks = |depth| format!(r#""asks": {{"kind": "linear", "depth": "{depth}", "noise": {noise}}}"#);
    let market = r#""tick_size": "0.01", "lot_size": "0.01""#;
    let quote = r#", "quote": {"side": "asks", "levels": 400, "level_qty": {"dist": "uniform", "low": "300", "high": "900"}}"#;
    let (perp, quote) = if requote { (String::new(), quote) } else { (format!(", {}", asks(60_000)), "") };
    let mut positions = shorts(ACCOUNTS, smallest_size, ["3", "25"]);
    if idle > 0 {
        positions = format!("{positions}, {}", shorts(idle, smallest_size, ["1", "1.1"]));
    }
    let json = format!(
        r#"{{"schema_version": 1, "start_price": "10", "total_supply": "1000000000", "circulating": "1000000000",
        "spot": {{{market}, {spot}}}, "perp": {{{market}{perp}}},
        "venue": {{"insurance_fund": "1000000",
            "tiers": [{{"min_notional": "0", "maintenance_rate": "0.01", "max_leverage": "50"}}]}},
        "market_maker": {{"capital": "100000000", "hedge_ratio": "1"{quote}}},
        "positions": [{positions}],
        "ignition": {{"qty": {{"dist": "uniform", "low": "10000", "high": "30000"}}}}}}"#,
        spot = asks(20_000),
    );
    Template::read(&json).unwrap_or_else(|error| panic!("{error}"))
}

fn shorts(accounts: u32, smallest_size: &str, [low, high]: [&str; 2]) -> String {
    format!(
        r#"{{"kind": "distribution", "side": "short", "accounts": "{accounts}",
        "entry_price": {{"dist": "trapezoid", "a": "9.5", "b": "10", "c": "10.5", "d": "11"}},
        "leverage": {{"dist": "uniform", "low": "{low}", "high": "{high}"}},
        "notional": {{"dist": "pareto", "low": "{smallest_size}", "alpha": "1.6666666666666667"}}}}"#
    )
}

/// What the paths came to.
#[derive(Default)]
pub struct Counted {
    /// Paths run.
    pub paths: u64,
    /// Accounts liquidated, in all of them.
    pub liquidations: u64,
    fills: u64,
    rounds: u64,
    price: i64,
}

impl Counted {
    /// Runs one more path.
    pub fn add<T: Trace>(&mut self, template: &Template, simulation: &mut Simulation<'_, T>, path: u64) {
        simulation.restart_as(template, path).expect("a fresh path");
        let reason = simulation.run().expect("a run to its end");
        let summary = simulation.summary(reason).expect("a summary");
        self.paths += 1;
        self.liquidations += summary.totals.liquidated_accounts;
        self.fills += simulation.fills();
        self.rounds += summary.rounds;
        self.price += summary.final_price.0;
    }

    /// Means a path.
    pub fn json(&self, ns: f64) -> String {
        let mean = |x: f64| x / self.paths as f64;
        format!(
            r#"{{"ns_per_path": {ns:.1}, "liquidations": {:.4}, "fills": {:.4}, "rounds": {:.4}, "final_price": {:.4}}}"#,
            mean(self.liquidations as f64),
            mean(self.fills as f64),
            mean(self.rounds as f64),
            mean(self.price as f64 / 100.0)
        )
    }
}
