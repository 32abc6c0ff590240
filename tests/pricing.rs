//! Marks, indices and funding against what is worked out by hand.

mod common;

use common::{Setup, decimal, ladder};
use perpcore::engine::{Recorder, Simulation, StopReason, Summary};
use perpcore::event::{LedgerAccount, Mechanism, Reason};
use perpcore::ids::AccountId;
use perpcore::units::{Quote, Rate, Ticks, div_ceil};
use perpcore::venue::{
    Average, FINE, Funding, FundingNotional, MarkPrice, Pace, Premiums, Prices, Source, SpotIndex, fine,
    median, premium, whole, with_funding, within_step,
};
use perpcore::world::World;
use perpcore::world::scenario::{Scenario, Spread};
use serde_json::{Value, json};

const ONE: i64 = 1_000_000_000;
const HOUR: i128 = 3_600_000_000_000;

fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

/// A setup with parts of it written otherwise.
fn patched(setup: &Setup, patch: &Value) -> Scenario {
    let mut written = serde_json::to_value(&setup.0).unwrap();
    merge(&mut written, patch);
    serde_json::from_value(written).unwrap()
}

fn world(setup: &Setup, patch: &Value) -> World {
    World::build(&patched(setup, patch)).unwrap_or_else(|e| panic!("{e}"))
}

fn refusal(patch: &Value) -> String {
    World::build(&patched(&Setup::new(), patch)).map(|_| ()).unwrap_err().to_string()
}

/// To the end, traced, the books in balance after every round.
fn run(world: &World) -> (Summary, Recorder) {
    let mut simulation = Simulation::new(world, 3, 0, Recorder::default()).unwrap();
    simulation.ignite().unwrap();
    let mut reason = StopReason::MaxRounds;
    for _ in 0..world.venue.max_rounds {
        let more = simulation.round().unwrap();
        balanced(&simulation);
        if !more {
            reason = StopReason::Quiet;
            break;
        }
    }
    (simulation.summary(reason).unwrap(), simulation.into_trace())
}

fn balanced(simulation: &Simulation<Recorder>) {
    let ledger = simulation.ledger();
    assert_eq!(ledger.sum(), 0);
    let costs: i64 = simulation.positions().iter().map(|position| position.cost.0).sum();
    assert_eq!(ledger.balance(LedgerAccount::Clearing).0, -costs);
    assert_eq!(simulation.positions().iter().map(|position| position.qty.0).sum::<i64>(), 0);
    assert!(ledger.balance(LedgerAccount::InsuranceFund) >= Quote::ZERO);
    for (id, position) in (0..).map(AccountId).zip(simulation.positions()) {
        let cash = ledger.cash(id);
        let cross = id == AccountId::MARKET_MAKER && position.qty.0 != 0;
        assert!(cross || cash >= Quote::ZERO, "{id:?} has {cash:?}");
        assert!(position.margin >= Quote::ZERO && (cross || position.margin <= cash), "{id:?}: {position:?}");
        assert!(
            id != AccountId::TAKEOVER_DESK || position.margin == cash,
            "the desk: {position:?}, {cash:?}"
        );
    }
}

/// The mark of the first round.
fn first_mark(world: &World) -> i64 {
    let mut simulation = Simulation::new(world, 3, 0, ()).unwrap();
    simulation.ignite().unwrap();
    simulation.round().unwrap();
    simulation.mark().0
}

/// No market maker in the perpetual's book, but what somebody left there; a push of one token in spot, to 10.01.
fn quiet_book(asks: &Value, bids: &Value, patch: &Value) -> World {
    let mut all = json!({
        "perp": {"asks": {"kind": "levels", "levels": asks}, "bids": {"kind": "levels", "levels": bids}},
        "market_maker": {"quote": null}, "ignition": {"qty": "1"}
    });
    merge(&mut all, patch);
    world(&Setup::new(), &all)
}

#[test]
fn the_median_is_the_middle_one_in_every_order() {
    for [a, b, c] in [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]] {
        assert_eq!(median(a, b, c), 2);
    }
    assert_eq!(median(5, 5, 1), 5);
}

#[test]
fn marks_of_three_prices_are_their_median() {
    let index = fine(Ticks(10_000));
    let prices = Prices {
        index,
        last: fine(Ticks(9_990)),
        basis: fine(Ticks(25)),
        book: fine(Ticks(10_040)),
        book_average: fine(Ticks(10_030)),
        funding: Rate(1_000_000),
        ..Prices::default()
    };
    let mark = |kind| whole(prices.mark(kind)).unwrap().0;
    assert_eq!(with_funding(index, Rate(1_000_000)), fine(Ticks(10_010)));
    assert_eq!(mark(MarkPrice::Median), 10_010); // of 10,010, 10,025 and 9,990
    assert_eq!(mark(MarkPrice::Hyperliquid), 10_030); // of 10,025, 10,040 and 10,030
    assert_eq!(mark(MarkPrice::EmaBasis), 10_025);
    assert_eq!(whole(fine(Ticks(7)) + FINE / 2).unwrap(), Ticks(8)); // halves up
}

