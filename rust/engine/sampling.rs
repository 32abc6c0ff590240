//! What a run through time records of itself: `docs/AGENTS.md` section 5.

use std::collections::BTreeMap;

use super::pricing::twice_mid;
use super::{Simulation, Trace};
use crate::book::OrderBook;
use crate::error::{RunError, Whose};
use crate::event::LedgerAccount;
use crate::ids::AccountId;
use crate::margin::Way;
use crate::units::{Lots, Quote, Rate, Side, Ticks, narrow};
use crate::world::WorldSupply;
use crate::world::agents::{Plan, desk_account};

const MAKER: AccountId = AccountId::MARKET_MAKER;

/// Buckets of the heat map from zero to the start price.
const BUCKETS: i64 = 100;

/// Hundredths of the mid within which depth is counted.
const DEPTH: i128 = 2;

/// Who has the tokens, in spot lots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Floats {
    /// Whoever is not named below.
    pub free: Lots,
    /// Arbitrageurs.
    pub locked: Lots,
    /// The attacker and whales.
    pub whale: Lots,
    /// The market maker's desk.
    pub hedge: Lots,
}

/// How tight and how deep a book is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Liquidity {
    /// Best ask less best bid; 0 where a side is empty.
    pub spread: Ticks,
    /// Lots within two hundredths of the mid: bids, asks.
    pub depth: [Lots; 2],
}

/// The world at the end of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The step; 0 before the first.
    pub clock: u64,
    /// In spot ticks.
    pub index: Ticks,
    /// In the perpetual's ticks.
    pub mark: Ticks,
    /// Last trade in spot.
    pub spot_last: Ticks,
    /// Last trade in the perpetual.
    pub perp_last: Ticks,
    /// How much higher it is, in the perpetual's ticks.
    pub basis: Ticks,
    /// Paid last.
    pub funding_rate: Rate,
    /// Lots of all longs that came into being.
    pub open_interest: Lots,
    /// Since the sample before.
    pub spot_volume: Lots,
    /// Since the sample before.
    pub perp_volume: Lots,
    /// Tokens there are.
    pub circulating: Lots,
    /// Who has them.
    pub floats: Floats,
    /// Its balance.
    pub insurance_fund: Quote,
    /// Since the sample before.
    pub liquidated: Quote,
    /// Orders, cancels and fills since the sample before.
    pub events: u64,
    /// Of the spot book.
    pub spot: Liquidity,
    /// Of the perpetual's.
    pub perp: Liquidity,
}

/// What somebody has at the end of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentSample {
    /// The step.
    pub clock: u64,
    /// Which agent; none: the market maker, his spot desk included.
    pub agent: Option<usize>,
    /// His position.
    pub qty: Lots,
    /// His tokens.
    pub tokens: Lots,
    /// Of his account at the venue.
    pub balance: Quote,
    /// Since the start, open positions and tokens valued at the last prices.
    pub profit: Quote,
}

/// The liquidations of open accounts in a bucket of prices, valued at their thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeatSample {
    /// The step.
    pub clock: u64,
    /// Lower end of the bucket.
    pub price: Ticks,
    /// Of longs.
    pub long: Quote,
    /// Of shorts.
    pub short: Quote,
}

/// What was counted up to the last sample.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sampler {
    spot_volume: Lots,
    perp_volume: Lots,
    liquidated: Quote,
    events: u64,
    /// The highest open interest of all samples.
    pub peak: Lots,
}

