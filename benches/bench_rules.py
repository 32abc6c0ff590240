"""The venues' formulas over a million accounts."""

import numpy as np
import pytest

import perpcore as pc

ACCOUNTS = 1_000_000
# Twelve brackets as of a large market, six as of a small one.
FLOORS = [0, 3e5, 8e5, 3e6, 12e6, 70e6, 1e8, 2.3e8, 4.8e8, 6e8, 8e8, 1.2e9]
RATES = [0.004, 0.005, 0.0065, 0.01, 0.02, 0.025, 0.05, 0.1, 0.125, 0.15, 0.25, 0.5]


@pytest.fixture(scope="module")
def accounts():
    """Both sides, in every tier; 2 to 50 times leverage."""
    rng = np.random.default_rng(1)
    qty, entry = 10 ** rng.uniform(2, 8, ACCOUNTS), rng.uniform(1, 100, ACCOUNTS)
    margin = qty * entry / rng.uniform(2, 50, ACCOUNTS)
    side = rng.choice([-1.0, 1.0], ACCOUNTS)
    return {"side": side, "qty": qty, "entry_price": entry, "margin": margin}


def tiers(count):
    rows = list(zip(FLOORS, RATES, strict=True))[:count]
    return pc.MarginTiers(
        tiers=[pc.Tier(min_notional=floor, maintenance_rate=rate, max_leverage=2) for floor, rate in rows]
    )


@pytest.mark.parametrize("count", [6, 12])
def bench_liquidation_price_tiers(benchmark, accounts, count):
    """Isolated, linear, the tier searched for each."""
    benchmark.extra_info["elements"] = ACCOUNTS
    prices = benchmark(pc.rules.liquidation_price, **accounts, tiers=tiers(count))
    assert np.isfinite(prices).mean() > 0.9


def bench_liquidation_price_inverse_tiers(benchmark, accounts):
    """Isolated, inverse, twelve tiers, with a closing fee."""
    benchmark.extra_info["elements"] = ACCOUNTS
    coins = {**accounts, "qty": accounts["qty"] * accounts["entry_price"] ** 2}
    options = {"fee_rate": 0.0005, "contract": "inverse"}
    prices = benchmark(pc.rules.liquidation_price, **coins, tiers=tiers(12), **options)
    assert np.isfinite(prices).mean() > 0.9


def bench_liquidation_price_rate(benchmark, accounts):
    """Isolated, linear, at one maintenance rate."""
    benchmark.extra_info["elements"] = ACCOUNTS
    benchmark(pc.rules.liquidation_price, **accounts, maintenance_rate=0.005)


def bench_bankruptcy_price(benchmark, accounts):
    """Isolated, linear."""
    benchmark.extra_info["elements"] = ACCOUNTS
    benchmark(pc.rules.bankruptcy_price, **accounts)


def bench_unrealised_pnl(benchmark, accounts):
    """Linear, at one mark."""
    benchmark.extra_info["elements"] = ACCOUNTS
    position = {name: accounts[name] for name in ("side", "qty", "entry_price")}
    benchmark(pc.rules.unrealised_pnl, **position, mark_price=50.0)