#[test]
fn an_average_goes_its_exponential_way() {
    let pace = Pace::of(2.0, 30.0);
    let (goal, mut average) = (fine(Ticks(500)), 0);
    for round in 1..=60 {
        average = pace.follow(average, goal);
        let expected = 500.0 * (1.0 - (-2.0 * f64::from(round) / 30.0).exp());
        #[allow(clippy::cast_precision_loss)]
        let ticks = average as f64 / FINE as f64;
        assert!((ticks - expected).abs() < 1e-3, "round {round}: {ticks}, {expected}");
    }
    assert_eq!(Pace::of(0.0, 30.0).follow(7, goal), 7, "time stands still");
    // Down it gets all the way, whatever the floor takes.
    let down = (0..2_000).fold(goal, |average, _| pace.follow(average, 0));
    assert_eq!(down, 0);
}

#[test]
fn a_step_bounds_the_mark_but_leaves_it_a_tick() {
    let step = |previous, target| within_step(Ticks(previous), Ticks(target), Rate(ONE / 100)).unwrap().0;
    assert_eq!(
        [step(1_000, 1_100), step(1_010, 1_100), step(1_000, 900), step(1_000, 1_003)],
        [1_010, 1_020, 990, 1_003]
    );
    assert_eq!(step(50, 60), 51);
}

#[test]
fn a_bounded_mark_walks_on_though_nothing_trades() {
    let (_, trace) = run(&world(&Setup::new(), &json!({"venue": {"mark_step": "0.01"}})));
    let marks: Vec<i64> = trace.stages.iter().skip(1).map(|stage| stage.mark.0).collect();
    assert_eq!(marks, [1010, 1020, 1030, 1040, 1050, 1060, 1070, 1080, 1090, 1100]);
}

/// Asks 100 at 10.10, 300 at 10.30; bids 100 at 9.90, 100 at 9.80.
#[test]
fn impact_prices_walk_the_book() {
    let (asks, bids) = (json!([["10.1", "100"], ["10.3", "300"]]), json!([["9.9", "100"], ["9.8", "100"]]));
    let mark = |notional: &str| {
        let venue = json!({"venue": {"mark": "impact_mid", "impact_notional": notional}});
        first_mark(&quiet_book(&asks, &bids, &venue))
    };
    // 1,010 + 48 x 10.3 = 1,504.4 for 148; 990 + 53 x 9.8 = 1,509.4 for 153: (10.1649 + 9.8654) / 2.
    assert_eq!(mark("1500"), 10_02);
    assert_eq!(mark("0"), 10_00);
    assert_eq!(mark("1000"), 10_00);
    // 1,970 of bids: the last trade, which is the start.
    assert_eq!(mark("1971"), 10_00);
    let book = json!([["10.7", "100"], ["10.9", "300"]]);
    let kinds =
        [("mid", 10_50), ("last", 10_00), ("impact_mid", 10_50), ("mean_of_mids", 10_26), ("index", 10_01)];
    for (kind, expected) in kinds {
        let venue = json!({"venue": {"mark": kind}});
        assert_eq!(first_mark(&quiet_book(&book, &json!([["10.3", "9"]]), &venue)), expected, "{kind}");
    }
}

#[test]
fn the_basis_is_averaged_until_the_mark_is_there() {
    let patch = json!({"round_seconds": "10", "venue": {"mark": "ema_basis", "mark_ema_s": "30"}});
    let (summary, trace) = run(&quiet_book(&json!([["10.6", "100"]]), &json!([["10.4", "100"]]), &patch));
    assert_eq!(summary.stop_reason, StopReason::Quiet);
    for stage in trace.stages.iter().skip(1) {
        #[allow(clippy::cast_precision_loss)]
        let expected = 1_001.0 + 49.0 * (1.0 - (-(stage.round as f64) / 3.0).exp());
        #[allow(clippy::cast_precision_loss)]
        let off = stage.mark.0 as f64 - expected;
        assert!(off.abs() <= 0.51, "round {}: {} of {expected}", stage.round, stage.mark.0);
    }
    assert_eq!(trace.stages.last().unwrap().mark, Ticks(1_050));
    let still = json!({"venue": {"mark": "ema_basis"}});
    assert_eq!(first_mark(&quiet_book(&json!([["10.6", "100"]]), &json!([["10.4", "100"]]), &still)), 10_01);
}

