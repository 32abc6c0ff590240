"""Margin, entry prices and profit: names in, names out; the arithmetic is the product's."""

from typing import Any

import numpy as np

from conformance.meaning import ENTRIES, EXITS, FEES, Position, R, tiers
from conformance.registry import Inputs, Missing, NotSupported, topic

SATOSHIS = 100_000_000  # in a coin
PPM = 1e-6


@topic("initial_margin")
def initial_margin(exchange: str, inputs: Inputs) -> dict[str, Any]:
    p = Position(exchange, inputs)
    if "liability_weight" in inputs or "asset_weight" in inputs:
        return {"weight": lambda: weight(inputs)}
    if isinstance(inputs.get("long"), dict):
        return hedged(inputs)
    return {
        "im": lambda: p.initial(p.worth_given()),
        "im_usd": lambda: p.initial(p.qty),
        "im_btc": lambda: p.initial(p.worth_given()),
        "margin": lambda: p.initial(p.worth_given()),
        "mm": lambda: p.maintenance(p.worth_given()),
        "position_im": lambda: p.initial(p.worth(p.entry), closing_fee=p.fee(p.bust_of_initial())),
        "position_mm": lambda: p.maintenance(p.worth(p.entry), closing_fee=p.fee(p.bust_of_initial())),
        "position_balance": lambda: p.initial(p.worth(p.entry), closing_fee=p.fee(p.bust_of_initial())),
        "upnl": lambda: p.pnl(p.mark),
        "fee_to_close": lambda: p.fee(p.bust_of_initial()),
        "roi": lambda: R.return_on_margin(
            pnl=p.pnl(p.mark),
            margin=p.initial(p.worth(p.entry), closing_fee=p.fee(p.bust_of_initial())),
        ),
        "margin_requirement": lambda: p.initial(R.notional(qty=p.signed, price=inputs["oracle"])),
        "upnl_counted_cap": Missing("how much profit counts is a constant of the venue's account, not given"),
        "imr": lambda: p.initial(p.worth_given()),
        "mmr": lambda: maintenance_of_initial(p),
        "imr_quantums": lambda: R.initial_margin(
            notional=inputs.number("quote_quantums"), initial_rate=scaled_rate(inputs), step=1
        ),
        "account_value": lambda: hyperliquid_value(inputs),
        "margin_used": lambda: p.initial(p.worth_given()),
        "withdrawable": lambda: R.available_margin(
            wallet=hyperliquid_value(inputs), initial_margin=p.initial(p.worth_given())
        ),
        "position_margin": lambda: p.initial(p.worth_given()),
        "order_margin": lambda: p.initial(
            R.notional(qty=inputs.first("open_sell", "open_buy"), price=inputs.first(*EXITS))
        ),
        "maintenance": lambda: slippage_maintenance(p),
        "initial": lambda: R.margin_levels(maintenance_margin=slippage_maintenance(p))["initial"],
    }


def weight(inputs: Inputs) -> int:
    """Weights in 1/10,000, factors in 1/1,000,000, sizes in 1/1,000,000,000; cut to whole ones."""
    of: Any = "liability" if "liability_weight" in inputs else "asset"
    found = R.size_scaled_weight(
        weight=inputs[f"{of}_weight"] / 10_000,
        factor=inputs["imf"] / 1_000_000,
        size=inputs["size_1e9"] / 1_000_000_000,
        of=of,
        step=1e-4,
    )
    return round(found * 10_000)


def hedged(inputs: Inputs) -> dict[str, Any]:
    """A long that was opened first, and a short."""
    legs = {side: inputs[side] for side in ("long", "short")}
    margins = {
        side: R.initial_margin(
            notional=R.notional(qty=leg["qty"], price=leg["entry"]), leverage=inputs["leverage"]
        )
        for side, leg in legs.items()
    }

    def available(mark: float) -> Any:
        profits = [
            R.unrealised_pnl(side=side, qty=leg["qty"], entry_price=leg["entry"], mark_price=mark)
            for side, leg in legs.items()
        ]
        return R.available_margin(
            wallet=inputs["wallet"],
            initial_margin=sum(margins.values()),
            unrealised_pnl=sum(profits),
        )

    opened = R.available_margin(wallet=inputs["wallet"], initial_margin=margins["long"])
    return {
        "avail_after_open": opened,
        **{f"avail_at_{mark:g}": available(mark) for mark in np.atleast_1d(inputs["mark"])},
    }


