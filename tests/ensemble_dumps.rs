//! Ensembles as bytes: exact there and back, exact in any parts and order, and never a panic of what is no dump.

#![allow(clippy::cast_possible_truncation)] // of what is small

mod common;

use common::{Setup, ladder};
use perpcore::monte_carlo::{Cells, Control, DumpError, Ensemble, Keep, Plan, Rows, Sum, run};
use perpcore::results::columns;
use perpcore::world::World;
use proptest::prelude::*;
use rust_decimal::Decimal;

fn world() -> World {
    let shorts = ladder(Decimal::from(11), Some(Decimal::from(13))).qty(30_000).lump(100).poisson();
    Setup::new().shorts(shorts).hedging(Decimal::new(6, 1)).igniting(20_500).world()
}

fn part(world: &World, first_path: u64, paths: u64, keep: Keep) -> Ensemble {
    let plan = Plan { paths, first_path, seed: 5, n_threads: 1, keep, lazy: true };
    run(&world.clone().into(), &plan, &Control::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn same(one: &Ensemble, other: &Ensemble) {
    assert_eq!((one.hash, one.paths, one.first_path), (other.hash, other.paths, other.first_path));
    assert_eq!((one.seed, one.complete), (other.seed, other.complete));
    for index in 0..columns(false).len() {
        assert_eq!(one.statistics(index), other.statistics(index), "{}", columns(false)[index].name);
    }
}

fn rows(ensemble: &Ensemble) -> Rows {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Int64Type, UInt8Type};
    let column = |index| match ensemble.exact(index) {
        None => Cells::Derived,
        Some(array) => match array.as_primitive_opt::<Int64Type>() {
            Some(array) => Cells::Wide(array.values().to_vec()),
            None => Cells::Narrow(array.as_primitive::<UInt8Type>().values().to_vec()),
        },
    };
    Rows { columns: (0..columns(false).len()).map(column).collect() }
}

fn sum(parts: &[Vec<u8>]) -> Result<Ensemble, DumpError> {
    let mut sum = Sum::default();
    parts.iter().try_for_each(|bytes| sum.add(bytes))?;
    sum.finish()
}

#[test]
fn rows_come_back_and_others_are_refused() {
    let world = world();
    let kept = part(&world, 7, 300, Keep::Columns);
    let bytes = kept.dump(false);
    let again = Ensemble::load(&bytes, Some(rows(&kept))).unwrap();
    same(&again, &kept);
    assert_eq!(again.table(true).unwrap().unwrap(), kept.table(true).unwrap().unwrap());
    assert_eq!(Ensemble::load(&bytes, None).unwrap_err(), DumpError::WithoutStatistics);
    let other = part(&world, 8, 300, Keep::Columns);
    assert_eq!(Ensemble::load(&bytes, Some(rows(&other))).unwrap_err(), DumpError::OtherRows);
    let mut short = rows(&kept);
    short.columns.pop();
    assert_eq!(Ensemble::load(&bytes, Some(short)).unwrap_err(), DumpError::OtherRows);
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let world = world();
    let dump = |first, paths| part(&world, first, paths, Keep::Statistics).dump(true);
    assert_eq!(sum(&[]).unwrap_err(), DumpError::Nothing);
    assert_eq!(sum(&[dump(0, 20), dump(19, 5)]).unwrap_err(), DumpError::Overlap);
    assert_eq!(sum(&[dump(0, 20), dump(0, 20)]).unwrap_err(), DumpError::Overlap);
    assert!(!sum(&[dump(0, 20), dump(21, 5)]).unwrap().complete);
    let other = Setup::new().igniting(500);
    let plan = Plan { paths: 5, first_path: 100, seed: 6, n_threads: 1, keep: Keep::Statistics, lazy: true };
    let other = run(&other.world().into(), &plan, &Control::default()).unwrap().dump(true);
    assert_eq!(sum(&[dump(0, 20), other]).unwrap_err(), DumpError::OtherScenario);
}

#[test]
fn the_last_paths_there_are_can_be_dumped() {
    let world = world();
    let parts =
        [part(&world, u64::MAX - 3, 2, Keep::Statistics), part(&world, u64::MAX - 1, 1, Keep::Statistics)];
    let whole = sum(&[parts[1].dump(true), parts[0].dump(true)]).unwrap();
    same(&whole, &part(&world, u64::MAX - 3, 3, Keep::Statistics));
    same(&Ensemble::load(&whole.dump(true), None).unwrap(), &whole);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn parts_add_up_to_the_whole_in_any_order(
        cuts in prop::collection::btree_set(1u64..400, 0..6),
        shuffle in any::<u64>(),
        first in 0u64..1_000_000,
    ) {
        let world = world();
        let ends = cuts.iter().copied().chain([400]);
        let mut at = 0;
        let mut parts: Vec<Vec<u8>> = ends
            .map(|end| {
                let keep = if end % 2 == 0 { Keep::Columns } else { Keep::Statistics };
                let bytes = part(&world, first + at, end - at, keep).dump(true);
                at = end;
                bytes
            })
            .collect();
        let turn = shuffle as usize % parts.len();
        parts.rotate_left(turn);
        if shuffle % 3 == 0 {
            parts.reverse();
        }
        let whole = part(&world, first, 400, Keep::Statistics);
        let found = sum(&parts).unwrap();
        same(&found, &whole);
        prop_assert_eq!(found.dump(true), whole.dump(true)); // bytes tell no history
        same(&Ensemble::load(&whole.dump(true), None).unwrap(), &whole);
    }

    #[test]
    fn cut_or_altered_bytes_are_errors(at in any::<prop::sample::Index>(), flip in 1u8.., cut in any::<bool>()) {
        let mut bytes = part(&world(), 0, 50, Keep::Statistics).dump(true);
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] ^= flip }
        prop_assert!(Ensemble::load(&bytes, None).is_err());
        prop_assert!(sum(&[bytes]).is_err());
    }

    /// The checksum made to fit: whatever the numbers then say, they are refused or are statistics that can be added up.
    #[test]
    fn forged_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let whole = part(&world(), 0, 50, Keep::Statistics).dump(true);
        let mut bytes = whole[..whole.len() - 4].to_vec();
        for (at, value) in changes {
            let at = 4 + at.index(bytes.len() - 4);
            bytes[at] = value;
        }
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        if let Ok(found) = Ensemble::load(&bytes, None) {
            for index in 0..columns(false).len() {
                let statistics = found.statistics(index);
                let _ = (statistics.mean(), statistics.variance(), statistics.quantile(0.5, 0.95));
            }
        }
        let _ = sum(&[whole, bytes]);
    }
}