#[test]
fn sources_are_weighed_and_outliers_cut_or_dropped() {
    let source =
        |weight, follows, delay| Source { weight: Rate(weight * ONE), follows: Rate(follows), delay };
    let spot = |drop_outliers, outlier: Option<i64>, sources: Vec<Source>| SpotIndex {
        sources,
        outlier: outlier.map(Rate),
        drop_outliers,
        ..SpotIndex::default()
    };
    let price = |index: SpotIndex| {
        index
            .price(Ticks(1_000), |delay| Ticks(2_000 - i64::try_from(delay).unwrap()), &mut Vec::new())
            .unwrap()
            .0
    };
    // 2,000 twice, 1,900 and 1,000 once.
    let three = || vec![source(2, ONE, 0), source(1, ONE / 10 * 9, 0), source(1, 0, 0)];
    assert_eq!(price(spot(false, None, three())), 1_725);
    assert_eq!(price(spot(false, Some(ONE / 10), three())), 1_903); // 1,710 for 1,000: 1,902.5
    assert_eq!(price(spot(true, Some(ONE / 10), three())), 1_967); // 5,900 / 3
    // Two apart leave out each other.
    assert_eq!(price(spot(true, Some(ONE / 10), vec![source(9, ONE, 0), source(1, 0, 0)])), 1_500);
    assert_eq!(price(spot(false, None, vec![source(1, ONE, 100)])), 1_900);
    assert_eq!(price(SpotIndex::default()), 2_000);
}

#[test]
fn a_late_source_hears_of_the_push_rounds_later() {
    let index = json!({"kind": "spot", "sources": [{"weight": "1", "delay_s": "5"}]});
    let (summary, trace) =
        run(&world(&Setup::new(), &json!({"round_seconds": "2", "venue": {"index": index}})));
    let indices: Vec<i64> = trace.stages.iter().map(|stage| stage.index.0).collect();
    assert_eq!(indices, [1_000, 1_000, 1_000, 1_000, 1_100]); // ceil(5 / 2) = 3 rounds late
    assert_eq!((summary.stop_reason, summary.rounds), (StopReason::Quiet, 4));
    let still = refusal(&json!({"venue": {"index": index}}));
    assert!(still.starts_with("venue.index.sources[0].delay_s: 5 is not allowed: 0 where time"), "{still}");
}

#[test]
fn without_a_spot_the_index_follows_the_mark() {
    let patch = json!({"round_seconds": "10",
        "venue": {"mark": "mid", "index": {"kind": "own_mark", "average_s": "60"}}});
    let (_, trace) = run(&quiet_book(&json!([["10.6", "100"]]), &json!([["10.4", "100"]]), &patch));
    for stage in trace.stages.iter().skip(1) {
        #[allow(clippy::cast_precision_loss)]
        let expected = 1_000.0 + 50.0 * (1.0 - (-((stage.round - 1) as f64) / 6.0).exp());
        #[allow(clippy::cast_precision_loss)]
        let off = stage.index.0 as f64 - expected;
        assert!(off.abs() <= 0.51 && stage.mark == Ticks(1_050), "{stage:?}, {expected}");
    }
    assert_eq!(trace.stages.last().unwrap().index, Ticks(1_050));
    let circle = refusal(&json!({"venue": {"index": {"kind": "own_mark", "average_s": "60"}}}));
    assert!(circle.starts_with("venue.mark: index is not allowed: another mark"), "{circle}");
}

const RULES: Funding = Funding {
    round: 1_000_000_000,
    interval: 8 * HOUR,
    next_in: 0,
    interest: Rate(100_000),
    clamp: Rate(500_000),
    dead_band: Rate(0),
    cap: None,
    average: Average::Plain,
    samples: 0,
    notional: FundingNotional::Mark,
    stress: Some((Rate(1_000_000), HOUR)),
};

