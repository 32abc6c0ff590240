"""Real accounts as arrays: the same bits as one by one, known by their content, refused by row."""

import pickle
import random
import subprocess
import sys

import numpy as np
import pytest

import perpcore as pc
from comparison import assert_same, assert_same_row
from oracle.as_rows import as_rows
from oracle.ruled import ruled_scenario
from oracle.scenarios import random_scenario

PATHS = 3
TABLES = ("fills", "liquidations", "adl", "stages", "ledger")


def rocket(*accounts, **changes):
    return pc.presets.rocketcoin().replace(positions=list(accounts), **changes)


def shorts(n, seed=1, **columns):
    rng = np.random.default_rng(seed)
    return pc.Accounts(
        side="short", qty=rng.integers(1, 90, n), liquidation_price=rng.uniform(10.5, 14, n), **columns
    )


def assert_oracle_agrees(scenario, seed):
    ensemble = pc.Scenario.from_dict(scenario).monte_carlo(
        paths=PATHS, seed=seed, n_threads=1, progress=False
    )
    forced = 0
    for path in range(PATHS):
        expected = assert_same(scenario, seed, path)
        assert_same_row(ensemble, path, expected)
        forced += len(expected.liquidations)
    return forced


@pytest.mark.parametrize("chunk", range(4))
@pytest.mark.parametrize("draw", ["plain", "ruled"])
def test_random_rows_off_the_grid_agree_with_the_oracle(draw, chunk):
    """Lazy, eager, and rows of an ensemble, whose memory the path before had used."""
    forced = written = 0
    for i in range(chunk * 10, chunk * 10 + 10):
        rng = random.Random(i)
        scenario = random_scenario(rng) if draw == "plain" else ruled_scenario(rng, i, PATHS)
        rows = as_rows(scenario, rng)
        written += rows != scenario
        forced += bool(assert_oracle_agrees(rows, i))
    assert written >= 8
    assert forced >= 4


@pytest.mark.parametrize("venue", ["plain", "binance_usdtm", "okx"])
@pytest.mark.parametrize("seed", range(4))
def test_arrays_are_the_same_accounts_as_one_by_one(venue, seed):
    """Every table but for who is called what: the ladders stand in the order in which rows are numbered."""
    rng = np.random.default_rng(seed)
    n = 60
    side = np.where(rng.random(n) < 0.7, "short", "long")
    away = np.where(side == "short", 1, -1)
    qty = rng.integers(1, 3_000, n)
    entry = 10 + rng.integers(-9, 10, n) / 100
    columns = {"side": side, "qty": qty, "entry_price": entry}
    if seed % 2:
        leverage = rng.integers(250, 490, n) / 100
        columns |= {"leverage": leverage, "wallet": qty // 3, "margin_mode": "cross"}
    else:
        columns["liquidation_price"] = 10 + away * rng.integers(240, 420, n) / 100
    columns["stop_price"] = np.where(rng.random(n) < 0.4, 10 + away * rng.integers(20, 300, n) / 100, np.nan)
    rules = {"ignition": pc.Ignition(qty=60_000)}
    if venue != "plain":
        rules["venue"] = getattr(pc.venues, venue)(insurance_fund=20_000)
    whole = rocket(pc.Accounts(**columns), **rules)
    held = whole.run(seed=seed).accounts
    order = held["row"][held["row"] >= 0]
    assert sorted(order) == list(range(n))
    assert not np.array_equal(order, np.arange(n))

    def ladder(row):
        given = {name: v[row] if isinstance(v, np.ndarray) else v for name, v in columns.items()}
        exact = {name: round(v, 2) if isinstance(v, float) else v for name, v in given.items() if v == v}
        return pc.Ladder(**exact)

    singly = rocket(*map(ladder, order), **rules)
    for lazy in (True, False):
        ours, theirs = (s.run(seed=seed, lazy=lazy) for s in (whole, singly))
        assert len(ours.liquidations) > 0
        for name in TABLES:
            for column, values in theirs.exact(name).to_numpy().items():
                np.testing.assert_array_equal(ours.exact(name)[column], values, f"{name}.{column}")
        assert ours.exact("summary") == theirs.exact("summary")
    ensembles = [s.monte_carlo(paths=5, seed=seed, progress=False) for s in (whole, singly)]
    assert ensembles[0].hash() == ensembles[1].hash()


def test_paths_in_used_memory_are_fresh_under_partial_liquidation():
    """What an account was ordered, or where its threshold moved to, is forgotten with its path."""
    tiers = [pc.Tier(min_notional=0, maintenance_rate=0.01, max_leverage=20)]
    tiers += [pc.Tier(min_notional=5_000, maintenance_rate=0.05, max_leverage=10)]
    scenario = rocket(shorts(400)).replace(
        {
            "venue.tiers": tiers,
            "venue.tier_rule": "whole_position",
            "venue.liquidation_size": {"kind": "share", "share": 0.2, "cooldown_s": 2},
            "round_seconds": 1,
            "venue.rest": "keep",
            "ignition.qty": pc.Uniform(10_000, 60_000),
        }
    )
    ensemble = scenario.monte_carlo(paths=40, seed=3, n_threads=2, progress=False)
    assert len(set(ensemble["liquidated_accounts"])) > 10
    for path in range(0, 40, 3):
        summary = scenario.run(seed=3, path=path).exact("summary")
        for name in ("liquidated_qty", "final_price", "rounds", "positions_pnl", "liquidated_accounts"):
            assert ensemble.exact(name)[path] == summary[name], (path, name)


def test_paths_of_different_books_share_the_accounts():
    """Depth drawn per path makes another world of each, of the same accounts."""
    scenario = rocket(shorts(2_000)).replace({"spot.asks.depth": pc.Uniform(10_000, 30_000)})
    one, two = (scenario.monte_carlo(paths=60, seed=2, n_threads=n, progress=False) for n in (1, 2))
    assert one.hash() == two.hash()
    assert len(set(one["final_price"])) > 30
    for path in (0, 17, 59):
        assert one["final_price"][path] == scenario.run(seed=2, path=path).summary["final_price"]


def test_it_is_compared_hashed_and_pickled_by_its_content():
    one, two, other = (rocket(shorts(5_000, seed)) for seed in (1, 1, 2))
    assert one == two
    assert hash(one) == hash(two)
    assert one.digest() == two.digest()
    assert one != other
    assert one.digest() != other.digest()
    data = pickle.dumps(one)
    assert len(data) < 5_000 * 16 + 4_000
    again = pickle.loads(data)
    assert again == one
    assert again.run(seed=1).summary == one.run(seed=1).summary


def test_a_process_that_never_saw_the_arrays_runs_a_pickle(tmp_path):
    scenario = rocket(shorts(3_000))
    (tmp_path / "scenario").write_bytes(pickle.dumps(scenario))
    script = "import pickle, sys; s = pickle.load(open(sys.argv[1], 'rb'))"
    script += "; print(s.digest(), s.run(seed=1).summary)"
    run = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "scenario"], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == f"{scenario.digest()} {scenario.run(seed=1).summary}"


