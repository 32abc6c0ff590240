"""What the names in a case mean, in the words of `perpcore.rules`."""

from functools import cached_property
from typing import Any

import numpy as np

import perpcore as pc
from conformance.registry import Inputs, NotSupported

R = pc.rules

INVERSE_VENUES = ("bitmex", "deribit")
QUANTITIES = ("qty", "contracts", "size", "qty_usd", "position", "short", "btc")
CONTRACT_SIZES = ("contract_size", "ct_val", "ct_val_usd", "multiplier")
ENTRIES = ("entry", "avg_px", "open_avg")
EXITS = ("mark", "exit", "close_avg", "px", "price")
MARGINS = (
    "margin",
    "isolated_wallet",
    "wallet_balance",
    "margin_used",
    "balance",
    "balance_btc",
    "collateral",
)
RATES = ("mmr", "mmf", "mm")
FEES = ("taker", "fee_rate")


def is_inverse(exchange: str, inputs: Inputs) -> bool:
    """Whether money is coin."""
    named = any(part in exchange for part in ("inverse", "coinm"))
    return named or exchange.startswith(INVERSE_VENUES) or "ct_val_usd" in inputs or "qty_usd" in inputs


SIDES = {"long": 1, "short": -1, "buy": 1, "sell": -1, 1: 1, -1: -1}


class Position:
    """One position of a case; what is asked for and not given makes the case unsupported."""

    def __init__(self, exchange: str, inputs: Inputs, contract: str | None = None) -> None:
        self.exchange, self.inputs = exchange, inputs
        self.contract: Any = contract or ("inverse" if is_inverse(exchange, inputs) else "linear")

    def get(self, *names: str, default: Any = None) -> Any:
        """One of these inputs, or what stands for it if none is given."""
        try:
            return self.inputs.first(*names)
        except NotSupported:
            if default is None:
                raise
            return default

    @cached_property
    def signed(self) -> float:
        return self.get("base")

    @cached_property
    def side(self) -> Any:
        if "side" in self.inputs:
            return SIDES[self.inputs["side"]]
        if "short" in self.inputs:
            return -1
        return np.sign(self.get("base", "btc", default=1.0))

    @cached_property
    def qty(self) -> Any:
        """In tokens, inverse in quote currency. Without one: a position of one unit."""
        count = abs(self.get(*QUANTITIES, "base", default=1.0))
        size = self.get(*CONTRACT_SIZES, default=1.0)
        return R.notional(qty=count, price=size)

    @property
    def entry(self) -> Any:
        return self.get(*ENTRIES)

    @property
    def mark(self) -> Any:
        if "notional" in self.inputs:
            notional = self.inputs.number("notional")
            return R.implied_price(notional=notional, qty=self.qty, contract=self.contract)
        return self.get(*EXITS)

    def worth(self, price: Any) -> Any:
        return R.notional(qty=self.qty, price=price, contract=self.contract)

    def worth_given(self) -> Any:
        """As it stands, or of the quantity at the price that there is: mark before entry."""
        for name in ("notional", "value_xbt", "value_eth", "total_ntl", "quote_quantums"):
            if name in self.inputs:
                return self.inputs.number(name)
        return self.worth(self.get(*EXITS, *ENTRIES))

    def initial(self, notional: Any, **options: Any) -> Any:
        """Initial margin by the leverage or rate that is given."""
        for name in ("leverage", "max_leverage"):
            if name in self.inputs:
                return R.initial_margin(notional=notional, leverage=self.inputs.number(name), **options)
        rate = self.get("im", "imf", "im_rate", "margin_factor", "factor")
        return R.initial_margin(notional=notional, initial_rate=rate, **options)

    @property
    def rate(self) -> float:
        if any(name in self.inputs for name in RATES):
            return self.get(*RATES)
        if "max_leverage" in self.inputs:
            return R.maintenance_rate(max_leverage=self.inputs["max_leverage"])
        raise NotSupported("no maintenance rate is given")

    @property
    def rules(self) -> dict[str, Any]:
        """Maintenance as `liquidation_price` takes it."""
        if "tiers" in self.inputs:
            return {"tiers": tiers(self.inputs)}
        return {"maintenance_rate": self.rate, "deduction": self.deduction}

    @property
    def deduction(self) -> float:
        return self.get("maint_amount", "cum", "mm_amount", "deduction", default=0.0)

    def pnl(self, exit_price: Any) -> Any:
        return R.unrealised_pnl(
            side=self.side,
            qty=self.qty,
            entry_price=self.entry,
            mark_price=exit_price,
            contract=self.contract,
        )

    def fee(self, price: Any) -> Any:
        rate = self.get(*FEES)
        return R.fee(qty=self.qty, price=price, fee_rate=rate, contract=self.contract)

    def bust(self, margin: Any, **options: Any) -> Any:
        return R.bankruptcy_price(
            side=self.side,
            qty=self.qty,
            entry_price=self.entry,
            margin=margin,
            contract=self.contract,
            **options,
        )

    def bust_of_initial(self) -> Any:
        """Where initial margin is gone: the venue's own figure where it is given."""
        return self.inputs.number("bust") if "bust" in self.inputs else self.bust(self.initial_at_entry())

    def initial_at_entry(self) -> Any:
        return self.initial(self.worth(self.entry))

    def maintenance(self, notional: Any, **options: Any) -> Any:
        if "tiers" in self.inputs:
            return R.maintenance_margin(notional=notional, tiers=tiers(self.inputs), **options)
        return R.maintenance_margin(
            notional=notional, maintenance_rate=self.rate, deduction=self.deduction, **options
        )


def tiers(inputs: Inputs) -> list[tuple[float, float]]:
    """Pairs, from rates or from largest leverages."""
    rows = inputs["tiers"]
    floors = [row.get("floor", row.get("min_notional")) for row in rows]
    if all("max_leverage" in row for row in rows):
        leverages = [row["max_leverage"] for row in rows]
        return R.tiers_by_leverage(min_notional=floors, max_leverage=leverages)
    return [(floor, row["mmr"]) for floor, row in zip(floors, rows, strict=True)]


class Quantums:
    """A dYdX account in whole quantums: positions of base, quote per base quantum."""

    UNIT = 1_000_000  # quote quantums in a unit of quote currency

    def __init__(self, inputs: Inputs, at: str) -> None:
        rows = inputs["positions"]
        self.base = np.array([float(row["base_quantums"]) for row in rows])
        self.price = np.array([float(row["price_quote_per_quantum"]) for row in rows])
        self.rate = np.array([float(row["mmf"]) for row in rows])
        self.at = inputs[at]
        side, qty = np.sign(self.base), np.abs(self.base)
        balance = inputs.number("usdc") * self.UNIT
        self.equity = R.account_value(balance=balance, side=side, qty=qty, price=self.price)
        notional = R.notional(qty=self.base, price=self.price)
        each = R.maintenance_margin(notional=notional, maintenance_rate=self.rate, step=1)
        self.maintenance = each.sum()
        self.side = side