def scaled_rate(inputs: Inputs) -> Any:
    """By open interest: a figure in quantums, or in words where it lies against its caps."""
    if "oi" in inputs and isinstance(inputs["oi"], str):
        beyond = {">= upper cap": 1.0, "<= lower cap": 0.0}
        if inputs["oi"] not in beyond:
            raise NotSupported(f"open interest of {inputs['oi']!r}")
        caps: dict[str, Any] = {"lower_cap": 0.0, "upper_cap": 1.0}
        return R.open_interest_rate(
            initial_rate=inputs["imf"], open_interest=beyond[inputs["oi"]], **caps, step=PPM
        )
    open_interest = R.notional(qty=inputs.first("oi_quantums", "oi"), price=inputs.number("price"))
    return R.open_interest_rate(
        initial_rate=inputs["imf"],
        open_interest=open_interest,
        lower_cap=inputs["lower_cap"],
        upper_cap=inputs["upper_cap"],
        step=PPM,
    )


def maintenance_of_initial(p: Position, step: float = 0.0) -> Any:
    """A fraction of initial margin (dYdX)."""
    initial = p.initial(p.worth_given(), step=step)
    return R.maintenance_margin(notional=initial, maintenance_rate=p.inputs["mm_fraction"], step=step)


def hyperliquid_value(inputs: Inputs) -> Any:
    """Raw dollars and the net worth of longs less shorts."""
    return R.account_value(
        balance=inputs["raw_usd"], side=inputs.get("side", 1), qty=inputs["total_ntl"], price=1.0
    )


def slippage_maintenance(p: Position, mark: Any = None) -> Any:
    exit_price = {"exit_price": p.inputs["best_offer"]} if "best_offer" in p.inputs else {}
    return R.slippage_margin(
        qty=p.qty,
        mark_price=p.inputs.first(*EXITS) if mark is None else mark,
        slippage_cap=p.inputs.first("slippage_cap", "slip"),
        risk_factor=p.inputs.first("risk_factor", "rf"),
        **exit_price,
    )


@topic("maintenance_margin_tiers")
def maintenance(exchange: str, inputs: Inputs) -> dict[str, Any]:
    p = Position(exchange, inputs)
    if "value_xbt" in inputs and "step" in inputs:
        return {"mmr": stepped(inputs, "mm0"), "imr": stepped(inputs, "im0")}
    if "pos_cost_sat" in inputs:
        return in_satoshis(p)
    if "mm_fraction" in inputs:
        whole = inputs["base"] * 1.0 == int(inputs["base"])
        return {
            "imr": lambda: p.initial(p.worth_given(), step=1 if whole else 0),
            "mmr": lambda: maintenance_of_initial(p, step=1 if whole else 0),
        }
    given_rate = "mmr" in inputs
    mark = p.worth_given
    return {
        "maint_amounts": lambda: deductions(inputs),
        "deductions": lambda: deductions(inputs),
        **{key: lambda: next_deduction(inputs) for key in inputs_named(inputs, "floor_", "cum_")},
        "maint_amount": lambda: R.tier_deduction(notional=mark(), tiers=tiers(inputs)),
        "mm": lambda: p.maintenance(mark()),
        "mm_xbt": lambda: p.maintenance(mark()),
        "mm_difference": lambda: float(np.diff(p.maintenance(mark()))[0]),
        "maintenance_leverage": lambda: R.margin_ratio(
            equity=1.0, maintenance_margin=R.tier_rate(notional=mark(), tiers=tiers(inputs))
        ),
        # The rate of a tier or a market; a venue that is told the rate calls the margin so (OKX).
        "mmr": lambda: (
            p.maintenance(mark())
            if given_rate
            else R.tier_rate(notional=mark(), tiers=tiers(inputs))
            if "tiers" in inputs
            else p.rate
        ),
        "imr": lambda: p.initial(mark()),
        "im": lambda: p.initial(mark()),
        "notional": mark,
        "upnl": lambda: p.pnl(p.mark),
        "upl": lambda: p.pnl(p.mark),
        "maintenance": lambda: slippage_maintenance(p),
        **{
            name: lambda name=name: R.margin_levels(maintenance_margin=slippage_maintenance(p), step=1)[name]
            for name in ("search", "initial", "release")
        },
    }


def inputs_named(inputs: Inputs, floor: str, answer: str) -> list[str]:
    """`cum_l5` where the inputs have `floor_l5`, or, with a unit, `floor_btc` and `mmr_l5`."""
    levels = sorted(key.removeprefix("mmr_") for key in inputs if key.startswith("mmr_l"))
    return [answer + levels[-1]] if levels and any(key.startswith(floor) for key in inputs) else []


