"""One function a venue: its rules, with tiers that fit a small coin listed there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from perpcore._structs import Number, number, problem, unknown
from perpcore.distributions import Scalar
from perpcore.venues.liquidation import Adl, Backstop, ByTier, Share
from perpcore.venues.pricing import Funding, SpotIndex
from perpcore.venues.rules import Venue
from perpcore.venues.tiers import MarginTiers, Tier

Tiers = MarginTiers | Sequence[Tier]
Rows = Sequence[tuple[Number, Number, Number]]

_TENTH = Decimal("0.1")
_NANO = Decimal("1e-9")  # rates and leverages have nine decimals
# 2.5 minutes of equal weights are as old on average as an exponential average of half that time constant.
_OF_150_S = Decimal(75)


def binance_usdtm(
    *,
    tiers: Tiers | None = None,
    max_leverage: Number | None = None,
    insurance_fund: Scalar = 1_000_000,
    **changes: Any,
) -> Venue:
    """Binance, USDT-margined: a tier down, then all, up to bankruptcy; then the fund, then ADL.

    Sources: "Futures liquidation protocols" (orders immediate or cancel, first with one that does not close
    all; left-over collateral stays, less the clearance fee; the fund takes the bankrupt rest), "Introduction
    to futures insurance funds", "Mark price in USDT-margined futures" (median; sources over 5 % from the
    median left out), ``liquidationFee`` of ``/fapi/v1/exchangeInfo`` (1.25 %), the funding pages (premiums
    weighted 1, 2, 3, ...; 0.01 % interest, 0.05 % clamp).

    Ambiguous, and chosen: liquidation where collateral is *less* than maintenance, not where the mark price
    reaches the liquidation price (the pages say both); the first order goes one tier down (no page says how
    far); the 2.5-minute moving average of the basis is an exponential one of 75 s, of equal age; ADL by
    profit x leverage in BitMEX's form. Typical, to be replaced: the fund, the funding cap of 2 %.

    Parameters
    ----------
    tiers : MarginTiers or sequence of Tier, optional
        Those of JELLYJELLYUSDT if not given, as ccxt's ``fetch_leverage_tiers`` gave them; they change often.
    max_leverage : number, optional
        Largest leverage of those tiers.
    insurance_fund : number or distribution
        USDT.
    **changes
        Other fields of the venue.
    """
    rows = (
        (0, "0.02", 25),
        (5_000, "0.025", 20),
        (10_000, "0.05", 10),
        (20_000, "0.1", 5),
        (50_000, "0.125", 4),
        (100_000, "0.1667", 3),
        (250_000, "0.25", 2),
        (2_500_000, "0.5", 1),
    )
    return Venue(
        tiers=_tiers(tiers, rows, max_leverage),
        mark="median",
        mark_ema_s=_OF_150_S,
        index=SpotIndex(outlier="0.05", drop_outliers=True),
        funding=Funding(average="ramp", cap="0.02"),
        trigger="below",
        liquidation_size=ByTier(tiers=1),
        liquidation_order="limit_at_bankruptcy",
        leftover="trader",
        liquidation_fee="0.0125",
        adl=Adl(trigger="fund_exhausted"),
        insurance_fund=insurance_fund,
    ).replace(changes)


def bybit(
    *,
    tiers: Tiers | None = None,
    max_leverage: Number | None = None,
    insurance_fund: Scalar = 2_000_000,
    **changes: Any,
) -> Venue:
    """Bybit, USDT: tier by tier, up to bankruptcy; what is left is the fund's, ADL once that fell by 30 %.

    Sources: "Liquidation process" (an order to the next lower tier, then the engine takes over at the
    bankruptcy price; what is left goes to the fund), "Liquidation price calculation under isolated mode"
    (maintenance of the entry value, less a deduction), "Auto-deleveraging mechanism", and the notice on
    insurance pools of December 2025 (30 % within eight hours; 2 to 4 M USDT shared, 8 M for new listings).

    Ambiguous, and chosen: due where the mark price *reaches* the liquidation price; the fee to close stands
    in initial and maintenance margin both and is left out of both; cross accounts take maintenance of the
    mark (``maintenance_at="mark"``); the tier orders are fill or kill, here they fill in part. Typical, to
    be replaced: the tiers, the funding cap of 2 %; the mark is taken for Binance's median, funding for its
    1, 2, 3 weights.

    Parameters
    ----------
    tiers : MarginTiers or sequence of Tier, optional
        A typical small coin's if not given.
    max_leverage : number, optional
        Largest leverage of those tiers.
    insurance_fund : number or distribution
        USDT.
    **changes
        Other fields of the venue.
    """
    rows = (
        (0, "0.02", 25),
        (25_000, "0.025", 20),
        (50_000, "0.05", 10),
        (100_000, "0.1", 5),
        (250_000, "0.1667", 3),
        (500_000, "0.25", 2),
        (1_000_000, "0.5", 1),
    )
    return Venue(
        tiers=_tiers(tiers, rows, max_leverage),
        maintenance_at="entry",
        mark="median",
        mark_ema_s=_OF_150_S,
        funding=Funding(average="ramp", cap="0.02"),
        liquidation_size=ByTier(tiers=1),
        liquidation_order="limit_at_bankruptcy",
        adl=Adl(trigger="fund_drawdown", drawdown="0.3"),
        insurance_fund=insurance_fund,
    ).replace(changes)


def okx(
    *,
    tiers: Tiers | None = None,
    max_leverage: Number | None = None,
    insurance_fund: Scalar = 1_000_000,
    **changes: Any,
) -> Venue:
    """OKX, USDT: two tiers at a time, the closing fee in the trigger, ADL once the fund has fallen by 30 %.

    Sources: "Forced partial or full liquidation" (from tier 3 on two tiers down, then again; margin ratio
    against maintenance plus liquidation fee), the tables of position tiers (each rate on the whole
    position), "Introduction to auto-deleveraging" (liquidation surplus to the fund), "Early liquidation
    mechanism" (30 % from the peak in eight hours), "Mark price" (index + moving average of mid less index),
    "Perpetual swap funding fee" (average of mid less index, no interest, within 1.5 % for most coins).

    Ambiguous, and chosen: the early-liquidation page has ADL at the *current mark* price, for which there is
    no switch: here at the bankruptcy price, which leaves the fund as it is; the window of the average basis
    is not stated: 30 s. Typical, to be replaced: the fund, and the tiers (steps of 0.5 %, leverage 1 / (2
    rate), as OKX's tables are built); 0.05 % is the taker fee of the lowest level.

    Parameters
    ----------
    tiers : MarginTiers or sequence of Tier, optional
        Sixteen steps of 50,000 USDT from 1.5 % to 9 % if not given.
    max_leverage : number, optional
        Largest leverage of those tiers.
    insurance_fund : number or distribution
        USDT.
    **changes
        Other fields of the venue.
    """
    rates = [Decimal("0.015") + step * Decimal("0.005") for step in range(16)]
    rows = [(50_000 * i, rate, (1 / (2 * rate)).quantize(_NANO)) for i, rate in enumerate(rates)]
    return Venue(
        tiers=_tiers(tiers, rows, max_leverage),
        tier_rule="whole_position",
        close_fee="0.0005",
        mark="ema_basis",
        funding=Funding(interest=0, clamp=0, cap="0.015"),
        liquidation_size=ByTier(tiers=2),
        liquidation_order="limit_at_bankruptcy",
        adl=Adl(trigger="fund_drawdown", drawdown="0.3"),
        insurance_fund=insurance_fund,
    ).replace(changes)


def hyperliquid(
    *,
    tiers: Tiers | None = None,
    max_leverage: Number = 3,
    insurance_fund: Scalar = 0,
    backstop_capital: Scalar = 10_000_000,
    isolated: bool = False,
    **changes: Any,
) -> Venue:
    """Hyperliquid: market orders, a fifth of what is large first; a backstop vault; ADL at the mark before.

    Sources, all in its documentation: "Liquidations" (maintenance half of the initial margin at the largest
    leverage; equity *below* it; over 100,000 USDC a fifth first and within 30 s all; what is left stays with
    the trader; below two thirds of maintenance the liquidator vault takes position and margin),
    "Auto-deleveraging" (equity negative; ranked by mark / entry x notional / account value; at the previous
    mark), "Robust price indices" (mark, 150 s average), "Funding" (hourly, an eighth, within 4 %, on the
    oracle price).

    Ambiguous, and chosen: some copies of the page let a second order wait for 30 s; here it may follow at
    once and, within 30 s of the first, is for all that is left; shorts are ranked by entry / mark; the mark
    lacks the mid of other venues. There is no insurance fund. Typical, to be replaced: the vault's capital,
    how much of it one coin may lose (`isolated`), and 6,000 USDC of impact notional.

    Parameters
    ----------
    tiers : MarginTiers or sequence of Tier, optional
        One tier of `max_leverage` if not given.
    max_leverage : number
        Of the coin, 3 to 40; maintenance is ``1 / (2 max_leverage)``.
    insurance_fund : number or distribution
        USDC.
    backstop_capital : number or distribution
        USDC of the vault.
    isolated : bool
        The vault's loss ends at its capital, ADL does the rest.
    **changes
        Other fields of the venue.
    """
    return Venue(
        tiers=_tiers(tiers, _one_tier(max_leverage, Decimal("0.5")), None),
        mark="hyperliquid",
        mark_ema_s=150,
        impact_notional=6_000,
        funding=Funding(interval_h=1, cap="0.04", notional="index"),
        trigger="below",
        liquidation_size=Share(share="0.2", whole_below=100_000, whole_within_s=30),
        liquidation_order="market",
        rest="keep",
        leftover="trader",
        backstop=Backstop(capital=backstop_capital, isolated=isolated),
        adl=Adl(trigger="always", rank="hyperliquid", price="previous_mark"),
        insurance_fund=insurance_fund,
    ).replace(changes)


def dydx_v4(
    *,
    tiers: Tiers | None = None,
    max_leverage: Number = 5,
    insurance_fund: Scalar = 1_000_000,
    **changes: Any,
) -> Venue:
    """The dYdX chain, v4: a limit beyond bankruptcy, a tenth a block; ADL by lot once equity is negative.

    Sources: "Liquidations on dYdX Chain" (fillable price, 1.5 % penalty to the fund), "Contract loss
    mechanisms on dYdX Chain" (spread 1.5 x maintenance; deleveraging of randomly chosen accounts once equity
    is negative), "Open interest initial margin fraction", the genesis file of ``dydxprotocol/v4-chain``
    (liquidity tier Long-Tail: initial margin 20 %, maintenance half of it, open interest 5 to 10 M USDC,
    impact notional 2,500 USDC), ``x/clob`` (equity equal to maintenance is safe), ``x/perpetuals`` (60
    samples, zero padded, hourly; eight-hour rate within 6 x (initial - maintenance), without interest).

    Ambiguous, and chosen: older pages rank ADL by profit and leverage, the code and newer pages choose by
    lot. Typical, to be replaced: the fund, and the block limit: the software's default is all of a position,
    governance has set less (a tenth, at least 1,000 USDC, each block).

    Parameters
    ----------
    tiers : MarginTiers or sequence of Tier, optional
        One tier of `max_leverage` if not given.
    max_leverage : number
        One over the initial margin rate; maintenance is half that rate.
    insurance_fund : number or distribution
        USDC.
    **changes
        Other fields of the venue.
    """
    rows = _one_tier(max_leverage, Decimal("0.5"))
    spare = 1 / number("max_leverage", max_leverage) - number("maintenance_rate", rows[0][1])
    return Venue(
        tiers=_tiers(tiers, rows, None),
        open_interest_caps=(5_000_000, 10_000_000),
        impact_notional=2_500,
        funding=Funding(
            interval_h=1,
            interest=0,
            clamp=0,
            cap=(6 * spare / 8).quantize(_NANO),
            average="padded",
            samples=60,
            notional="index",
        ),
        trigger="below",
        liquidation_size=Share(share=_TENTH, least_notional=1_000),
        liquidation_order="fillable",
        fillable_spread="1.5",
        bankruptcy_adjustment=1,
        rest="keep",
        leftover="trader",
        liquidation_fee="0.015",
        adl=Adl(trigger="fund_exhausted", rank="random"),
        insurance_fund=insurance_fund,
    ).replace(changes)


def bitmex_inverse(
    *,
    tiers: Tiers | None = None,
    max_leverage: Number | None = None,
    insurance_fund: Scalar = 100,
    **changes: Any,
) -> Venue:
    """BitMEX, inverse: risk limits on the whole position, at entry; limit at bankruptcy; fund, then ADL.

    Sources: "Risk limits" (XBTUSD: 200 XBT, then steps of 150; 0.5 % and 1 %, both 0.5 % more a step),
    "Liquidation" and its examples (one tier down, then all at the bankruptcy price; better fills to the
    fund; the fund is spent on the market, then ADL), "Auto-deleveraging" (ranking, bankruptcy price), the
    position messages of its API (maintenance = rate x entry cost + taker fee of 0.075 %), the blog on
    funding (1.125 % a day at most, 0.375 % a payment).

    Ambiguous, and chosen: due where the mark *reaches* the liquidation price. The fund comes before ADL as
    the pages say (``adl.trigger`` is not "always"), and is spent at once (``unwind``). The mark is the
    index: the fair price's funding basis, which decays to 0, has no switch. Typical, to be replaced: the
    fund, 0.01 % interest and 0.05 % clamp.

    Parameters
    ----------
    tiers : MarginTiers or sequence of Tier, optional
        XBTUSD's ten lowest risk limits if not given; notional in coin.
    max_leverage : number, optional
        Largest leverage of those tiers.
    insurance_fund : number or distribution
        Coin.
    **changes
        Other fields of the venue.
    """
    rates = [Decimal("0.005") * (step + 1) for step in range(10)]
    floors = [0, *(200 + 150 * step for step in range(9))]
    leverages = [(1 / (rate + Decimal("0.005"))).quantize(_NANO) for rate in rates]
    return Venue(
        contract="inverse",
        tiers=_tiers(tiers, [*zip(floors, rates, leverages, strict=True)], max_leverage),
        tier_rule="whole_position",
        maintenance_at="entry",
        close_fee="0.00075",
        mark="index",
        funding=Funding(cap="0.00375"),
        liquidation_size=ByTier(tiers=1),
        liquidation_order="limit_at_bankruptcy",
        unwind="at_once",
        adl=Adl(trigger="fund_exhausted"),
        insurance_fund=insurance_fund,
    ).replace(changes)


def deribit_inverse(
    *,
    tiers: Tiers | None = None,
    max_leverage: Number | None = None,
    insurance_fund: Scalar = 100,
    **changes: Any,
) -> Venue:
    """Deribit, inverse: a rate that grows with the position, small market orders, winners share losses.

    Sources: "Inverse perpetual" (initial 2 %, maintenance 1 %, both 0.005 % more a coin of BTC),
    "Liquidations" (part of the position, a round a second, until margin suffices), "Insurance fund" (pays
    negative equity; once empty, bankruptcies are socialised among the day's winners; liquidation orders pay
    an extra fee), "Funding specifications" (premium of the mark beyond 0.025 %), "Index prices" (sources cut
    to within 0.5 % of the median), mark price (index and a 30 s average).

    Ambiguous, and chosen: due where equity is *below* maintenance ("as soon as maintenance is lower, it
    stops"); a tenth of the position a step (pages gave 10, 200 and 400 contracts); winners are those with
    open profits in the round, not of the day; continuous funding is paid by the hour, its premium from
    impact prices. Recent interface documents also name ADL and a liquidity support programme: not here.
    Typical, to be replaced: the extra fee of 0.7 %, the funding cap of 0.5 % for eight hours; the fund is
    what it once began with.

    Parameters
    ----------
    tiers : MarginTiers or sequence of Tier, optional
        BTC's if not given, up to 1,000 coins; notional in coin.
    max_leverage : number, optional
        Largest leverage of those tiers.
    insurance_fund : number or distribution
        Coin.
    **changes
        Other fields of the venue.
    """
    sizes = (0, 100, 200, 400, 700, 1_000)
    more = [size * Decimal("0.00005") for size in sizes]
    rows = [
        (size, Decimal("0.01") + rate, (1 / (Decimal("0.02") + rate)).quantize(_NANO))
        for size, rate in zip(sizes, more, strict=True)
    ]
    return Venue(
        contract="inverse",
        tiers=_tiers(tiers, rows, max_leverage),
        tier_rule="linear",
        maintenance_at="mark",
        mark="ema_basis",
        mark_ema_s=30,
        index=SpotIndex(outlier="0.005"),
        funding=Funding(interval_h=1, interest=0, clamp=0, dead_band="0.00025", cap="0.000625"),
        trigger="below",
        liquidation_size=Share(share=_TENTH, cooldown_s=1),
        liquidation_order="market",
        rest="keep",
        leftover="trader",
        liquidation_fee="0.007",
        loss_sharing="profits",
        insurance_fund=insurance_fund,
    ).replace(changes)


_PRESETS: dict[str, Callable[..., Venue]] = {
    preset.__name__: preset
    for preset in (binance_usdtm, bybit, okx, hyperliquid, dydx_v4, bitmex_inverse, deribit_inverse)
}

#: Names of the presets, as the command line takes them.
NAMES = tuple(_PRESETS)

# What is the scenario's rather than the venue's.
_COUNTS = ("liquidations_per_round", "max_rounds")
_KEPT = ("tiers", "insurance_fund", *_COUNTS)


def load(name: str, *, like: Venue | None = None, **changes: Any) -> Venue:
    """The preset of this name, one of `NAMES`.

    Parameters
    ----------
    name : str
    like : Venue, optional
        Whose `tiers`, `insurance_fund`, `liquidations_per_round` and `max_rounds` are kept; of another
        contract only the last two, as the others are in another currency.
    **changes
        Arguments of the preset.

    Raises
    ------
    ScenarioError
        No such preset, or values that are not allowed.
    """
    if name not in _PRESETS:
        raise unknown("venue", name, NAMES)
    preset = _PRESETS[name]
    if like is None:
        return preset(**changes)
    fields = _KEPT if preset(**changes).contract == like.contract else _COUNTS
    return preset(**{**{field: getattr(like, field) for field in fields}, **changes})


def summary(name: str) -> str:
    """The preset in a line."""
    return (_PRESETS[name].__doc__ or "").partition("\n")[0]


def _one_tier(max_leverage: Number, part: Decimal) -> Rows:
    """Maintenance is a part of the initial margin at the largest leverage."""
    leverage = number("max_leverage", max_leverage)
    if leverage < 1:
        raise problem("max_leverage", max_leverage, "1 or more")
    return [(0, (part / leverage).quantize(_NANO), leverage)]


def _tiers(given: Tiers | None, rows: Rows, max_leverage: Number | None) -> tuple[Tier, ...]:
    """A user's tiers, or the preset's with no leverage above what he allows."""
    if given is not None:
        if max_leverage is not None:
            raise problem("max_leverage", max_leverage, "nothing where tiers are given: they say it")
        return given.tiers if isinstance(given, MarginTiers) else tuple(given)
    most = None if max_leverage is None else number("max_leverage", max_leverage)
    if most is not None and most < 1:
        raise problem("max_leverage", max_leverage, "1 or more")
    caps = [number("max_leverage", leverage) for *_, leverage in rows]
    caps = caps if most is None else [min(cap, most) for cap in caps]
    return tuple(
        Tier(min_notional=floor, maintenance_rate=rate, max_leverage=cap)
        for (floor, rate, _), cap in zip(rows, caps, strict=True)
    )
