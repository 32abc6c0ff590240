//! Random scenarios, small to medium, by a seeded generator of their own; what a world refuses is drawn again.

use perpcore::margin::Trigger;
use perpcore::random::DistributionSpec;
use perpcore::venue::{LiquidationOrder, MarkPrice, Unwind};
use perpcore::world::World;
use perpcore::world::scenario::{
    Around, IgnitionMarket, IgnitionSide, IgnitionSpec, Ladder, Law, Liquidity, MarginMode, MarketMakerSpec,
    MarketSpec, Placement, PopulationSpec, PositionSide, PositionsSpec, QuoteSide, QuoteSpec, Residual,
    Scenario, Spread, TierSpec, VenueSpec,
};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// SplitMix64.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// On [0, 1).
    #[allow(clippy::cast_precision_loss)]
    pub fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Alike in every decade.
    pub fn scale(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let at = self.next() % of.len() as u64;
        of[usize::try_from(at).unwrap()].clone()
    }

    pub fn maybe<T>(&mut self, p: f64, draw: impl FnOnce(&mut Dice) -> T) -> Option<T> {
        self.chance(p).then(|| draw(self))
    }
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// The nearest multiple of a unit, at least one.
fn on(x: f64, unit: Decimal) -> Decimal {
    let units = (x / unit.to_f64().unwrap()).round().clamp(1.0, 1e15);
    Decimal::from(units.to_i64().unwrap()) * unit
}

/// Six digits after the point.
fn rough(x: f64) -> Decimal {
    Decimal::try_from(x).unwrap().round_dp(6)
}

/// What the parts of a scenario are sized by.
struct Size {
    start: f64,
    /// Tokens of the push.
    push: f64,
    /// Spot tokens a unit of price.
    depth: f64,
    spot: [Decimal; 2],
    perp: [Decimal; 2],
    sells: bool,
    /// Only accounts that are drawn, liquidated at market, and no fees in the perpetual.
    plain: bool,
}

/// A scenario that can be, and its world.
pub fn draw(seed: u64) -> (Scenario, World) {
    let mut dice = Dice::new(seed);
    for _ in 0..200 {
        let scenario = scenario(&mut dice);
        if let Ok(world) = World::build(&scenario) {
            return (scenario, world);
        }
    }
    panic!("seed {seed}: 200 scenarios refused");
}

fn scenario(dice: &mut Dice) -> Scenario {
    let grids = ["0.01", "0.01", "0.05", "0.002", "0.1"].map(decimal);
    let lots = ["1", "1", "0.1", "5", "0.25", "0.00001"].map(decimal);
    let grid = |dice: &mut Dice| [dice.pick(&grids), dice.pick(&lots)];
    let spot = grid(dice);
    let perp = if dice.chance(0.5) { spot } else { grid(dice) };
    let start = on(dice.scale(2.0, 40.0), decimal("0.1"));
    let push = dice.scale(100.0, 20_000.0);
    let price = start.to_f64().unwrap();
    let depth = push / (price * dice.scale(0.01, 0.2));
    let (sells, plain) = (dice.chance(0.35), dice.chance(0.25));
    let size = Size { start: price, push, depth, spot, perp, sells, plain };
    let circulating = on(push * dice.scale(2.0, 60.0), spot[1]);
    let hedge = dice.pick(&[0.0, 0.1, 0.22, 0.5, 0.7, 1.0, 1.0, 1.3]);
    Scenario {
        schema_version: 1,
        name: String::new(),
        description: String::new(),
        start_price: start,
        total_supply: circulating * Decimal::TWO,
        circulating,
        spot: market(dice, &size, true),
        perp: market(dice, &size, false),
        venue: venue(dice, &size),
        market_maker: maker(dice, &size, hedge),
        positions: (0..1 + dice.next() % 4).map(|_| positions(dice, &size, hedge)).collect(),
        ignition: Some(IgnitionSpec {
            side: if size.sells { IgnitionSide::Sell } else { IgnitionSide::Buy },
            market: if dice.chance(0.15) { IgnitionMarket::Perp } else { IgnitionMarket::Spot },
            qty: on(push, Decimal::max(spot[1], perp[1])),
            at_s: Decimal::ZERO,
        }),
        round_seconds: Decimal::ZERO,
        time: None,
        settlement_price: None,
        copula: None,
        agents: Vec::new(),
        unlocks: Vec::new(),
    }
}