def test_few_rows_are_written_as_they_are():
    scenario = rocket(
        pc.Accounts(side=["short", "long"], qty=[10, 1.5], leverage=[3, 2.5], stop_price=[11.5, None])
    )
    assert 'side = ["short", "long"]' in scenario.to_toml()
    assert pc.Scenario.from_toml(scenario.to_toml()) == scenario
    assert pc.Scenario.from_dict(scenario.to_dict()) == scenario


def test_many_rows_are_written_by_digest_and_file(tmp_path):
    pytest.importorskip("pyarrow")
    accounts = shorts(2_000).replace(side=["short"] * 2_000)
    assert accounts.to_parquet(tmp_path / "book.parquet") == accounts
    accounts = accounts.from_parquet(tmp_path / "book.parquet")
    scenario = rocket(accounts)
    text = scenario.to_toml()
    assert "book.parquet" in text
    assert len(text) < 3_000
    assert pc.Scenario.from_toml(text) == scenario
    (tmp_path / "scenario.toml").write_text(text)
    script = "import sys, perpcore as pc; print(pc.Scenario.from_file(sys.argv[1]).digest())"

    def elsewhere():
        command = [sys.executable, "-c", script, tmp_path / "scenario.toml"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert elsewhere().stdout.strip() == scenario.digest()
    shorts(2_000, seed=9).to_parquet(tmp_path / "book.parquet")
    assert "the file has changed" in elsewhere().stderr
    (tmp_path / "book.parquet").unlink()
    assert "a Parquet file with a column 'side'" in elsewhere().stderr


def test_arrays_without_a_file_are_found_in_their_own_process_only(tmp_path):
    scenario = rocket(shorts(2_000))
    assert pc.Scenario.from_toml(scenario.to_toml()) == scenario
    (tmp_path / "scenario.toml").write_text(scenario.to_toml())
    script = "import sys, perpcore as pc; pc.Scenario.from_file(sys.argv[1])"
    command = [sys.executable, "-c", script, tmp_path / "scenario.toml"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert "positions[0].qty.sha256: " in said
    assert "Accounts.to_parquet" in said


def test_tables_of_any_make_are_read():
    pa, pl, pd = (pytest.importorskip(name) for name in ("pyarrow", "polars", "pandas"))
    data = {
        "side": ["short", "LONG"],
        "qty": [3, 4],
        "lev": [2.0, 3.0],
        "stop_price": [None, 9.5],
        "who": ["a", "b"],
    }
    expected = pc.Accounts(side=["short", "long"], qty=[3, 4], leverage=[2, 3], stop_price=[np.nan, 9.5])
    wanted = {"side": "side", "qty": "qty", "leverage": "lev", "stop_price": "stop_price"}
    for table in (data, pa.table(data), pl.DataFrame(data), pd.DataFrame(data)):
        assert pc.Accounts.from_table(table, columns=wanted) == expected
    with pytest.raises(pc.ScenarioError, match="leverage: the column 'leverage' is not allowed"):
        pc.Accounts.from_table(data, columns=["side", "qty", "leverage"])
    with pytest.raises(pc.ScenarioError, match="columns: 'size' is not allowed: one of side, qty"):
        pc.Accounts.from_table(data, columns={"size": "qty"})


BAD = {
    "not a number": ({"qty": [1, float("nan")]}, "positions[0].qty[1]: NaN"),
    "infinite": ({"qty": [1, float("inf")]}, "positions[0].qty[1]: inf"),
    "negative": ({"qty": [-5, 1]}, "positions[0].qty[0]: -5"),
    "nothing": ({"qty": [1, 0.2]}, "positions[0].qty[1]: 0.2"),
    "a vast quantity": ({"qty": [1, 1e20]}, "positions[0].qty[1]: 100000000000000000000"),
    "a value beyond 64 bits": ({"qty": [1, 9e15]}, "below 2^63 quote steps"),
    "unlike lengths": ({"qty": [1, 2, 3]}, "positions[0].leverage: 2 rows"),
    "too much leverage": ({"leverage": [3, 50]}, "positions[0].leverage[1]: a leverage of 50.00"),
    "no leverage": ({"leverage": [3, 0]}, "positions[0].leverage[1]: 0"),
    "due at the start": ({"entry_price": [10, 5]}, "positions[0].leverage[1]: liquidation at"),
    "a negative entry": ({"entry_price": [10, -5]}, "positions[0].entry_price[1]: -5"),
    "a stop behind": ({"stop_price": [9, 12]}, "positions[0].stop_price[0]: 9"),
    "two backings": ({"margin": [3, 3]}, "leverage and margin is not allowed: exactly one"),
    "no backing": ({"leverage": None}, "none of them is not allowed: exactly one"),
    "a wallet of the isolated": ({"wallet": 3}, "positions[0].wallet: a wallet"),
    "a negative margin": ({"leverage": None, "margin": [-1, 2]}, "positions[0].margin[0]: -1"),
    "a side that is none": ({"side": ["short", "up"]}, "side[1]: "),
    "a side that is no text": ({"side": [1, 0]}, "positions[0].side[1]: 0"),
    "text": ({"qty": ["a", "b"]}, "qty[0]: 'a'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_refused_with_field_row_and_value(name):
    changes, said = BAD[name]
    with pytest.raises(pc.ScenarioError) as caught:
        rocket(pc.Accounts(**{"side": "short", "qty": [10, 20], "leverage": [3, 4]} | changes))
    assert said in str(caught.value)


def test_of_many_bad_rows_the_first_are_told_and_the_others_counted():
    qty = np.ones(10_000)
    qty[::2] = -1
    with pytest.raises(pc.ScenarioError) as caught:
        rocket(pc.Accounts(side="short", qty=qty, leverage=3))
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines[:5]] == [
        f"positions[0].qty[{row}]" for row in (0, 2, 4, 6, 8)
    ]
    assert lines[5].startswith("positions[0]: 5000 of 10000 rows")
    assert len(lines) == 6
    with pytest.raises(pc.ScenarioError, match="9,998 of 10,000 sides"):
        pc.Accounts(side=["short", "long"] + ["?"] * 9_998, qty=1, leverage=3)


def test_more_than_a_million_are_refused():
    with pytest.raises(pc.ScenarioError, match="1000001 accounts is not allowed: at most 1000000"):
        rocket(pc.Accounts(side="short", qty=np.ones(1_000_001), leverage=3))


CTRL_C = """
import os, signal, sys, threading, time
import numpy as np, perpcore as pc

n, pressed = 1_000_000, []
base = pc.presets.rocketcoin()
qty, price = np.ones(n), np.linspace(11, 50, n)
def press():
    time.sleep(float(sys.argv[1]))
    pressed.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press, daemon=True).start()
try:
    while True:  # other accounts each time
        price += 0.01
        base.replace(positions=[pc.Accounts(side="short", qty=qty, liquidation_price=price)])
except KeyboardInterrupt:
    print(f"{time.perf_counter() - pressed[0]:.3f}")
"""


@pytest.mark.parametrize("after", ["0.3", "1.1"])
def test_ctrl_c_stops_the_preparation_within_half_a_second(after):
    run = subprocess.run([sys.executable, "-c", CTRL_C, after], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 0.5


def test_columns_of_other_lengths_are_not_written(tmp_path):
    accounts = pc.Accounts(side=["short"], qty=[1, 2, 3], liquidation_price=[11, 12])
    with pytest.raises(pc.ScenarioError, match=r"liquidation_price: 2 values is not allowed: 1 or 3"):
        accounts.to_parquet(tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("field", ["qty", "liquidation_price", "side"])
def test_masked_rows_are_no_rows(field):
    rows = {"side": [-1.0, 1.0], "qty": [1.0, 2.0], "liquidation_price": [11.0, 9.0]}
    rows[field] = np.ma.masked_array(rows[field], mask=[False, True])
    with pytest.raises(pc.ScenarioError, match=rf"{field}: an array with masked values is not allowed"):
        pc.Accounts(**rows)
