"""An account on a venue: what it is worth, what is asked of it, where it breaks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import msgspec

from perpcore import rules
from perpcore._structs import problem, shown
from perpcore.accounts import orders, terms, waterfall
from perpcore.accounts.holdings import Figures, Holding, RestingOrder, real
from perpcore.venues import Venue

if TYPE_CHECKING:
    from perpcore.accounts.steps import Liquidation

    Levels = Iterable[tuple[float, float]]


class Pocket(NamedTuple):
    """Money that stands and falls together: one isolated position, or all that is cross."""

    equity: float
    maintenance: float


class Account(Figures, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account on one venue; frozen: what changes it returns another.

    Parameters
    ----------
    venue : Venue
        Whose rules; a holding may bring its own market's tiers.
    wallet : number
        Balance before unrealised profit, isolated margin included: quote currency, inverse coin.
    holdings : sequence of Holding
        At most one a market.
    orders : sequence of RestingOrder
        What waits in books.
    open_interest : number, optional
        Open notional of the market, for `Venue.open_interest_caps`.

    Raises
    ------
    ScenarioError
        A number out of its range, two positions in a market, a holding of another contract or of a margin
        mode the venue does not have, more leverage than the tier of a position (at entry) or order allows,
        isolated margins above wallet and cross profit.
    """

    venue: Venue
    wallet: float
    holdings: tuple[Holding, ...] = ()
    orders: tuple[RestingOrder, ...] = ()
    open_interest: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no account; numbers become floats."""
        if not isinstance(self.venue, Venue):
            raise problem("venue", shown(self.venue), "a Venue")
        self._read("wallet")
        self._read("open_interest", optional=True, least=0.0)
        for field, kind in (("holdings", Holding), ("orders", RestingOrder)):
            value = getattr(self, field)
            if not isinstance(value, list | tuple) or not all(isinstance(item, kind) for item in value):
                raise problem(field, shown(value), f"a sequence of {kind.__name__}")
            msgspec.structs.force_setattr(self, field, tuple(value))
        seen: set[str] = set()
        for i, holding in enumerate(self.holdings):
            if holding.market in seen:
                raise problem(f"holdings[{i}].market", holding.market, "a market that has no holding yet")
            seen.add(holding.market)
            if holding.margin_mode not in (modes := self.rules_of(holding).margin_modes):
                allowed = f"one of the venue's margin_modes: {', '.join(modes)}"
                raise problem(f"holdings[{i}].margin_mode", holding.margin_mode, allowed)
            if (contract := self.rules_of(holding).contract) != self.venue.contract:
                raise problem(
                    f"holdings[{i}].venue.contract", contract, f"{self.venue.contract}, the account's"
                )
            if holding.leverage is not None:
                market, field = self.rules_of(holding), f"holdings[{i}].leverage"
                cost = terms.worth(market, holding.qty, holding.entry_price)
                terms.check_leverage(field, market, holding.leverage, cost)
        for i, order in enumerate(self.orders):
            held = self.find(order.market)
            market = self.rules_of(held) if held else self.venue
            cost = terms.worth(market, order.qty, order.price)
            terms.check_leverage(f"orders[{i}].leverage", market, order.leverage, cost)
        aside = self.isolated_margin
        if aside and self.wallet + self._winnings < aside * (1 - 1e-9):
            raise problem(
                "wallet", self.wallet, f"at least the isolated margin, {aside:g}, less cross profit"
            )

    @property
    def _winnings(self) -> float:
        """Profit of the cross positions that have one: all that may stand in for cash that was lost."""
        cross = (held for held in self.holdings if held.margin_mode == "cross")
        return sum(max(0.0, self.profit(held)) for held in cross)

    def rules_of(self, holding: Holding) -> Venue:
        """The rules a holding follows: its own or the account's."""
        return self.venue if holding.venue is None else holding.venue

    def holding(self, market: str) -> Holding:
        """The position in a market.

        Raises
        ------
        ScenarioError
            There is none.
        """
        if (held := self.find(market)) is not None:
            return held
        known = ", ".join(held.market for held in self.holdings)
        raise problem("market", shown(market), f"one with a position: {known or 'there is none'}")

    def find(self, market: str) -> Holding | None:
        """The position in a market, if there is one."""
        return next((held for held in self.holdings if held.market == market), None)

    def with_holding(self, market: str, holding: Holding | None, **fields: Any) -> Self:
        """The account with the position in a market replaced, removed or new."""
        kept = [holding if held.market == market else held for held in self.holdings]
        if self.find(market) is None:
            kept.append(holding)
        return self.replace(holdings=tuple(held for held in kept if held is not None), **fields)

    @property
    def isolated_margin(self) -> float:
        """What is set aside for isolated positions."""
        return sum(terms.isolated_margin(self.rules_of(held), held) for held in self.holdings)

    @property
    def order_margin(self) -> float:
        """What waiting orders lock: notional over leverage of what they would open.

        What only closes a position locks nothing, nor does a reduce-only order (Binance, "How to calculate
        the margin requirement on Binance Futures"; Bybit, Delta and others the same). The better price
        fills, and so closes, first.
        """
        return orders.locked(self, self.orders)

    @property
    def unrealised_pnl(self) -> float:
        """Profit of all positions at their marks (`perpcore.rules.unrealised_pnl`)."""
        return sum(self.profit(held) for held in self.holdings)

    @property
    def equity(self) -> float:
        """Wallet and unrealised profit."""
        return self.wallet + self.unrealised_pnl

    @property
    def maintenance_margin(self) -> float:
        """What all positions must keep: each by its tiers, at mark or entry, with the closing fee.

        By `Venue.tier_rule`, `maintenance_at` and `close_fee`, where their sources stand.
        """
        return sum(self.maintenance(held) for held in self.holdings)

    @property
    def initial_margin(self) -> float:
        """What opening all positions would take: notional over leverage, at least what the tier asks.

        Of the notional at the mark (Binance, OKX, dYdX v4), or at entry where the venue takes maintenance of
        that (Bybit, BitMEX). With `open_interest`, the tier's rate rises as
        `perpcore.rules.open_interest_rate` has it; under the linear tier rule it runs straight between the
        tiers as the maintenance rate does (Deribit).
        """
        return sum(self.initial(held) for held in self.holdings)

    @property
    def available(self) -> float:
        """What new positions may take: free wallet and cross profit, less cross and order margin.

        Profit counts, as on Binance, OKX, Hyperliquid, dYdX v4 and Deribit (Bybit's older rule left it out).
        Below 0 where losses have eaten into initial margin.
        """
        cross = [held for held in self.holdings if held.margin_mode == "cross"]
        locked = sum(self.initial(held) for held in cross) + self.order_margin
        equity = self.wallet - self.isolated_margin + sum(self.profit(held) for held in cross)
        found: float = rules.available_margin(wallet=equity, initial_margin=locked)
        return found

    @property
    def margin_ratio(self) -> float:
        """Equity over maintenance of what stands worst: an isolated position, or all that is cross.

        It breaks at 1 (`perpcore.rules.margin_ratio`); infinite without positions.
        """
        return min((self.margin_ratio_of(held.market) for held in self.holdings), default=float("inf"))

    @property
    def is_liquidatable(self) -> bool:
        """Whether any position is due at the marks, by `Venue.trigger`."""
        return any(self.is_due(held.market) for held in self.holdings)

    def margin_ratio_of(self, market: str) -> float:
        """Equity over maintenance of what a position stands and falls with."""
        equity, maintenance = self.pocket(self.holding(market))
        found: float = rules.margin_ratio(equity=equity, maintenance_margin=maintenance)
        return found

    def is_due(self, market: str) -> bool:
        """Whether a position is due at the marks, by `Venue.trigger`."""
        equity, maintenance = self.pocket(self.holding(market))
        trigger = self.venue.trigger
        return bool(rules.is_liquidatable(equity=equity, maintenance_margin=maintenance, trigger=trigger))

    def liquidation_price(self, market: str) -> float:
        """Mark at which a position is due, the others standing still.

        Isolated: equity of its margin. Cross: of the wallet, with the other positions' profit and maintenance
        counted. In the tier of the notional at that price (`perpcore.rules.liquidation_price`,
        `cross_liquidation_price`).

        Parameters
        ----------
        market : str

        Returns
        -------
        float
            NaN where no positive price liquidates.

        Raises
        ------
        ScenarioError
            No position there.
        """
        held = self.holding(market)
        asked = self.pocket(held).maintenance - self.maintenance(held)
        return terms.liquidation_price(self.rules_of(held), held, self.backing(held) - asked)

    def bankruptcy_price(self, market: str) -> float:
        """Mark at which nothing of what stands behind a position is left, the others standing still.

        `perpcore.rules.bankruptcy_price` of its margin; cross: of wallet and the others' profit.

        Raises
        ------
        ScenarioError
            No position there.
        """
        held = self.holding(market)
        return terms.bankruptcy_price(self.rules_of(held), held, self.backing(held))

    def profit(self, holding: Holding) -> float:
        """Unrealised profit of one holding."""
        return terms.profit(self.rules_of(holding), holding, holding.mark)

    def maintenance(self, holding: Holding) -> float:
        """Maintenance margin of one holding, closing fee included."""
        return terms.requirement(self.rules_of(holding), holding, holding.mark)

    def initial(self, holding: Holding) -> float:
        """Initial margin of one holding."""
        return terms.initial_margin(self.rules_of(holding), holding, self.open_interest)

    def backing(self, holding: Holding) -> float:
        """What stands behind a holding beside its own profit."""
        if holding.margin_mode == "isolated":
            return terms.isolated_margin(self.rules_of(holding), holding)
        cross = (held for held in self.holdings if held.margin_mode == "cross")
        others = (held for held in cross if held.market != holding.market)
        return self.wallet - self.isolated_margin + sum(self.profit(other) for other in others)

    def pocket(self, holding: Holding) -> Pocket:
        """Equity that stands behind a holding with its profit, and what is asked of all that shares it."""
        equity = self.backing(holding) + self.profit(holding)
        if holding.margin_mode == "isolated":
            return Pocket(equity, self.maintenance(holding))
        shared = (h for h in self.holdings if h.margin_mode == "cross")
        return Pocket(equity, sum(self.maintenance(other) for other in shared))

    def at(self, **marks: float) -> Self:
        """The account at other marks, by market: ``account.at(BTC=9_000)``."""
        return self.marked(marks)

    def marked(self, marks: Mapping[str, float]) -> Self:
        """The account at other marks, for markets whose name is no Python name.

        Raises
        ------
        ScenarioError
            A market without a position, a mark of 0 or less.
        """
        for market in marks:
            self.holding(market)
        holdings = (
            msgspec.structs.replace(held, mark_price=marks[held.market]) if held.market in marks else held
            for held in self.holdings
        )
        moved = copy(self)  # not checked again: whoever had an account has one at every mark
        msgspec.structs.force_setattr(moved, "holdings", tuple(holdings))
        return moved

    def place(
        self,
        *,
        market: str,
        side: Literal["buy", "sell"],
        qty: float,
        price: float,
        leverage: float | None = None,
        reduce_only: bool = False,
        fee_rate: float = 0.0,
        margin_mode: Literal["isolated", "cross"] = "isolated",
    ) -> Self:
        """The account after an order that fills whole at a price: opens, adds, reduces or flips.

        What it opens must be covered: initial margin of the resulting position, the loss of a price worse
        than the mark, and the fee, out of `available`; and its leverage must be allowed in the tier of the
        resulting position, at its entry and at the order's price. A lower leverage than the position had
        tops its margin up. The entry price is averaged by quantity, inverse harmonically
        (`perpcore.rules.entry_price`). What it closes pays its profit to the wallet and frees margin in
        proportion; what flips keeps mark, mode and tiers.

        Parameters
        ----------
        market : str
        side : {"buy", "sell"}
        qty, price : number
        leverage : number, optional
            The position's if not given; of a new one the tier's largest.
        reduce_only : bool
            Cut to what the position holds; refused where nothing is there to reduce.
        fee_rate : number
            Of the value, out of the wallet, up to 0.1; a rebate is negative.
        margin_mode : {"isolated", "cross"}
            Of a new position; an open one keeps its own.

        Raises
        ------
        ScenarioError
            A number out of its range, nothing to reduce, too much leverage for the tier, too little
            available, a loss beyond the margin, due at once; with the figures.
        """
        order = orders.Order(market, side, qty, price, leverage, fee_rate, margin_mode, reduce_only)
        return orders.place(self, order)

    def add_margin(self, market: str, amount: float) -> Self:
        """Set more of what is available aside for an isolated position.

        Raises
        ------
        ScenarioError
            No position there, a cross one, or less available.
        """
        return orders.add_margin(self, market, amount)

    def removable_margin(self, market: str) -> float:
        """What may be taken from an isolated position: margin, less loss, down to `initial_margin`.

        The venues' common rule (Binance, "Adjust isolated margin"; Bybit, "Add or reduce margin"); profit
        cannot be taken.
        """
        return orders.removable(self, market)

    def remove_margin(self, market: str, amount: float) -> Self:
        """Take margin from an isolated position, at most `removable_margin`.

        Raises
        ------
        ScenarioError
            No position there, a cross one, or more than may be removed: how much may be.
        """
        return orders.remove_margin(self, market, amount)

    def liquidate(
        self,
        market: str,
        *,
        mark_price: float | None = None,
        asks: Levels = (),
        bids: Levels = (),
        fund: float | None = None,
        fee_rate: float = 0.0,
        lot_size: float | None = None,
        previous_mark: float | None = None,
    ) -> Liquidation:
        """Run the venue's waterfall on one position, step by step; mark and book stand still.

        Cancels the market's waiting orders (cross: all that wait); sends orders as `Venue.liquidation_size`
        and `liquidation_order` say, again while it is due and they fill; then the vault, takeover or ADL;
        then fund, loss sharing, and what the trader keeps. As `docs/MODEL.md` section 7 ("Under more
        rules"), cooldowns being waited out. Cross: all that stands behind the account backs the position,
        and a vault takes all cross positions and their margin; under leftover `fund`, the fund keeps what
        is left in the share of the position's maintenance.

        Parameters
        ----------
        market : str
        mark_price : number, optional
            The holding's own if not given.
        asks, bids : sequence of (price, qty)
            What the order may meet: asks for a short, bids for a long.
        fund : number, optional
            Insurance fund at the start; the venue's if not given.
        fee_rate : number
            Taker fee of the fills, up to 0.1, paid by the account.
        lot_size : number, optional
            Smallest step of quantity: 1e-8 if not given, of face value 1 (inverse).
        previous_mark : number, optional
            The mark before the one that broke the account; needed where ADL closes at it (Hyperliquid).

        Returns
        -------
        Liquidation

        Raises
        ------
        ScenarioError
            No position there, a number out of its range, a fund that is drawn, no mark before where ADL
            closes at it.
        """
        if lot_size is None:
            lot_size = 1.0 if self.venue.contract == "inverse" else 1e-8
        account = self if mark_price is None else self.marked({market: mark_price})
        given = waterfall.Given(
            asks=waterfall.levels("asks", asks, falling=False),
            bids=waterfall.levels("bids", bids, falling=True),
            fund=real("fund", self.venue.insurance_fund if fund is None else fund, least=0.0),
            fee_rate=real("fee_rate", fee_rate, least=0.0, most=orders.MOST_FEE),
            lot=real("lot_size", lot_size, above=0.0),
            previous_mark=None if previous_mark is None else real("previous_mark", previous_mark, above=0.0),
        )
        return waterfall.run(account, market, given)