fn market(dice: &mut Dice, size: &Size, spot: bool) -> MarketSpec {
    let [tick_size, lot_size] = if spot { size.spot } else { size.perp };
    let all = ["0", "0", "0.0005", "-0.0001", "0.000333333", "0.02", "-0.01"].map(decimal);
    let fees = if size.plain && !spot { &all[..1] } else { &all };
    let p = |taken| match (spot, taken) {
        (true, true) => 1.0,
        (true, false) => 0.7,
        (false, _) => 0.4,
    };
    let (asks, bids) = (p(!size.sells), p(size.sells));
    // Holders quote what their asks leave of the float, so those must end.
    let quote = dice.maybe(if spot { 0.35 } else { 0.0 }, |dice| quote(dice, size, size.spot));
    let ends = quote.is_some();
    MarketSpec {
        tick_size,
        lot_size,
        maker_fee: dice.pick(fees),
        taker_fee: dice.pick(fees),
        asks: dice.maybe(asks, |dice| liquidity(dice, size, [tick_size, lot_size], 1.0, ends)),
        bids: dice.maybe(bids, |dice| liquidity(dice, size, [tick_size, lot_size], -1.0, false)),
        quote,
    }
}

fn liquidity(dice: &mut Dice, size: &Size, [tick, lot]: [Decimal; 2], way: f64, ends: bool) -> Liquidity {
    let depth = size.depth * dice.scale(0.5, 2.0);
    let kind = dice.uniform();
    if kind < 0.5 && !ends {
        return Liquidity::Linear { depth: rough(depth), noise: noise(dice) };
    }
    if kind < 0.75 {
        let level_gap = on(size.start * dice.scale(0.0005, 0.02), tick);
        let orders = dice.pick(&[1_i32, 1, 2, 4]);
        let each = depth * level_gap.to_f64().unwrap() / f64::from(orders);
        let levels = i64::try_from(1 + dice.next() % 150).unwrap();
        return Liquidity::Orders {
            levels,
            level_gap,
            orders: orders.into(),
            order_qty: law(dice, each, lot),
        };
    }
    let mut price = size.start;
    let levels = (0..1 + dice.next() % 12).map(|_| {
        let gap = size.start * dice.scale(0.001, 0.05);
        price += way * gap;
        (on(price, tick), on(depth * gap, lot))
    });
    Liquidity::Levels {
        levels: levels.collect(),
        tail_depth: dice.maybe(if ends { 0.0 } else { 0.5 }, |_| rough(depth)),
        noise: noise(dice),
    }
}

/// A number of whole units, or a law of about the same size; heavy tails among them.
fn law(dice: &mut Dice, about: f64, unit: Decimal) -> Law {
    let part = |x: f64| rough(about * x);
    Law::Drawn(match dice.next() % 8 {
        0 => DistributionSpec::Uniform { low: part(0.3), high: part(1.7) },
        1 | 2 => heavy(dice, about * 0.4),
        3 => {
            let values = vec![part(0.2), part(1.0), part(dice.between(1.0, 9.0))];
            DistributionSpec::Choice { values, weights: Some(["1", "2", "0.5"].map(decimal).to_vec()) }
        }
        4 => DistributionSpec::Mixture {
            components: vec![
                DistributionSpec::LogNormal {
                    median: part(0.7),
                    sigma: rough(dice.between(0.2, 1.5)),
                    low: None,
                    high: Some(part(30.0)),
                },
                heavy(dice, about),
            ],
            weights: Some(vec![decimal("3"), decimal("1")]),
        },
        _ => return Law::Number(on(about, unit)),
    })
}

