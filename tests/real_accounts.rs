//! Real accounts given as columns: numbered as a mark reaches them, the same as ladders of one account each, prepared once.

mod common;

use std::sync::{Arc, Mutex, PoisonError};

use common::{Setup, decimal};
use perpcore::engine::{Recorder, Simulation};
use perpcore::world::scenario::{AccountsSpec, Ladder, MarginMode, PositionSide, PositionsSpec, Spread};
use perpcore::world::{Column, World};

/// In rows that are in no order: longs and shorts, where they break.
const ROWS: [(f64, f64, i64); 6] = [
    (-1.0, 12.5, 300),
    (1.0, 9.0, 70),
    (-1.0, 10.75, 200),
    (-1.0, 11.0, 900),
    (1.0, 9.5, 20),
    (-1.0, 10.75, 100),
];
/// As they are numbered.
const ORDER: [usize; 6] = [2, 5, 3, 0, 4, 1];

/// What is prepared is kept for the process, and only the last of it: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn held() -> (Vec<Arc<Column>>, PositionsSpec) {
    #[allow(clippy::cast_precision_loss)]
    let columns = [
        Column::hold("sides", ROWS.iter().map(|row| row.0).collect()),
        Column::hold("prices", ROWS.iter().map(|row| row.1).collect()),
        Column::hold("lots", ROWS.iter().map(|row| row.2 as f64).collect()),
    ];
    let spec = AccountsSpec {
        side: "sides".into(),
        qty: "lots".into(),
        entry_price: None,
        liquidation_price: Some("prices".into()),
        leverage: None,
        margin: None,
        stop_price: None,
        margin_mode: MarginMode::Isolated,
        wallet: None,
    };
    (columns.into(), PositionsSpec::Accounts(spec))
}

fn one(row: (f64, f64, i64)) -> PositionsSpec {
    PositionsSpec::Ladder(Ladder {
        side: if row.0 < 0.0 { PositionSide::Short } else { PositionSide::Long },
        entry_price: None,
        qty: Some(row.2.into()),
        notional: None,
        lump: None,
        liquidation_price: Some(Spread::One(decimal(&row.1.to_string()))),
        leverage: None,
        stop_price: None,
        margin_mode: MarginMode::Isolated,
        wallet: decimal("0"),
        placement: Default::default(),
    })
}

#[test]
fn columns_are_the_ladders_of_one_account_each() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (_columns, spec) = held();
    let world = |positions| {
        let mut setup = Setup::new();
        setup.0.positions = positions;
        World::build(&setup.0).unwrap_or_else(|error| panic!("{error}"))
    };
    let given = world(vec![spec]);
    let singly = world(ORDER.iter().map(|&row| one(ROWS[row])).collect());
    assert_eq!(given.fixed.accounts, singly.fixed.accounts);
    assert_eq!(given.fixed.sorted, singly.fixed.sorted);
    for (place, &row) in ORDER.iter().enumerate() {
        assert_eq!(given.fixed.row_of(place), Some((0, u32::try_from(row).unwrap())));
        assert_eq!(singly.fixed.row_of(place), None);
    }
    let ran = |world: &World| {
        let mut simulation = Simulation::new(world, 1, 0, Recorder::default()).unwrap();
        let reason = simulation.run().unwrap();
        assert_eq!(simulation.ledger().sum(), 0);
        assert_eq!(simulation.positions().iter().map(|position| position.qty.0).sum::<i64>(), 0);
        let summary = simulation.summary(reason).unwrap();
        assert!(summary.burnt_qty.0 > 500);
        format!("{:?}", perpcore::results::exact_summary(world, &summary))
    };
    assert_eq!(ran(&given), ran(&singly));
}

#[test]
fn worlds_that_differ_elsewhere_share_their_accounts() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (_columns, spec) = held();
    let mut setup = Setup::new();
    setup.0.positions = vec![spec];
    let first = World::build(&setup.0).unwrap();
    setup.0.market_maker.hedge_ratio = decimal("0.5");
    let second = World::build(&setup.0).unwrap();
    assert!(Arc::ptr_eq(&first.fixed, &second.fixed));
    setup.0.start_price = decimal("10.01");
    assert!(!Arc::ptr_eq(&first.fixed, &World::build(&setup.0).unwrap().fixed));
}

#[test]
fn columns_that_nobody_holds_are_named() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (columns, PositionsSpec::Accounts(spec)) = held() else { unreachable!() };
    let mut setup = Setup::new();
    setup.0.positions = vec![PositionsSpec::Accounts(AccountsSpec { qty: "other".into(), ..spec })];
    let error = World::build(&setup.0).unwrap_err();
    assert_eq!(error.problems[0].field, "positions[0].qty");
    drop(columns);
}
