"""The engine's runs against the oracle's: every table, account and figure, to the last unit."""

import numpy as np
import pytest

import oracle.engine
import perpcore as pc


def columns_of(rows, names):
    """Columns of rows: doubles where a row has doubles."""
    return {
        name: np.array(
            [row[name] for row in rows], np.float64 if isinstance(rows[0][name], float) else np.int64
        )
        for name in names
    }


def assert_same_table(run, name, rows):
    table = run.exact(name)
    assert len(table) == len(rows), f"{name}: {len(table)} rows, the oracle has {len(rows)}"
    names = rows[0].keys() if rows else ()
    assert not rows or set(names) == set(table), f"{name}: columns {set(names) ^ set(table)}"
    for column, expected in columns_of(rows, names).items():
        ours = table[column]
        if not np.array_equal(ours, expected):
            at = int(np.flatnonzero(ours != expected)[0])
            pytest.fail(f"{name}[{at}].{column}: {ours[at]}, the oracle has {expected[at]}; row {rows[at]}")


def assert_same(scenario, seed, path=0, modes=(True, False)):
    """The oracle's run, once the engine's, lazy and eager, has agreed with it."""
    expected = oracle.engine.run(scenario, seed, path)
    for lazy in modes:
        run = pc.Scenario.from_dict(scenario).run(seed=seed, path=path, lazy=lazy)
        assert_same_run(run, expected, lazy)
    return expected


def assert_same_run(run, expected, lazy):
    assert_same_table(run, "fills", expected.fills)
    assert_same_table(run, "liquidations", expected.liquidations)
    assert_same_table(run, "adl", expected.adl)
    assert_same_table(run, "stages", expected.stages)
    for name in ("series", "agents", "heat_map") if expected.series else ():
        assert_same_table(run, name, getattr(expected, name))
    accounts = {int(row[0]): row[1:6] for row in zip(*run.exact("accounts").to_numpy().values(), strict=True)}
    missing = {account for account, held in expected.positions.items() if any(held)} - set(accounts)
    assert not missing, f"lazy={lazy}: no accounts {missing}"
    for account, (balance, qty, cost, margin, tokens) in accounts.items():
        assert balance == expected.balances.get(account, 0), f"lazy={lazy}: balance of {account}"
        held = tuple(expected.positions.get(account, (0, 0, 0)))
        assert (qty, cost, margin) == held, f"lazy={lazy}: position of {account}"
        assert tokens == expected.tokens.get(account, 0), f"lazy={lazy}: tokens of {account}"
    summary = run.exact("summary")
    for name, value in expected.summary.items():
        assert summary[name] == value, f"lazy={lazy}: summary: {name}"


def assert_same_row(ensemble, path, expected):
    """The row of a path that nobody traced, in memory that the path before it had used."""
    for name, value in expected.summary.items():
        ours = ensemble[name][path] if name == "stop_reason" else ensemble.exact(name)[path]
        assert ours == value, f"row of the ensemble: {name}: {ours}, the oracle has {value}"
