//! Small worlds whose prices the test itself moves: agent 0 is its hand.
//!
//! Spot has 200 tokens a tick on both sides of 10.00; the market maker quotes 10 M tokens 5 ticks around the mark, which is
//! the last trade in spot, and hedges nothing. Money is in millionths.
#![allow(dead_code)]

use perpcore::book::TimeInForce;
use perpcore::engine::{Recorder, Simulation, StopReason, Submission, Submitted, Summary, Trace};
use perpcore::event::{Cause, LedgerAccount, Market, Reason};
use perpcore::ids::AccountId;
use perpcore::random::philox;
use perpcore::units::{Lots, Quote, Side, Ticks};
use perpcore::world::{Template, World};
use serde_json::{Value, json};

pub const SEED: u64 = 11;
pub const PATH: u64 = 2;
/// One unit of money.
pub const UNIT: i64 = 1_000_000;

/// A world of so many steps of a second with the hand and these.
pub fn scenario(steps: u32, agents: &[Value]) -> Value {
    let hand = json!({"kind": "external", "name": "hand", "tokens": "150000"});
    json!({
        "schema_version": 1, "start_price": "10", "total_supply": "1000000", "circulating": "500000",
        "time": {"step_s": "1", "horizon_s": steps.to_string()},
        "spot": {"tick_size": "0.01", "lot_size": "1", "asks": {"kind": "linear", "depth": "20000"},
            "bids": {"kind": "linear", "depth": "20000"}},
        "perp": {"tick_size": "0.01", "lot_size": "1"},
        "venue": {"tiers": [{"min_notional": "0", "maintenance_rate": "0.01", "max_leverage": "200"}],
            "insurance_fund": "1000000"},
        "market_maker": {"capital": "10000000", "hedge_ratio": "0",
            "quote": {"side": "both", "half_spread": "0.05", "level_qty": "10000000"}},
        "positions": [],
        "agents": ([&[hand], agents].concat()),
    })
}

/// The same with a level a side in the perpetual, 5 ticks around the start, in place of quotes.
pub fn standing_perp(scenario: &mut Value) {
    let level = |price: &str| json!({"kind": "levels", "levels": [[price, "1000000"]]});
    scenario["perp"]["asks"] = level("10.05");
    scenario["perp"]["bids"] = level("9.95");
    scenario["market_maker"]["quote"] = Value::Null;
}

/// What the test sends in a step, for an external agent.
#[derive(Clone, Copy)]
pub struct Sent {
    pub step: u64,
    pub agent: usize,
    pub market: Market,
    /// Bought, or sold if negative.
    pub qty: i64,
    /// In ticks; none: a market order.
    pub price: Option<i64>,
}

/// A market order of the hand in spot.
pub fn push(step: u64, qty: i64) -> Sent {
    Sent { step, agent: 0, market: Market::Spot, qty, price: None }
}

/// An order of the hand in spot that rests.
pub fn offer(step: u64, qty: i64, price: i64) -> Sent {
    Sent { price: Some(price), ..push(step, qty) }
}

impl Sent {
    pub fn submission(&self) -> Submission {
        let side = if self.qty > 0 { Side::Buy } else { Side::Sell };
        let tif = if self.price.is_some() { TimeInForce::Gtc } else { TimeInForce::Ioc };
        let (qty, price) = (Lots(self.qty.abs()), self.price.map(Ticks));
        Submission { market: self.market, side, qty, price, tif }
    }
}

/// A run and what it came to.
pub struct Played {
    pub run: Simulation<'static, Recorder>,
    pub summary: Summary,
    pub answers: Vec<Submitted>,
}

pub fn world(scenario: &Value) -> World {
    let template = Template::read(&scenario.to_string()).unwrap_or_else(|error| panic!("{error}"));
    template.median().clone()
}

