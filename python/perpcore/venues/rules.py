"""A venue's rules as one value, composed of switches."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self

import msgspec

from perpcore import _toml
from perpcore._structs import MisfitError, Number, Struct, problems, read
from perpcore.distributions import Count, Scalar, text
from perpcore.venues._check import refused_of
from perpcore.venues.frictions import Halt, StressMargin
from perpcore.venues.liquidation import Adl, Backstop, ByTier, Share, Whole
from perpcore.venues.pricing import Funding, OwnMark, SpotIndex
from perpcore.venues.tiers import MarginTiers, Tier

# What an older scenario says of its venue; its digest rests on these names and their order.
_FIRST = (
    "tiers mark trigger liquidation_order unwind liquidations_per_round max_rounds insurance_fund"
).split()


class Venue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of a perpetual's venue, each a switch; `perpcore.venues` has one preset a venue.

    Every switch but `tiers` has a default, which is the simplest rule. Form and figures are checked here;
    what rests on a scenario's grid and time, or is drawn, once the venue stands in one.

    Parameters
    ----------
    contract : {"linear", "inverse"}
        ``linear``: profit ``qty (mark - entry)`` in quote currency. ``inverse``: `qty` is face value in quote
        currency, profit ``qty (1 / entry - 1 / mark)`` in coin, as are margin and tiers (BitMEX, "Perpetual
        contracts guide"; Deribit, "Inverse perpetual").
    tiers : sequence of Tier, or MarginTiers
        Maintenance margin and leverage caps.
    tier_rule : {"marginal", "whole_position", "linear"}
        Of a notional N in tier n: ``N r_n - c_n``, continuous (Binance, Bybit, Hyperliquid); ``N r_n``, with
        jumps (OKX, BitMEX "Risk limits"); or ``N r(N)``, r straight between the tiers' floors (Deribit, whose
        rate grows with each coin). Together with `close_fee` it may grow by at most 0.99 of N.
    maintenance_at : {"mark", "entry"}
        Notional that maintenance is taken of: the mark's (Binance, OKX, Hyperliquid, dYdX v4, Deribit) or the
        entry's (BitMEX; Bybit, isolated).
    close_fee : number
        Taker fee of closing, counted on top of maintenance: in the trigger and so in the liquidation price.
        OKX and BitMEX do. Ambiguous: Bybit adds it to initial and maintenance margin both, so that it
        cancels; Binance's formula of the liquidation price has none.
    margin_modes : sequence of {"isolated", "cross"}
        What may stand behind a position here; others are refused. Not cross: Hyperliquid's coins marked
        ``onlyIsolated``, Bybit's pre-market contracts, dYdX v4's isolated markets.
    open_interest_caps : (number, number), optional
        Open notional from which the initial margin rate rises straight to 1, and where it gets there
        (dYdX v4, "Open interest initial margin fraction"). Maintenance stays.
    mark : {"index", "mean_of_mids", "last", "mid", "impact_mid", "ema_basis", "median", "hyperliquid"}
        What positions are valued at. ``ema_basis``: index + average of (mid - index) (OKX, "Mark price").
        ``median``: of index (1 + funding rate x time left / interval), index + average basis, and the last
        trade (Binance, "Mark price in USDT-margined futures"; Bybit's is taken to be the same).
        ``hyperliquid``: median of index + average basis, the median of bid, ask and last, and the mid of
        other venues, which a scenario lacks ("Robust price indices").
    mark_ema_s : number
        Time constant of the average basis, seconds.
    mark_step : number, optional
        Largest relative move of the mark in a round.
    impact_notional : number
        Quote currency that an impact price sweeps; 0: the best price.
    index : SpotIndex or OwnMark
    funding : Funding, optional
    trigger : {"at_or_below", "below"}
        Due when equity is at or below what is held against it, or only when it is below. Ambiguous: a
        page that says "reaches the liquidation price" reads as the first, "less than the maintenance
        margin" as the second; each preset says which it follows.
    liquidation_size : Whole, ByTier or Share
        How much one order closes.
    liquidation_order : {"market", "limit_at_bankruptcy", "fillable"}
        ``market``: fills wherever the book is, the insurance fund settles fill minus bankruptcy (Hyperliquid,
        Deribit). ``limit_at_bankruptcy``: fills up to the bankruptcy price (BitMEX, Bybit, OKX, Binance).
        ``fillable``: fills up to ``P (1 -+ fillable_spread x m x a)`` with m the maintenance rate and ``a =
        clip(bankruptcy_adjustment (1 - equity / maintenance), 0, 1)``, but no further than the insurance
        fund can pay for: there a match fails and ADL closes (dYdX v4, "Liquidations on dYdX Chain").
    fillable_spread : number
        Under ``fillable``: largest distance from the mark over the maintenance rate.
    bankruptcy_adjustment : number
        Under ``fillable``: how fast the limit gets there, from 1.
    rest : {"takeover", "keep"}
        What an order leaves: the fund takes it over with cost and margin, or ADL closes it; or it stays with
        the trader and is tried again, until ADL closes it once equity at the mark is negative.
    leftover : {"fund", "trader"}
        Who keeps margin left after a full close: the fund (BitMEX, Bybit, OKX), or the trader after fees
        (Binance, Hyperliquid, dYdX v4, Deribit).
    liquidation_fee : number
        Of the value filled, to the fund, at most what is left (Binance's clearance fee, dYdX v4's penalty).
    backstop : Backstop, optional
    unwind : {"hold", "at_once"}
        What the fund does with positions it took over.
    adl : Adl, optional
    loss_sharing : {"none", "profits"}
        What nobody paid in a round is the venue's loss, or taken from open profits, pro rata (Deribit,
        "Insurance fund").
    liquidations_per_round : int or distribution, optional
        Orders (stops and liquidations) sent in one round; all that are due if not given.
    max_rounds : int or distribution
        Rounds after which a cascade is cut off.
    insurance_fund : number or distribution
        Its balance at the start, in the currency of margin.
    price_band : number or distribution, optional
        No order takes the perpetual further from the mark than this share of it, 0 to 1.
    halt : Halt, optional
    stress_margin : StressMargin, optional
    spot_margin : number or distribution
        Share of their spot tokens' value that stands behind agents' cross positions, 0 to 1; tokens are sold
        when a liquidation leaves a deficit.

    Raises
    ------
    ScenarioError
        A field of another form or figure, with what is allowed; or fields that do not go together.
    """

    contract: Literal["linear", "inverse"] = "linear"
    tiers: tuple[Tier, ...]
    tier_rule: Literal["marginal", "whole_position", "linear"] = "marginal"
    maintenance_at: Literal["mark", "entry"] = "mark"
    close_fee: Number = Decimal(0)
    margin_modes: tuple[Literal["isolated", "cross"], ...] = ("isolated", "cross")
    open_interest_caps: tuple[Number, Number] | None = None
    mark: Literal[
        "index", "mean_of_mids", "last", "mid", "impact_mid", "ema_basis", "median", "hyperliquid"
    ] = "index"
    mark_ema_s: Number = Decimal(30)
    mark_step: Number | None = None
    impact_notional: Number = Decimal(0)
    index: SpotIndex | OwnMark = SpotIndex()
    funding: Funding | None = None
    trigger: Literal["at_or_below", "below"] = "at_or_below"
    liquidation_size: Whole | ByTier | Share = Whole()
    liquidation_order: Literal["market", "limit_at_bankruptcy", "fillable"] = "market"
    fillable_spread: Number = Decimal("1.5")
    bankruptcy_adjustment: Number = Decimal(1)
    rest: Literal["takeover", "keep"] = "takeover"
    leftover: Literal["fund", "trader"] = "fund"
    liquidation_fee: Number = Decimal(0)
    backstop: Backstop | None = None
    unwind: Literal["hold", "at_once"] = "hold"
    adl: Adl | None = None
    loss_sharing: Literal["none", "profits"] = "none"
    liquidations_per_round: Count | None = None
    max_rounds: Count = 100_000
    insurance_fund: Scalar = Decimal(0)
    price_band: Scalar | None = None
    halt: Halt | None = None
    stress_margin: StressMargin | None = None
    spot_margin: Scalar = Decimal(0)

    LATER: ClassVar[frozenset[str]] = frozenset()  # filled in below: all but the first

    def __post_init__(self) -> None:
        """Take MarginTiers for tiers, make numbers exact, check the form and what goes together."""
        if isinstance(self.tiers, MarginTiers):
            msgspec.structs.force_setattr(self, "tiers", self.tiers.tiers)
        super().__post_init__()
        self._check_form()
        if found := [*_misfits(self), *refused_of(self._data())]:
            raise problems(found, MisfitError)

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """From TOML text, as `to_toml` gives it; numbers are read exactly.

        Raises
        ------
        ScenarioError
            Not TOML, unknown or missing fields, or values that are not allowed.
        """
        return read(_toml.loads(text), cls)

    def to_toml(self) -> str:
        """As TOML that `from_toml` reads back to an equal venue; a table ``[venue]`` holds the same."""
        return _toml.dumps(self._data())

    @property
    def units(self) -> tuple[str, str]:
        """What quantities of the perpetual and money at the venue are counted in."""
        return ("of face value", "coin") if self.contract == "inverse" else ("tokens", "quote")

    def __repr__(self) -> str:
        said = [f"{len(self.tiers)} tier{'s' * (len(self.tiers) != 1)}"]
        for field in msgspec.structs.fields(type(self)):
            value = getattr(self, field.name)
            if field.name != "tiers" and value != field.default:
                said.append(f"{field.name} {_word(value)}")
        return f"Venue({', '.join(said)})"


Venue.LATER = frozenset(Venue.__struct_fields__) - frozenset(_FIRST)


def _word(value: Any) -> str:
    """A switch in a word or two."""
    if isinstance(value, Adl):
        return f"{value.rank} at {value.trigger}"
    if isinstance(value, Funding):
        return f"every {text(value.interval_h)} h"
    if isinstance(value, msgspec.Struct) and value.__struct_config__.tag_field == "kind":
        return str(value.__struct_config__.tag)
    if isinstance(value, Backstop):
        return f"with {text(value.capital)}"
    if isinstance(value, Halt | StressMargin):
        return f"at a move of {text(value.move)}"
    return value if isinstance(value, str) else text(value)


def _misfits(venue: Venue) -> Iterator[tuple[str, str, str]]:
    """Fields, each allowed by itself, that do not go together; the core knows others."""
    index, backstop = venue.index, venue.backstop
    if isinstance(index, SpotIndex) and index.drop_outliers and index.outlier is None:
        yield "index.drop_outliers", "true", "true with an outlier distance only"
    if backstop is not None and backstop.isolated and venue.adl is None:
        yield "backstop.isolated", "true", "true with adl only, which closes what the vault cannot hold"