impl<T: Trace> Simulation<'_, T> {
    /// Takes a sample if the step that ended calls for one; without a trace only what the summary needs.
    pub(super) fn sample(&mut self) -> Result<(), RunError> {
        if self.world.steps.is_none_or(|steps| self.clock % steps.sample != 0) {
            return Ok(());
        }
        let open_interest = self.longs()?;
        self.sampler.peak = self.sampler.peak.max(open_interest);
        if T::ON {
            let sample = self.world_now(open_interest)?;
            self.trace.sample(&sample);
            self.sample_agents()?;
            self.sample_heat()?;
        }
        Ok(())
    }

    /// Orders, cancels and fills so far.
    pub fn events(&self) -> u64 {
        self.counts.orders + self.counts.booked
    }

    /// Lots of all longs that came into being.
    fn longs(&self) -> Result<Lots, RunError> {
        let seated = self.positions.iter().map(|position| i128::from(position.qty.0.max(0)));
        let sum = seated.sum::<i128>() + i128::from(self.counts.unseated.0);
        narrow(sum).map(Lots).whose(AccountId::REST_OF_MARKET, "open interest")
    }

    /// Who has the tokens.
    pub fn floats(&self) -> Result<Floats, RunError> {
        let mut floats = Floats::default();
        for (id, &lots) in (0..).map(AccountId).zip(&self.tokens) {
            let plan = self.world.agent_of(id).map(|number| &self.world.agents[number].plan);
            let part = match (id, plan) {
                (AccountId::ATTACKER, _) | (_, Some(Plan::Whale(_))) => &mut floats.whale,
                (AccountId::MARKET_MAKER_SPOT, _) => &mut floats.hedge,
                (_, Some(Plan::FundingArbitrageur(_) | Plan::StockArbitrageur(_))) => &mut floats.locked,
                _ => &mut floats.free,
            };
            *part = part.plus(lots).whose(id, "tokens")?;
        }
        Ok(floats)
    }

    fn world_now(&mut self, open_interest: Lots) -> Result<Sample, RunError> {
        let (spot_last, perp_last) = (self.spot_last(), self.perp_last());
        let (n, d) = self.world.conversion.tick;
        let spot = Ticks::nearest(i128::from(spot_last.0) * n, d);
        let basis = spot.and_then(|spot| perp_last.minus(spot)).whose(MAKER, "basis")?;
        let (totals, last) = (self.totals, self.sampler);
        let sample = Sample {
            clock: self.clock,
            index: self.index,
            mark: self.mark,
            spot_last,
            perp_last,
            basis,
            funding_rate: self.funding.rate(),
            open_interest,
            // None of these sums falls.
            spot_volume: Lots(totals.spot_volume.0 - last.spot_volume.0),
            perp_volume: Lots(totals.perp_volume.0 - last.perp_volume.0),
            circulating: self.circulating,
            floats: self.floats()?,
            insurance_fund: self.ledger.balance(LedgerAccount::InsuranceFund),
            liquidated: Quote(totals.liquidated_value.0 - last.liquidated.0),
            events: self.events() - last.events,
            spot: liquidity(&mut self.spot, spot_last),
            perp: liquidity(&mut self.perp, perp_last),
        };
        self.sampler = Sampler {
            spot_volume: totals.spot_volume,
            perp_volume: totals.perp_volume,
            liquidated: totals.liquidated_value,
            events: self.events(),
            peak: last.peak,
        };
        Ok(sample)
    }

    fn sample_agents(&mut self) -> Result<(), RunError> {
        let desk = AccountId::MARKET_MAKER_SPOT;
        let profit = self.maker_profit()?;
        let held = (self.positions[MAKER.index()].qty, self.ledger.cash(MAKER));
        self.sample_agent(None, held, desk, profit);
        for number in 0..self.world.agents.len() {
            let profit = self.agent_profit(number)?;
            self.sample_agent(Some(number), self.holding(number)?, desk_account(number), profit);
        }
        Ok(())
    }

    fn sample_agent(
        &mut self,
        agent: Option<usize>,
        (qty, balance): (Lots, Quote),
        desk: AccountId,
        profit: Quote,
    ) {
        let tokens = self.tokens[desk.index()];
        self.trace.agent(&AgentSample { clock: self.clock, agent, qty, tokens, balance, profit });
    }

    fn sample_heat(&mut self) -> Result<(), RunError> {
        let width = (self.world.perp.start.0 / BUCKETS).max(1);
        let contract = self.world.perp.contract;
        let mut buckets = BTreeMap::<i64, [Quote; 2]>::new();
        for (way, farthest) in [(Way::Up, Ticks(i64::MAX)), (Way::Down, Ticks::ZERO)] {
            for (due, qty) in self.open_until(way, farthest) {
                let value = contract.worth(due.threshold, qty);
                let value = value.and_then(|value| contract.notional(qty, value));
                let bucket = &mut buckets.entry(due.threshold.0 / width).or_default()[way as usize];
                let sum = value.and_then(|value| bucket.plus(value));
                *bucket = sum.whose(due.account, "notional at its threshold")?;
            }
        }
        for (bucket, [short, long]) in buckets {
            let price = Ticks(bucket * width);
            self.trace.heat(&HeatSample { clock: self.clock, price, long, short });
        }
        Ok(())
    }
}

/// Spread and depth of a book; of one with an empty side around its `last` trade.
fn liquidity(book: &mut OrderBook<WorldSupply>, last: Ticks) -> Liquidity {
    let twice = twice_mid(book, last);
    let spread = match (book.best(Side::Buy), book.best(Side::Sell)) {
        (Some(bid), Some(ask)) => Ticks(ask.0 - bid.0),
        _ => Ticks::ZERO,
    };
    let depth = Side::BOTH.map(|side| {
        let away = 100 - i128::from(side.sign()) * DEPTH;
        // Bids from there up, asks from there down.
        let limit = if side == Side::Buy { -(-twice * away).div_euclid(200) } else { twice * away / 200 };
        book.lots_to(side, Ticks(i64::try_from(limit).unwrap_or(i64::MAX)))
    });
    Liquidity { spread, depth }
}
