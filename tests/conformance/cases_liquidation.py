"""Liquidation: prices, triggers, quantities, fees. Names in, names out."""

from typing import Any

import numpy as np

from conformance.meaning import FEES, MARGINS, Position, Quantums, R
from conformance.registry import Inputs, Missing, NotSupported, topic

STRICT = ("dydx", "hyperliquid")  # equity that equals maintenance is safe there
ENTRY_RULE = ("bybit",)  # maintenance of the worth at entry
THROTTLE = "how much may be closed in which slot is a schedule of the venue's own, not a rule of perpcore's"


def maintenance_at(exchange: str) -> Any:
    return "entry" if exchange.startswith(ENTRY_RULE) else "mark"


@topic("liquidation_price_isolated")
def isolated(exchange: str, inputs: Inputs) -> dict[str, Any]:
    p = Position(exchange, inputs)

    def price() -> Any:
        return R.liquidation_price(
            side=p.side,
            qty=p.qty,
            entry_price=reference(p),
            margin=isolated_margin(p),
            **p.rules,
            maintenance_at=maintenance_at(exchange),
            fee_rate=p.get(*FEES, default=0.0),
            extra_margin=p.get("extra_margin", default=0.0),
            # OKX shows the price of inverse contracts one tick early.
            early=inputs["tick"] if exchange.startswith("okx_inverse") and "tick" in inputs else 0.0,
            contract=p.contract,
        )

    return {
        **dict.fromkeys(("liq_price", "liq_px"), price),
        "bust_price": lambda: p.bust(isolated_margin(p)),
        "balance": lambda: isolated_margin(p),
    }


def reference(p: Position) -> Any:
    """The price that margin counts from: entry, or the mark behind a position's value."""
    if "position_value" in p.inputs:
        return R.implied_price(notional=p.inputs.number("position_value"), qty=p.qty, contract=p.contract)
    return p.entry


def isolated_margin(p: Position) -> Any:
    for name in MARGINS:
        if name in p.inputs:
            return p.inputs.number(name)
    if p.exchange.startswith("phemex"):  # what backs a position holds the fee for closing it
        return p.initial(p.worth(p.entry), closing_fee=p.fee(p.bust_of_initial()))
    return p.initial(p.worth(reference(p)))


@topic("liquidation_price_cross")
def cross(exchange: str, inputs: Inputs) -> dict[str, Any]:
    own = Inputs(inputs["position"]) if "position" in inputs else inputs
    p = Position(exchange, own)
    wallet = cross_wallet(p, inputs)
    fee_rate = p.get(*FEES, default=0.0)

    def bust() -> Any:
        return p.bust(wallet, fee_rate=fee_rate)

    def closing_fee() -> Any:
        price = bust()
        return 0.0 if np.isnan(price) else p.fee(price)

    def price() -> Any:
        # Bybit holds the fee for closing at the bankruptcy price back; elsewhere it moves with the price.
        held = exchange.startswith(ENTRY_RULE) and fee_rate > 0
        fee = {"closing_fee": closing_fee()} if held else {"fee_rate": fee_rate}
        others_pnl, others_maintenance = others(exchange, inputs)
        return R.cross_liquidation_price(
            side=p.side,
            qty=p.qty,
            entry_price=p.entry,
            wallet=wallet,
            others_pnl=others_pnl,
            others_maintenance=others_maintenance,
            **p.rules,
            **fee,
            maintenance_at=maintenance_at(exchange),
            contract=p.contract,
        )

    return {"liq_price": price, "bust_price": bust}


def cross_wallet(p: Position, inputs: Inputs) -> Any:
    names = {"notional": p.worth(p.entry)}
    for name in ("equity", "wallet", *MARGINS):
        if name in inputs:
            return Inputs(names | inputs).number(name)
    return p.initial(p.worth(p.entry))


def others(exchange: str, inputs: Inputs) -> tuple[Any, Any]:
    """Profit and maintenance of the other positions: in sum, or one by one at their marks."""
    if "others" not in inputs:
        given = [inputs.number(name) if name in inputs else 0.0 for name in ("upnl_others", "tmm_others")]
        return given[0], given[1]
    rest = [Position(exchange, Inputs(row)) for row in inputs["others"]]
    return sum(q.pnl(q.mark) for q in rest), sum(q.maintenance(q.worth(q.mark)) for q in rest)