def next_deduction(inputs: Inputs) -> Any:
    """Of a tier, from the one before it."""
    rates = sorted(key for key in inputs if key.startswith("mmr_l"))[-2:]
    floor = next(key for key in inputs if key.startswith("floor_"))
    first = next(key for key in inputs if key.startswith("cum_"))
    found = R.tier_deductions(
        min_notional=[0.0, inputs[floor]],
        maintenance_rate=[inputs[key] for key in rates],
        first=inputs[first],
    )
    return found[-1]


def deductions(inputs: Inputs) -> Any:
    floors, rates = zip(*tiers(inputs), strict=True)
    return R.tier_deductions(min_notional=floors, maintenance_rate=rates)


def stepped(inputs: Inputs, rate: str) -> Any:
    return R.stepped_rate(
        notional=inputs["value_xbt"],
        base=inputs["base"],
        step=inputs["step"],
        rate=inputs[rate],
        rate_rise=inputs["per_step"],
    )


def in_satoshis(p: Position) -> dict[str, Any]:
    """BitMEX counts margin on a position's cost, with the commission for closing it."""
    cost = abs(p.inputs["pos_cost_sat"])
    commission = R.fee(qty=cost, price=1.0, fee_rate=p.inputs.first(*FEES))
    return {
        "pos_init": p.initial(cost),
        "pos_comm": commission,
        "pos_margin": p.initial(cost, closing_fee=commission),
        "pos_maint": p.maintenance(cost, closing_fee=commission),
    }


@topic("entry_price")
def entry_price(exchange: str, inputs: Inputs) -> dict[str, Any]:
    qty, price = zip(*inputs["fills"], strict=True)
    contract = Position(exchange, inputs).contract
    return {"entry": R.entry_price(qty=qty, price=price, contract=contract)}


@topic("unrealized_pnl_linear")
def linear_pnl(exchange: str, inputs: Inputs) -> dict[str, Any]:
    return profit(Position(exchange, inputs, "linear"))


@topic("unrealized_pnl_inverse")
def inverse_pnl(exchange: str, inputs: Inputs) -> dict[str, Any]:
    return profit(Position(exchange, inputs, "inverse"))


def profit(p: Position) -> dict[str, Any]:
    inputs = p.inputs

    def pnl() -> Any:
        entry = implied_entry(p) if "pos_cost_sat" in inputs else inputs.first(*ENTRIES)
        return R.unrealised_pnl(
            side=p.side, qty=p.qty, entry_price=entry, mark_price=p.mark, contract=p.contract
        )

    return {
        **dict.fromkeys(("upnl", "pnl", "pnl_btc"), pnl),
        "notional": lambda: p.worth(p.mark),
        "value": lambda: p.worth(p.mark),
        "isolated_margin": lambda: (
            p.get("isolated_wallet", "wallet_balance") + pnl()
            if {"isolated_wallet", "wallet_balance"} & inputs.keys()
            else Missing("the isolated wallet, which it adds profit to, is not given")
        ),
        # A long's value is below zero there: what it would take to buy the contracts back in coin.
        "pos_cost_sat": lambda: signed_value(p, p.entry) * SATOSHIS,
        "mark_value_sat": lambda: signed_value(p, p.mark) * SATOSHIS,
        "upnl_sat": lambda: pnl() * SATOSHIS,
    }


def implied_entry(p: Position) -> Any:
    cost = abs(p.inputs["pos_cost_sat"]) / SATOSHIS
    return R.implied_price(notional=cost, qty=p.qty, contract=p.contract)


def signed_value(p: Position, price: Any) -> Any:
    return R.notional(qty=-p.side * p.qty, price=price, contract=p.contract)


@topic("realized_pnl")
def realised(exchange: str, inputs: Inputs) -> dict[str, Any]:
    p = Position(exchange, inputs)

    def pnl(fees: float = 0.0) -> Any:
        return R.realised_pnl(
            side=p.side,
            qty=p.qty,
            entry_price=p.entry,
            exit_price=p.mark,
            fees=fees,
            contract=p.contract,
        )

    return {
        "pnl": pnl,
        "pnl_btc": pnl,
        "pnl_usd": lambda: R.notional(qty=pnl(), price=p.mark),
        "realized": lambda: pnl(fees=-inputs["fee"]),  # what was paid is below zero there
        "fee": lambda: p.fee(inputs.first(*EXITS)),
        "fees_btc": lambda: p.fee(np.array([p.entry, p.mark])).sum(),
    }