#[test]
fn rates_follow_clamp_dead_band_cap_and_interval() {
    let rate = |rules: Funding, premium, hours| rules.rate(premium, hours * HOUR).unwrap().0;
    let plain = [300_000, 2_000_000, -2_000_000].map(|premium| rate(RULES, premium, 8));
    assert_eq!(plain, [100_000, 1_500_000, -1_500_000]);
    let band = Funding { dead_band: Rate(500_000), ..RULES };
    let banded = [300_000, 2_000_000, -2_000_000].map(|premium| rate(band, premium, 8));
    assert_eq!(banded, [0, 1_500_000, -1_500_000]);
    assert_eq!([rate(RULES, 2_000_000, 1), rate(RULES, -2_000_001, 1)], [187_500, -187_500]);
    let cap = Funding { cap: Some(Rate(1_000_000)), ..RULES };
    assert_eq!(
        [rate(cap, 2_000_000, 8), rate(cap, -2_000_000, 8), rate(cap, 2_000_000, 4)],
        [1_000_000, -1_000_000, 750_000]
    );
    assert_eq!(RULES.interval_after(Rate(-1_000_001), 8 * HOUR), HOUR);
    assert_eq!(RULES.interval_after(Rate(1_000_000), 8 * HOUR), 8 * HOUR);
}

#[test]
fn premiums_are_averaged_as_the_venue_says() {
    let index = fine(Ticks(1_000));
    let of = |bid: Option<i64>, ask: Option<i64>| {
        premium(bid.map(|p| fine(Ticks(p))), ask.map(|p| fine(Ticks(p))), index)
    };
    assert_eq!(
        [of(Some(1_005), Some(1_009)), of(Some(990), Some(997)), of(Some(998), Some(1_001))],
        [5_000_000, -3_000_000, 0]
    );
    assert_eq!([of(None, Some(997)), of(Some(1_005), None), of(None, None)], [-3_000_000, 5_000_000, 0]);
    let mean = |average, samples| {
        let rules = Funding { average, samples, ..RULES };
        let mut premiums = Premiums::default();
        [30, 60, 120].into_iter().for_each(|premium| premiums.add(average, premium));
        premiums.mean(&rules)
    };
    assert_eq!(mean(Average::Plain, 0), 70);
    assert_eq!(mean(Average::Ramp, 0), 85); // (30 + 120 + 360) / 6
    assert_eq!([mean(Average::Padded, 10), mean(Average::Padded, 2)], [21, 70]);
}

/// Longs and shorts of both kinds, far from any trouble.
fn crowd() -> Setup {
    let population = |side: &str| {
        serde_json::from_value(json!({"kind": "distribution", "side": side, "accounts": "40",
            "leverage": {"dist": "uniform", "low": "2", "high": "5"},
            "notional": {"dist": "uniform", "low": "1000", "high": "90001"}}))
        .unwrap()
    };
    let mut setup = Setup::new().shorts(ladder(decimal("13.37"), None).qty(77).lump(7)).igniting(1);
    setup.0.positions.extend([population("short"), population("long")]);
    setup
}

#[test]
fn everybody_pays_or_receives_to_the_last_step() {
    for (interest, notional) in [("0.000123457", "mark"), ("-0.000123457", "index")] {
        let funding = json!({"next_in_s": "0", "interest": interest, "clamp": "1", "notional": notional});
        let world = world(&crowd(), &json!({"venue": {"funding": funding}}));
        let mut simulation = Simulation::new(&world, 3, 0, Recorder::default()).unwrap();
        simulation.ignite().unwrap();
        simulation.round().unwrap();
        balanced(&simulation);
        let summary = simulation.summary(StopReason::Quiet).unwrap();
        let positions = simulation.positions().to_vec();
        let trace = simulation.into_trace();
        let rate = trace.stages[1].funding_rate.0;
        assert_eq!(decimal(interest) * decimal("1000000000"), rate.into());
        let (mut expected, mut longs, mut rest) = (Vec::new(), 0, 0);
        for (id, position) in (0_i64..).zip(&positions) {
            let exact = i128::from(rate) * i128::from(10_01 * position.qty.0 * world.perp.contract.scale);
            let paid = div_ceil(exact, ONE.into());
            rest += paid;
            longs += if position.qty.0 > 0 { paid } else { 0 };
            expected.extend((paid != 0).then_some((id, paid)));
        }
        assert!(expected.len() > 50, "{} accounts", expected.len());
        let of = |reason| trace.transfers.iter().map(|(_, t)| t).filter(move |t| t.reason == reason);
        let mut booked: Vec<(i64, i128)> = of(Reason::Funding)
            .map(|t| match t.to {
                LedgerAccount::Clearing => (t.from.code(), i128::from(t.amount.0)),
                to => (to.code(), -i128::from(t.amount.0)),
            })
            .collect();
        booked.sort_unstable();
        assert_eq!(booked, expected);
        assert_eq!(of(Reason::Rounding).map(|t| i128::from(t.amount.0)).sum::<i128>(), rest);
        assert!(rest > 0 && summary.insurance_fund_change.0 == i64::try_from(rest).unwrap());
        assert_eq!(i128::from(summary.totals.funding_paid.0), longs);
        // The rest of the market brought what it paid: all it has is what it received less what it paid.
        let four = expected.iter().find(|(id, _)| *id == 4).unwrap().1;
        let unrealised = positions[4].profit(Quote(10_01 * positions[4].qty.0 * world.perp.contract.scale));
        assert_eq!(i128::from(summary.rest_of_market_pnl.0 - unrealised.unwrap().0), -four);
    }
}

