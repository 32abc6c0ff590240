"""A recorded account of Hyperliquid: the venue's own liquidation prices, by the rule of its date."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import perpcore as pc

RATE = 0.01  # March 2023: 50x, maintenance is half of initial margin, on all positions


@pytest.fixture(scope="module")
def account(shared: Path) -> dict[str, Any]:
    path = shared / "data" / "hyperliquid" / "clearinghouse_state_20230327.json"
    if not path.is_file():
        pytest.skip("real data: ../shared/data/hyperliquid/clearinghouse_state_20230327.json is not here")
    account: dict[str, Any] = json.loads(path.read_text())
    return account


def prices(account: dict[str, Any], **rule: Any) -> tuple[Any, Any]:
    """Ours and the venue's, NaN where it names none."""
    positions = [entry["position"] for entry in account["assetPositions"]]
    signed = np.array([float(position["szi"]) for position in positions])
    worth = np.array([float(position["positionValue"]) for position in positions])
    venue = np.array([float(position["liquidationPx"] or "nan") for position in positions])
    ours = pc.rules.account_liquidation_price(
        side=np.sign(signed),
        qty=np.abs(signed),
        mark_price=pc.rules.implied_price(notional=worth, qty=np.abs(signed)),
        equity=float(account["crossMarginSummary"]["accountValue"]),
        maintenance_rate=pc.rules.maintenance_rate(max_leverage=50),
        **rule,
    )
    return ours, venue


def test_the_accounts_liquidation_prices_are_the_venues_own(account: dict[str, Any]) -> None:
    ours, venue = prices(account, own_maintenance="at_mark")
    assert len(ours) == 12
    np.testing.assert_allclose(ours, venue, rtol=1e-9, equal_nan=True)
    assert np.isnan(ours).sum() == 7  # its longs: the account outlives a price of zero


def test_todays_rule_gives_other_prices(account: dict[str, Any]) -> None:
    """The recorded reply tells the two rules apart: a short's own maintenance rises with its price."""
    ours, venue = prices(account)
    shorts = ~np.isnan(venue)
    assert (ours[shorts] < venue[shorts] * (1 - 1e-3)).all()


def test_the_account_is_worth_its_raw_dollars_and_positions(account: dict[str, Any]) -> None:
    positions = [entry["position"] for entry in account["assetPositions"]]
    signed = np.array([float(position["szi"]) for position in positions])
    worth = np.array([float(position["positionValue"]) for position in positions])
    summary = account["crossMarginSummary"]
    value = pc.rules.account_value(
        balance=float(summary["totalRawUsd"]), side=np.sign(signed), qty=worth, price=1.0
    )
    assert value == pytest.approx(float(summary["accountValue"]), abs=1e-6)
