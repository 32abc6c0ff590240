"""The venues' formulas as vectorised pure functions over numpy arrays, computed in Rust.

In floating point; the engine's own are exact integers (`docs/MODEL.md` section 5). What takes an array takes
a number as well, and gives a float where all arguments are numbers.
"""

from perpcore.rules._tiers import (
    maintenance_rate,
    tier_deduction,
    tier_deductions,
    tier_rate,
    tiers_by_leverage,
)
from perpcore.rules.liquidation import (
    account_liquidation_price,
    bankruptcy_price,
    cross_liquidation_price,
    liquidation_price,
    round_to_tick,
)
from perpcore.rules.margin import (
    available_margin,
    initial_margin,
    is_liquidatable,
    maintenance_margin,
    margin_levels,
    margin_ratio,
    open_interest_rate,
    size_scaled_weight,
    slippage_margin,
    stepped_rate,
    sustainable_loss,
)
from perpcore.rules.profit import (
    account_value,
    entry_price,
    fee,
    implied_price,
    notional,
    realised_pnl,
    return_on_margin,
    unrealised_pnl,
)
from perpcore.rules.reduction import (
    after_takeover,
    bankruptcy_quote,
    disposal_pnl,
    disposal_slices,
    fillable_price,
    fund_fee_rate,
    quantity_to_cover,
    quantity_to_tier,
    rising_fee,
)

__all__ = [
    "account_liquidation_price",
    "account_value",
    "after_takeover",
    "available_margin",
    "bankruptcy_price",
    "bankruptcy_quote",
    "cross_liquidation_price",
    "disposal_pnl",
    "disposal_slices",
    "entry_price",
    "fee",
    "fillable_price",
    "fund_fee_rate",
    "implied_price",
    "initial_margin",
    "is_liquidatable",
    "liquidation_price",
    "maintenance_margin",
    "maintenance_rate",
    "margin_levels",
    "margin_ratio",
    "notional",
    "open_interest_rate",
    "quantity_to_cover",
    "quantity_to_tier",
    "realised_pnl",
    "return_on_margin",
    "rising_fee",
    "round_to_tick",
    "size_scaled_weight",
    "slippage_margin",
    "stepped_rate",
    "sustainable_loss",
    "tier_deduction",
    "tier_deductions",
    "tier_rate",
    "tiers_by_leverage",
    "unrealised_pnl",
]