@topic("liquidation_price_order")
def order(exchange: str, inputs: Inputs) -> dict[str, Any]:
    a = Quantums(inputs, "index")
    price = R.fillable_price(
        side=a.side[a.at],
        price=a.price[a.at],
        maintenance_rate=a.rate[a.at],
        equity=a.equity,
        maintenance_margin=a.maintenance,
        adjustment=inputs["bankruptcy_adjustment"],
        spread=inputs["spread_to_mmr"],
    )
    return {"price_quote_per_quantum": price}


@topic("bankruptcy_price")
def bankruptcy(exchange: str, inputs: Inputs) -> dict[str, Any]:
    if "delta_quantums" in inputs:
        return {"quote_quantums": share_of_account(inputs)}
    p = Position(exchange, inputs)
    margin = isolated_margin(p)
    bust = p.bust(margin, extra_margin=p.get("extra_wallet", "extra_margin", default=0.0))

    def on_tick(price: Any) -> Any:
        return (
            R.round_to_tick(side=p.side, price=price, tick_size=inputs["tick"]) if "tick" in inputs else price
        )

    return {
        "bust_price": on_tick(bust),
        "liq_price": lambda: on_tick(isolated(exchange, inputs_without_tick(inputs))["liq_price"]()),
        "counterparty_profit": lambda: R.unrealised_pnl(
            side=-p.side, qty=p.qty, entry_price=p.entry, mark_price=bust, contract=p.contract
        ),
    }


def inputs_without_tick(inputs: Inputs) -> Inputs:
    return Inputs({key: value for key, value in inputs.items() if key != "tick"})


def share_of_account(inputs: Inputs) -> Any:
    a = Quantums(inputs, "close_index")
    return R.bankruptcy_quote(
        position=a.base[a.at],
        change=inputs["delta_quantums"],
        price=a.price[a.at],
        maintenance_rate=a.rate[a.at],
        equity=a.equity,
        maintenance_margin=a.maintenance,
    )


@topic("liquidation_trigger")
def trigger(exchange: str, inputs: Inputs) -> dict[str, Any]:
    p = Position(exchange, inputs)
    strict: Any = "below" if exchange.startswith(STRICT) else "at_or_below"

    def margin() -> Any:
        return isolated_margin(p)

    def at_entry() -> Any:
        return p.maintenance(p.worth(p.entry))

    def equity() -> Any:
        if "usdc" in inputs:
            return R.account_value(balance=inputs["usdc"], side=p.side, qty=p.qty, price=p.mark)
        profit = inputs.number("upl") if "upl" in inputs else p.pnl(p.mark)
        return R.available_margin(wallet=margin(), initial_margin=np.negative(profit))

    def required() -> Any:
        """Of the worth at mark, with the fee for closing where there is one; Toobit: at entry."""
        if exchange.startswith("toobit"):
            return at_entry()
        return p.maintenance(p.worth_given(), fee_rate=p.get(*FEES, default=0.0))

    def liquidated() -> bool:
        return bool(R.is_liquidatable(equity=equity(), maintenance_margin=required(), trigger=strict))

    vega_loss = Missing("risk and slippage factors are not given")
    return {
        **dict.fromkeys(("liquidatable", "liquidated"), liquidated),
        "im": lambda: p.initial(p.worth(p.entry)),
        **dict.fromkeys(("mm", "mmr_at_entry"), at_entry),
        "sustainable_loss": lambda: R.sustainable_loss(
            available=inputs["available"],
            initial_margin=p.initial(p.worth(p.entry)),
            maintenance_margin=at_entry(),
        ),
        "margin": margin,
        **dict.fromkeys(("pnl", "upnl"), lambda: p.pnl(p.mark)),
        **dict.fromkeys(("equity", "remaining"), equity),
        "trigger": lambda: R.maintenance_margin(
            notional=1.0, maintenance_rate=p.rate, fee_rate=inputs.first(*FEES)
        ),
        "mgn_ratio": lambda: R.margin_ratio(equity=equity(), maintenance_margin=required()),
        # ... and the other way round.
        "ratio": lambda: R.margin_ratio(equity=required(), maintenance_margin=equity()),
        "mtm_loss": lambda: -marked_down(p),
        "margin_after": lambda: R.available_margin(wallet=margin(), initial_margin=-marked_down(p)),
        **dict.fromkeys(("maintenance", "initial"), vega_loss),
    }


