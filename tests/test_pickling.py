"""Ensembles, runs and results go through pickle and stay what they are."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

import perpcore as pc
from running import run, same_statistics, scenario


@pytest.mark.parametrize("keep", ["columns", "statistics"])
def test_an_ensemble_is_the_same_afterwards(keep: str) -> None:
    whole = scenario().monte_carlo(paths=500, seed=3, first_path=9, keep=keep, n_threads=2, progress=False)
    for again in (pickle.loads(pickle.dumps(whole)), copy.deepcopy(whole)):
        same_statistics(again, whole)
        assert (repr(again), again.scenario, again.seed) == (repr(whole), whole.scenario, 3)
        assert (again.first_path, again.n_threads, again.complete) == (9, 2, True)
        if keep == "columns":
            assert again.to_pyarrow().equals(whole.to_pyarrow())
            np.testing.assert_array_equal(again.exact("burnt_qty"), whole.exact("burnt_qty"))
        else:
            with pytest.raises(pc.PerpcoreError, match='keep="columns"'):
                again["rounds"]


def test_of_a_run_through_time_too() -> None:
    whole = pc.presets.funding_trap().monte_carlo(paths=3, seed=1, progress=False)
    again = pickle.loads(pickle.dumps(whole))
    same_statistics(again, whole)
    assert again.to_pyarrow().equals(whole.to_pyarrow())


def test_altered_bytes_are_refused() -> None:
    whole = scenario().monte_carlo(paths=50, seed=3, progress=False)
    rebuild, (of, dump, rows, n_threads) = whole.__reduce__()
    rows = [None if column is None else column.copy() for column in rows]
    rows[0][7] += 1
    with pytest.raises(pc.PerpcoreError, match="not those that were kept"):
        rebuild(of, dump, rows, n_threads)
    with pytest.raises(pc.PerpcoreError, match="cut short or altered"):
        rebuild(of, dump[:-1], None, n_threads)
    with pytest.raises(pc.PerpcoreError, match="no statistics that this version"):
        rebuild(of, b"something else", None, n_threads)


def test_a_run_is_run_again_when_it_is_looked_at() -> None:
    one = scenario().run(seed=4, path=17)
    again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(one))))
    assert (again.seed, again.path, again.scenario) == (4, 17, one.scenario)
    assert isinstance(again, pc.Run)
    np.testing.assert_equal(dict(again.summary), dict(one.summary))
    assert again.fills.to_pyarrow().equals(one.fills.to_pyarrow())
    assert repr(again) == repr(one)


def test_a_run_that_comes_out_otherwise_is_an_error() -> None:
    kind, (of, seed, path, summary, keep) = scenario().run(seed=4).__reduce__()
    with pytest.raises(pc.RunError, match="another version of perpcore"):
        _ = kind(of, seed, path, summary | {"rounds": 0}, keep).summary


def test_a_run_that_was_stepped_says_why_it_can_not() -> None:
    simulation = pc.presets.funding_trap().simulation(seed=1)
    simulation.step()
    with pytest.raises(TypeError, match="stepped through"):
        pickle.dumps(simulation.result())


def test_results_are_read_where_they_lie(tmp_path: Path) -> None:
    whole = run(tmp_path)
    again = pickle.loads(pickle.dumps(whole))
    same_statistics(again, whole)
    assert again.directory == tmp_path