fn heavy(dice: &mut Dice, low: f64) -> DistributionSpec {
    let high = Some(rough(low * dice.scale(5.0, 300.0)));
    DistributionSpec::Pareto { low: rough(low), alpha: rough(dice.between(0.6, 2.5)), high }
}

fn noise(dice: &mut Dice) -> Option<Law> {
    let (low, high) = (Decimal::new(5, 1), Decimal::new(15, 1));
    dice.maybe(0.2, |_| Law::Drawn(DistributionSpec::Uniform { low, high }))
}

fn venue(dice: &mut Dice, size: &Size) -> VenueSpec {
    let notional = size.push * size.start;
    let mut tiers = Vec::new();
    let (mut floor, mut rate, mut leverage) = (0.0, dice.pick(&[0.0, 0.004, 0.01, 0.05]), 125.0);
    for _ in 0..1 + dice.next() % 4 {
        tiers.push(TierSpec {
            min_notional: rough(floor),
            maintenance_rate: rough(rate),
            max_leverage: rough(leverage),
        });
        floor += notional * dice.scale(0.002, 1.0);
        rate = (rate + dice.scale(0.001, 0.1)).min(0.9);
        leverage *= dice.between(0.6, 1.0);
    }
    VenueSpec {
        tiers,
        trigger: dice.pick(&[Trigger::AtOrBelow, Trigger::Below]),
        mark: dice.pick(&[MarkPrice::Index, MarkPrice::Index, MarkPrice::Index, MarkPrice::MeanOfMids]),
        liquidation_order: if size.plain || dice.chance(0.4) {
            LiquidationOrder::Market
        } else {
            LiquidationOrder::LimitAtBankruptcy
        },
        unwind: dice.pick(&[Unwind::Hold, Unwind::AtOnce]),
        liquidations_per_round: dice.maybe(0.3, |dice| i64::try_from(1 + dice.next() % 8).unwrap()),
        max_rounds: dice.pick(&[60, 60, 60, 4]),
        insurance_fund: if dice.chance(0.3) {
            Decimal::ZERO
        } else {
            rough(notional * dice.scale(1e-4, 1.0))
        },
        ..serde_json::from_str(r#"{"tiers": []}"#).unwrap()
    }
}

fn maker(dice: &mut Dice, size: &Size, hedge: f64) -> MarketMakerSpec {
    let quote = dice.maybe(0.85, |dice| quote(dice, size, size.perp));
    let inventory = dice.maybe(0.5, |dice| on(size.push * dice.scale(0.01, 1.0), size.spot[1]));
    let capital = size.push * size.start * dice.scale(0.01, 30.0);
    MarketMakerSpec {
        capital: if dice.chance(0.05) { Decimal::ZERO } else { rough(capital) },
        hedge_ratio: rough(hedge),
        residual: dice.pick(&[Residual::Carried, Residual::AbsorbedByLongs]),
        spot_inventory: inventory.unwrap_or_default(),
        quote,
        ..serde_json::from_str(r#"{"capital": "0"}"#).unwrap()
    }
}

fn quote(dice: &mut Dice, size: &Size, [tick, lot]: [Decimal; 2]) -> QuoteSpec {
    let part = |part: f64| on(size.start * part, tick);
    let many = dice.chance(0.1);
    QuoteSpec {
        side: if dice.chance(0.6) {
            QuoteSide::Both
        } else if size.sells {
            QuoteSide::Bids
        } else {
            QuoteSide::Asks
        },
        around: dice.pick(&[Around::Mark, Around::Mark, Around::SpotMid]),
        half_spread: if dice.chance(0.5) { Decimal::ZERO } else { part(0.005) },
        levels: i64::try_from(1 + dice.next() % if many { 40 } else { 6 }).unwrap(),
        level_gap: dice.maybe(0.3, |dice| part(dice.scale(0.001, 0.01))),
        jitter: dice.maybe(0.35, |dice| part(dice.scale(0.0005, 0.02))).unwrap_or_default(),
        level_qty: {
            let about = size.push * dice.scale(0.05, 20.0);
            law(dice, about, lot)
        },
        recovery_half_life_s: Decimal::ZERO,
        follows_float: false,
        skew: Decimal::ZERO,
    }
}

/// A ladder, or a population of the same kind.
fn positions(dice: &mut Dice, size: &Size, hedge: f64) -> PositionsSpec {
    let ladder = ladder(dice, size, hedge);
    if !dice.chance(if size.plain { 0.6 } else { 0.25 }) {
        return PositionsSpec::Ladder(ladder);
    }
    let uniform =
        |low: f64, high: f64| Law::Drawn(DistributionSpec::Uniform { low: rough(low), high: rough(high) });
    let crowd = if dice.chance(0.08) { 12.0 } else { 1.0 };
    let each = size.push * size.start / (dice.scale(1.0, 40.0) * crowd);
    let gears = ["3", "5", "10", "20", "25", "50"].map(decimal);
    PositionsSpec::Population(PopulationSpec {
        side: ladder.side,
        accounts: rough(dice.scale(2.0, 90.0) * crowd),
        entry_price: dice.maybe(0.25, |_| uniform(size.start * 0.97, size.start * 1.03)),
        leverage: if dice.chance(0.3) {
            Law::Drawn(DistributionSpec::Choice { values: gears.to_vec(), weights: None })
        } else {
            uniform(dice.between(2.0, 8.0), dice.between(8.0, 50.0))
        },
        notional: match dice.next() % 3 {
            0 => Law::Drawn(heavy(dice, each * 0.1)),
            1 => law(dice, each * 0.5, size.perp[1]),
            _ => uniform(each * 0.05, each),
        },
    })
}

fn ladder(dice: &mut Dice, size: &Size, hedge: f64) -> Ladder {
    // Mostly on the side that the push hurts.
    let short = dice.chance(0.8) != size.sells;
    let way = if short { 1.0 } else { -1.0 };
    let near = dice.scale(0.003, 0.15);
    let width = dice.scale(0.01, 0.4);
    let at = |part: f64| rough(size.start * (1.0 + way * part));
    let (edge, end) = (at(near), at((near + width).min(0.9)));
    let branching = dice.scale(0.1, 4.0);
    let tokens = branching * size.depth * width * size.start / f64::max(hedge, 0.2);
    let count = dice.scale(1.0, 90.0).round();
    let poisson = size.plain || dice.chance(0.2);
    let range = if edge < end { Spread::Range([edge, end]) } else { Spread::Range([end, edge]) };
    let by_leverage = !poisson && dice.chance(0.3);
    let gears = Spread::Range([rough(dice.between(2.0, 10.0)), rough(dice.between(10.0, 90.0))]);
    let liquidation = if poisson || dice.chance(0.7) { range } else { Spread::One(edge) };
    let notional = dice.chance(0.2);
    let stop = at(dice.between(0.003, near + width));
    Ladder {
        side: if short { PositionSide::Short } else { PositionSide::Long },
        entry_price: dice.maybe(0.3, |dice| on(size.start * dice.between(0.97, 1.03), size.perp[0])),
        qty: (!notional).then(|| on(tokens, size.perp[1])),
        notional: notional.then(|| rough(tokens * size.start)),
        lump: Some(on(tokens / count, size.perp[1])),
        liquidation_price: (!by_leverage).then_some(liquidation),
        leverage: by_leverage.then_some(gears),
        stop_price: (!poisson).then_some(stop).filter(|_| dice.chance(0.3)).map(Spread::One),
        margin_mode: MarginMode::Isolated,
        wallet: Decimal::ZERO,
        placement: if poisson { Placement::Poisson } else { Placement::Even },
    }
}