def marked_down(p: Position) -> Any:
    """Profit between two marks."""
    before, after = p.inputs["mark"]
    return R.unrealised_pnl(side=p.side, qty=p.qty, entry_price=before, mark_price=after)


@topic("partial_liquidation")
def partial(exchange: str, inputs: Inputs) -> dict[str, Any]:
    if "tier1_max" in inputs:
        qty = abs(inputs["position"])
        return {"close_qty": R.quantity_to_tier(qty=qty, max_qty=inputs["tier1_max"])}
    if "disposal_fraction" in inputs:
        return disposal(inputs)
    if "margin_ratio" in inputs:
        return {"base": cover(inputs, inputs["shortage"], inputs["margin_ratio"])}
    if {"initial_pct", "freed"} & inputs.keys():
        raise NotSupported(THROTTLE)
    return reduced(inputs)


def cover(inputs: Inputs, shortage: Any, rate: Any) -> Any:
    return R.quantity_to_cover(
        shortage=shortage,
        margin_rate=rate,
        price=inputs["oracle"],
        liquidator_fee_rate=inputs["liq_fee"],
        fund_fee_rate=inputs["if_fee"],
        quote_price=inputs.get("quote_oracle", 1.0),
    )


def reduced(inputs: Inputs) -> dict[str, Any]:
    """Orders are cancelled, then as much is taken over as brings margin back above the buffer."""
    base, price = inputs["base"], inputs["oracle"]
    side, qty = np.sign(base), abs(base)
    balance = inputs["quote"] + inputs["deposit"]
    equity = R.account_value(balance=balance, side=side, qty=qty, price=price)
    rate = inputs["mm"] + inputs["buffer"]
    required = R.maintenance_margin(notional=R.notional(qty=base, price=price), maintenance_rate=rate)
    shortage = R.available_margin(wallet=required, initial_margin=equity)
    after = R.after_takeover(
        balance=inputs["quote"],
        side=side,
        qty=qty,
        closed=cover(inputs, shortage, rate),
        price=price,
        liquidator_fee_rate=inputs["liq_fee"],
        fund_fee_rate=inputs["if_fee"],
    )
    return {"base_after": side * after["qty"], "quote_after": after["balance"]}


def disposal(inputs: Inputs) -> dict[str, Any]:
    slices = R.disposal_slices(
        qty=abs(inputs["position"]),
        fraction=inputs["disposal_fraction"],
        full_size=inputs["full_disposal_size"],
        max_slice=R.notional(qty=inputs["book_volume"], price=inputs["max_fraction_consumed"]),
    )
    pnl = R.disposal_pnl(
        side=np.sign(inputs["position"]),
        slices=slices,
        takeover_price=inputs["takeover"],
        fill_price=inputs["fill"],
    )
    return {"slices": slices, "network_pnl": pnl}


@topic("liquidation_fee")
def fee(exchange: str, inputs: Inputs) -> dict[str, Any]:
    if "per_slot" in inputs:
        rate = R.rising_fee(
            fee_rate=inputs["base_fee"],
            per_step=inputs["per_slot"],
            elapsed=inputs["slots"],
            grace=inputs["grace"],
            max_fee_rate=inputs["max_fee"],
        )
        return {"fee": rate}
    if "max_if_fee" in inputs:
        rate = R.fund_fee_rate(
            maintenance_rate=inputs["mr"],
            liquidator_fee_rate=inputs["liq_fee"],
            shortage=inputs["shortage"],
            notional=R.notional(qty=abs(inputs["base"]), price=inputs["oracle"]),
            max_fee_rate=inputs["max_if_fee"],
        )
        return {"if_fee": rate}
    return under_water(inputs)


def under_water(inputs: Inputs) -> dict[str, Any]:
    """An account whose equity is gone: all is taken over, the fund asks nothing."""
    side, qty = np.sign(inputs["base"]), abs(inputs["base"])
    equity = R.account_value(
        balance=inputs["quote"] + inputs["deposit"], side=side, qty=qty, price=inputs["oracle"]
    )
    if equity > 0:
        raise NotSupported("the insurance fund's fee is not given")
    after = R.after_takeover(
        balance=inputs["quote"],
        side=side,
        qty=qty,
        closed=qty,
        price=inputs["oracle"],
        liquidator_fee_rate=inputs["liq_fee"],
    )
    return {
        "base_after": after["qty"],
        "quote_after": after["balance"],
        "liquidator_quote": after["liquidator_balance"],
        "if_fee": after["fund"],
    }