/// All steps; `after` looks at the world after each.
pub fn watch(
    scenario: &Value,
    sent: &[Sent],
    mut after: impl FnMut(&mut Simulation<'static, Recorder>),
) -> Played {
    let world = world(scenario);
    let mut run = Simulation::new(&world, SEED, PATH, Recorder::default()).unwrap();
    let (summary, answers) = steps(&mut run, sent, &mut after);
    let mut untraced = Simulation::new(&world, SEED, PATH + 1, ()).unwrap();
    untraced.run().unwrap();
    untraced.restart(PATH).unwrap();
    assert_eq!(steps(&mut untraced, sent, &mut |_| {}).0, summary, "untraced, in used memory");
    Played { run, summary, answers }
}

pub fn play(scenario: &Value, sent: &[Sent]) -> Played {
    watch(scenario, sent, |_| {})
}

fn steps<T: Trace>(
    run: &mut Simulation<'static, T>,
    sent: &[Sent],
    after: &mut impl FnMut(&mut Simulation<'static, T>),
) -> (Summary, Vec<Submitted>) {
    let mut answers = Vec::new();
    run.begin_time().unwrap();
    for step in 1..=run.world().steps.unwrap().count {
        run.open_step().unwrap();
        while let Some(agent) = run.act().unwrap() {
            for sent in sent.iter().filter(|sent| (sent.step, sent.agent) == (step, agent)) {
                let answer = run.submit(agent, sent.submission());
                answers.push(answer.unwrap_or_else(|error| panic!("step {step}: {error}")));
            }
        }
        run.close_step().unwrap();
        assert_eq!(run.ledger().sum(), 0);
        after(run);
    }
    (run.summary(StopReason::Horizon).unwrap(), answers)
}

impl Played {
    fn step_of(&self, round: u64) -> u64 {
        self.run.trace().stages.iter().find(|stage| stage.round == round).unwrap().clock
    }

    /// Step, signed lots and price of every fill in a market of this cause.
    pub fn fills(&self, market: Market, cause: Cause) -> Vec<(u64, i64, i64)> {
        let all = self.run.trace().trades.iter();
        let ours = all.filter(|(_, trade)| trade.market == market && trade.cause == cause);
        ours.map(|(round, trade)| {
            (self.step_of(*round), trade.taker_side.sign() * trade.qty.0, trade.price.0)
        })
        .collect()
    }

    /// Step and signed lots of all fills of a step in a market of this cause.
    pub fn traded(&self, market: Market, cause: Cause) -> Vec<(u64, i64)> {
        let mut sums: Vec<(u64, i64)> = Vec::new();
        for (step, qty, _) in self.fills(market, cause) {
            match sums.last_mut() {
                Some((last, sum)) if *last == step => *sum += qty,
                _ => sums.push((step, qty)),
            }
        }
        sums
    }

    /// Step and amount of what an account has had deposited while the world ran.
    pub fn deposits(&self, account: AccountId) -> Vec<(u64, i64)> {
        let to = LedgerAccount::Trader(account);
        let all = self.run.trace().transfers.iter();
        let its = all.filter(|(_, it)| it.to == to && it.reason == Reason::Deposit);
        its.map(|(round, it)| (self.step_of(*round), it.amount.0)).filter(|&(step, _)| step > 0).collect()
    }

    pub fn cash(&self, account: AccountId) -> Quote {
        self.run.ledger().cash(account)
    }

    pub fn tokens(&self, account: AccountId) -> i64 {
        self.run.tokens()[account.index()].0
    }

    pub fn position(&self, account: AccountId) -> i64 {
        self.run.positions()[account.index()].qty.0
    }
}

/// Price and lots of the best levels of a side.
pub fn levels<T: Trace>(run: &mut Simulation<'_, T>, market: Market, side: Side) -> Vec<(i64, i64)> {
    run.depth(market, side, 20).iter().map(|(price, qty)| (price.0, qty.0)).collect()
}

/// Word `n` of an agent in a step: block `k 2^24 + floor(n / 4)` under the key `(seed, 4096 + a)`.
pub fn word(agent: u64, step: u64, n: u64) -> u64 {
    philox([SEED, 4096 + agent], [(step << 24) + n / 4, PATH, 0, 0])[usize::try_from(n % 4).unwrap()]
}

/// The least `n` with `2^64 P(N <= n)` above the word.
#[allow(clippy::cast_precision_loss)]
pub fn poisson(mean: f64, word: u64) -> u64 {
    let uniform = word as f64 / 2f64.powi(64);
    let (mut n, mut odds, mut sum) = (0, (-mean).exp(), (-mean).exp());
    while sum <= uniform {
        n += 1;
        odds *= mean / n as f64;
        sum += odds;
    }
    n
}

/// `Q((m + 1/2) / 4096)` of a uniform law, `m` the word's upper 12 bits.
#[allow(clippy::cast_precision_loss)]
pub fn uniform(low: f64, high: f64, word: u64) -> f64 {
    low + (high - low) * ((word >> 52) as f64 + 0.5) / 4096.0
}

/// Lots of one token by the same law.
#[allow(clippy::cast_possible_truncation)]
pub fn lots(low: f64, high: f64, word: u64) -> i64 {
    (uniform(low, high, word) + 0.5).floor() as i64
}

pub fn side_of(word: u64) -> Side {
    if word % 2 == 0 { Side::Buy } else { Side::Sell }
}