#[test]
fn a_payment_brings_the_threshold_nearer() {
    // Spot goes to 10.95; shorts that break at 11.00 do so earlier by the 5 % they paid.
    let shorts = || Setup::new().shorts(ladder(decimal("11"), None).qty(100)).igniting(19_000);
    let (calm, _) = run(&shorts().world());
    assert_eq!(calm.totals.liquidated_accounts, 0);
    let pays = json!({"venue": {"funding": {"next_in_s": "0", "interest": "-0.05", "clamp": "1"}}});
    let (summary, trace) = run(&world(&shorts(), &pays));
    assert_eq!(summary.totals.liquidated_accounts, 10);
    // Maintenance 1 %: 10 lots at 10.00 with a margin of 11.1 less 5 % of 10.95 x 10 = 5.475: (105.625 / 1.01) = 10.458.
    assert!(trace.liquidations.iter().all(|(_, order)| order.threshold == Ticks(10_46)), "{trace:#?}");
    // A stop of a position whose threshold moved still fires, and before its liquidation.
    let mut stopping = ladder(decimal("11"), None).qty(100);
    stopping.0.stop_price = Some(Spread::One(decimal("10.2")));
    let (_, trace) = run(&world(&Setup::new().shorts(stopping).igniting(19_000), &pays));
    assert!(trace.liquidations.iter().all(|(_, order)| order.mechanism == Mechanism::Stop));
    assert_eq!(trace.liquidations.len(), 10);
}

#[test]
fn a_cascade_under_funding_keeps_its_books() {
    let setup = crowd().shorts(ladder(decimal("11"), Some(decimal("15"))).qty(300_000)).igniting(20_000);
    let (mut deficits, mut payments) = (0, 0);
    for (i, mark) in
        ["index", "last", "mid", "impact_mid", "ema_basis", "median", "hyperliquid"].iter().enumerate()
    {
        let interest = if i % 2 == 0 { "-0.3" } else { "0.4" };
        let funding = json!({"next_in_s": "0", "interval_h": "1", "interest": interest, "clamp": "1",
            "average": "ramp", "stress_above": "0.01", "stress_interval_h": "0.5"});
        let venue = json!({"mark": mark, "impact_notional": "5000", "unwind": "hold", "max_rounds": 40,
            "mark_ema_s": "3600", "insurance_fund": "100", "funding": funding});
        let maker = json!({"quote": {"side": "both", "half_spread": "0.05"}});
        let world = world(&setup, &json!({"round_seconds": "700", "venue": venue, "market_maker": maker}));
        let (summary, trace) = run(&world);
        deficits += summary.totals.bad_debt.0;
        payments += trace.stages.iter().filter(|stage| stage.funding_rate.0 != 0).count();
        // The same untraced, in used memory, and drawn beforehand.
        let mut used = Simulation::new(&world, 3, 1, ()).unwrap();
        used.run().unwrap();
        used.restart(0).unwrap();
        let reason = used.run().unwrap();
        assert_eq!(used.summary(reason).unwrap().totals, summary.totals, "{mark}");
        let mut eager = Simulation::new(&world, 3, 0, ()).unwrap().eager().unwrap();
        let reason = eager.run().unwrap();
        assert_eq!(eager.summary(reason).unwrap().totals, summary.totals, "{mark}");
    }
    assert!(deficits > 0 && payments > 7, "{deficits}, {payments}");
}

#[test]
fn funding_that_cannot_be_is_refused() {
    let of = |funding: Value| refusal(&json!({"venue": {"funding": funding}}));
    for (funding, field) in [
        (json!({"interval_h": "0"}), "interval_h"),
        (json!({"clamp": "-1"}), "clamp"),
        (json!({"average": "padded"}), "samples"),
        (json!({"samples": 3}), "samples"),
        (json!({"cap": "0"}), "cap"),
        (json!({"next_in_s": "-1"}), "next_in_s"),
        (json!({"stress_above": "0.1", "stress_interval_h": "9"}), "stress_interval_h"),
    ] {
        let text = of(funding);
        assert!(text.starts_with(&format!("venue.funding.{field}: ")), "{text}");
    }
}
