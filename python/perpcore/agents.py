"""Those who act while time passes: `docs/AGENTS.md` says what each does, to the last unit.

All have a `name`, and act from `from_s` to `until_s`. In the perpetual most have `capital` or none: with it,
an account of their own that can be liquidated, on which they may open `leverage` times their equity;
without it, one that is financed, whatever it loses. What they buy in spot is financed from outside; they
sell no more than they have. Any number may be a distribution, drawn once per path.

>>> import perpcore as pc
>>> buyers = pc.agents.Momentum(name="buyers", window_s=60, threshold="0.01", order_qty=50, max_qty=5_000)
>>> buyers.market, buyers.long_only
('perp', True)
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from perpcore._structs import Struct
from perpcore.distributions import Count, Scalar


class Agent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What all of them have.

    Parameters
    ----------
    name : str
        In results and paths; no other's.
    from_s : number or distribution
        Seconds after the start from which it acts.
    until_s : number or distribution, optional
        Seconds after the start from which it acts no more; the end of the run if not given.
    """

    name: str
    from_s: Scalar = Decimal(0)
    until_s: Scalar | None = None


class Noise(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="noise"):
    """Flow without intelligence: Poisson numbers of market and limit orders, either side as likely [1]_.

    Limit orders are post-only, at any price from the best of their own side to `limit_gap` behind it. With a
    `branching` market orders call forth others and come in clusters [2]_; their mean rate stays.

    Parameters
    ----------
    market : {"spot", "perp"}
    rate_per_s : number or distribution
        Market orders a second; with `limit_rate_per_s` a step may have 100 of either on average.
    qty : number or distribution
        Tokens of an order; a distribution is its law, drawn for each.
    limit_rate_per_s : number or distribution
        Limit orders a second.
    limit_gap : number or distribution, optional
        Width of the zone in which they are placed, in quote currency; one tick if not given.
    lifetime_s : number or distribution
        Seconds until a limit order is cancelled; 0: in the next step.
    tokens : number or distribution
        What its desk holds at the start, and so may sell in spot.
    capital : number or distribution, optional
        Deposit of its account at the venue, in quote currency; financed if not given.
    leverage : number or distribution
        Notional it may open over the equity of that account.
    branching : number or distribution
        Market orders that each calls forth on average, up to 0.99.
    decay_s : number or distribution, optional
        Mean seconds until they come; with a `branching`.

    References
    ----------
    .. [1] Farmer, Patelli and Zovko, The predictive power of zero intelligence in financial markets, PNAS
       102, 2005.
    .. [2] Hawkes, Spectra of some self-exciting and mutually exciting point processes, Biometrika 58, 1971.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"branching", "decay_s"})

    market: Literal["spot", "perp"]
    rate_per_s: Scalar
    qty: Scalar
    limit_rate_per_s: Scalar = Decimal(0)
    limit_gap: Scalar | None = None
    lifetime_s: Scalar = Decimal(0)
    tokens: Scalar = Decimal(0)
    capital: Scalar | None = None
    leverage: Scalar = Decimal(1)
    branching: Scalar = Decimal(0)
    decay_s: Scalar | None = None


class Momentum(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="momentum"):
    """A chartist, who buys what rose [1]_.

    When the mark rose by `threshold` within `window_s` he wants `max_qty`; when it fell by as much, nothing,
    or as much short. In between he stays with what he wanted, and gets there by `order_qty` a step.

    Parameters
    ----------
    market : {"perp", "spot"}
    window_s : number or distribution
        Seconds over which the mark's move is taken, at least a step.
    threshold : number or distribution
        Relative move that he follows.
    order_qty : number or distribution
        Tokens in a step at most.
    max_qty : number or distribution
        Tokens he wants.
    long_only : bool
        He never goes short; in spot nobody does.
    capital : number or distribution, optional
        Deposit of his account at the venue, in quote currency; financed if not given.
    leverage : number or distribution
        Notional he may open over the equity of that account.

    References
    ----------
    .. [1] Chiarella and Iori, A simulation analysis of the microstructure of double auction markets,
       Quantitative Finance 2, 2002.
    """

    market: Literal["perp", "spot"] = "perp"
    window_s: Scalar
    threshold: Scalar
    order_qty: Scalar
    max_qty: Scalar
    long_only: bool = True
    capital: Scalar | None = None
    leverage: Scalar = Decimal(1)


class Holders(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="holders"):
    """Holders who sell into strength, and never buy: the disposition effect [1]_.

    When the index stands a share ``r`` above the start price they want to have sold ``elasticity (r -
    threshold)`` of their tokens, and sell what is missing, `order_qty` a step at most.

    Parameters
    ----------
    tokens : number or distribution
        What they hold at the start.
    threshold : number or distribution
        Relative rise before they begin.
    elasticity : number or distribution
        Share of their tokens per rise of 100 %.
    order_qty : number or distribution
        Tokens in a step at most.

    References
    ----------
    .. [1] Odean, Are investors reluctant to realize their losses?, Journal of Finance 53, 1998.
    """

    tokens: Scalar = Decimal(0)
    threshold: Scalar = Decimal(0)
    elasticity: Scalar
    order_qty: Scalar


class SpotMarketMaker(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="spot_market_maker"):
    """Quotes both sides of spot anew in every step, around a price that falls with his inventory [1]_.

    The centre is spot's last trade less `skew` times the tokens he has more than at the start.

    Parameters
    ----------
    tokens : number or distribution
        What he holds at the start.
    half_spread : number or distribution
        From the centre to the first level, in quote currency.
    levels : int or distribution
        On each side.
    level_gap : number or distribution, optional
        From level to level, in quote currency; one tick if not given.
    level_qty : number or distribution
        Tokens in each level.
    skew : number or distribution
        Quote currency by which the centre falls for each token more.
    inventory_limit : number or distribution, optional
        Tokens more, or less, than at the start at which he no longer bids, or no longer offers.

    References
    ----------
    .. [1] Avellaneda and Stoikov, High-frequency trading in a limit order book, Quantitative Finance 8, 2008.
    """

    tokens: Scalar = Decimal(0)
    half_spread: Scalar
    levels: Count = 1
    level_gap: Scalar | None = None
    level_qty: Scalar
    skew: Scalar = Decimal(0)
    inventory_limit: Scalar | None = None


class FundingArbitrageur(
    Agent, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="funding_arbitrageur"
):
    """Cash and carry: shorts the perpetual and buys as much spot while longs pay funding [1]_.

    He enters while the last rate paid was at least `enter_rate`, at best prices only and where the bid of
    the perpetual is at least `min_basis` above what the tokens cost. He unwinds once the rate is at most
    `exit_rate`.
    His tokens are locked. If the venue takes his short, he sells the tokens that are left over, but only
    after `lock_s`. A venue with funding is needed.

    Parameters
    ----------
    capital : number or distribution, optional
        Deposit of his account at the venue, in quote currency; financed if not given.
    leverage : number or distribution
        Notional he may open over the equity of that account.
    enter_rate, exit_rate : number or distribution
        Funding rates of an interval.
    min_basis : number or distribution
        Bid of the perpetual over the ask in spot, less 1: below 0 he pays that much to get in.
    order_qty : number or distribution
        Tokens in a step at most.
    max_qty : number or distribution
        Tokens he is short at most.
    lock_s : number or distribution
        Seconds until tokens without a short can be sold.

    References
    ----------
    .. [1] He, Manela, Ross and von Wachter, Fundamentals of perpetual futures, 2022, arXiv:2212.06888.
    """

    capital: Scalar | None = None
    leverage: Scalar = Decimal(1)
    enter_rate: Scalar
    exit_rate: Scalar
    min_basis: Scalar = Decimal(0)
    order_qty: Scalar
    max_qty: Scalar
    lock_s: Scalar = Decimal(0)


class ShortCrowd(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="short_crowd"):
    """Traders who come one by one and short the coin, the more readily the more it rose: new fuel [1]_.

    A Poisson number comes in a step; each opens with the probability ``base + slope x`` (relative rise of the
    mark over the start price), an isolated account of its own that acts again only to close, after `hold_s`.

    Parameters
    ----------
    side : {"short", "long"}
        Longs come the more readily the more it fell.
    rate_per_s : number or distribution
        Who comes in a second; a step may have 100 on average.
    base : number or distribution
        Share of them who open at the start price.
    slope : number or distribution
        What a rise (for longs a fall) of 100 % adds to that share.
    qty : number or distribution
        Tokens of an account; a distribution is its law, drawn for each.
    leverage : number or distribution
        Entry notional over margin, from 1; a distribution is its law, drawn for each account.
    max_accounts : int or distribution
        Who ever opens.
    hold_s : number or distribution, optional
        Seconds after which an account closes at market, above 0; a distribution is its law, drawn for each.
        Never if not given.

    References
    ----------
    .. [1] Ofek and Richardson, DotCom mania, Journal of Finance 58, 2003: small floats before lockups end.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"hold_s"})

    side: Literal["short", "long"] = "short"
    rate_per_s: Scalar
    base: Scalar = Decimal(1)
    slope: Scalar = Decimal(0)
    qty: Scalar
    leverage: Scalar
    max_accounts: Count = 100_000
    hold_s: Scalar | None = None


class LiquidationHunter(
    Agent, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="liquidation_hunter"
):
    """Trades ahead of liquidations that it sees coming: predatory trading [1]_.

    While shorts worth `min_notional` or more would be liquidated within `reach` above the mark it wants
    `max_qty`; while that is so of longs below, and of more, the opposite; else nothing.

    Parameters
    ----------
    market : {"perp", "spot"}
        Where it trades; in spot it only buys, and sells what it bought.
    reach : number or distribution
        How far from the mark it looks, relative.
    min_notional : number or distribution
        In quote currency.
    order_qty : number or distribution
        Tokens in a step at most.
    max_qty : number or distribution
        Tokens it wants.
    capital : number or distribution, optional
        Deposit of its account at the venue, in quote currency; financed if not given.
    leverage : number or distribution
        Notional it may open over the equity of that account.

    References
    ----------
    .. [1] Brunnermeier and Pedersen, Predatory trading, Journal of Finance 60, 2005.
    """

    market: Literal["perp", "spot"] = "perp"
    reach: Scalar
    min_notional: Scalar
    order_qty: Scalar
    max_qty: Scalar
    capital: Scalar | None = None
    leverage: Scalar = Decimal(1)


class Leg(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A purchase of a whale, spread evenly over time; what is not filled is not made up for.

    Parameters
    ----------
    qty : number or distribution
        Tokens.
    at_s : number or distribution
        Seconds after the start at which it begins.
    over_s : number or distribution
        Seconds it takes; 0: one order.
    """

    qty: Scalar
    at_s: Scalar
    over_s: Scalar = Decimal(0)


class Exit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a whale gets out of all it holds; it begins at whichever comes first.

    Parameters
    ----------
    over_s : number or distribution
        Seconds it takes; 0: one order in each market.
    at_s : number or distribution, optional
        Seconds after the start.
    drawdown : number or distribution, optional
        Relative fall of the index from its highest since the ignition.
    """

    over_s: Scalar = Decimal(0)
    at_s: Scalar | None = None
    drawdown: Scalar | None = None


class Whale(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="whale"):
    """Who ignites: accumulates spot, opens longs, pushes spot, and sells out; he has no other plan [1]_.

    What `ignite` buys counts as the run's ignition; results have his profit, on paper when the exit begins
    and in the end.

    Parameters
    ----------
    accumulate : Leg, optional
        Of spot, before.
    longs : Leg, optional
        Of the perpetual.
    ignite : Leg, optional
        Of spot: the push.
    exit : Exit, optional
        He keeps all if not given.
    capital : number or distribution, optional
        Deposit of his account at the venue, in quote currency; financed if not given.
    leverage : number or distribution
        Notional he may open over the equity of that account.

    References
    ----------
    .. [1] Jarrow, Market manipulation, bubbles, corners, and short squeezes, Journal of Financial and
       Quantitative Analysis 27, 1992.
    """

    accumulate: Leg | None = None
    longs: Leg | None = None
    ignite: Leg | None = None
    exit: Exit | None = None
    capital: Scalar | None = None
    leverage: Scalar = Decimal(1)


class StockArbitrageur(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="stock_arbitrageur"):
    """Ties the two books: is short `kappa` tokens for each unit of price that the perpetual is dearer [1]_.

    Acts in every round, on the best prices: sells the perpetual and buys as much spot while the difference of
    its bid and spot's ask asks for more than he is short, and the other way round. His tokens are locked.

    Parameters
    ----------
    kappa : number or distribution
        Tokens per unit of quote currency of the basis.
    tokens : number or distribution
        What his desk holds at the start, and so may sell when the perpetual is the cheaper.
    capital : number or distribution, optional
        Deposit of his account at the venue, in quote currency; financed if not given.
    leverage : number or distribution
        Notional he may open over the equity of that account.

    References
    ----------
    .. [1] Gromb and Vayanos, Equilibrium and welfare in markets with financially constrained arbitrageurs,
       Journal of Financial Economics 66, 2002.
    """

    kappa: Scalar
    tokens: Scalar = Decimal(0)
    capital: Scalar | None = None
    leverage: Scalar = Decimal(1)


class External(Agent, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="external"):
    """Does what its user submits, in a simulation that goes step by step; nothing by itself.

    Parameters
    ----------
    tokens : number or distribution
        What its desk holds at the start.
    capital : number or distribution, optional
        Deposit of its account at the venue, in quote currency; financed if not given.
    leverage : number or distribution
        Notional it may open over the equity of that account.
    """

    tokens: Scalar = Decimal(0)
    capital: Scalar | None = None
    leverage: Scalar = Decimal(1)


class Unlock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens that come into circulation while the run goes on; with `circulating` at most the total supply.

    Parameters
    ----------
    at_s : number or distribution
        Seconds after the start.
    qty : number or distribution
        Tokens.
    holder : str, optional
        Name of the agent, of kind `Holders`, who gets them; whoever quotes spot by `Market.quote` if not
        given.
    """

    at_s: Scalar
    qty: Scalar
    holder: str | None = None


#: What `Scenario.agents` may hold.
AnyAgent = (
    Noise
    | Momentum
    | Holders
    | SpotMarketMaker
    | FundingArbitrageur
    | ShortCrowd
    | LiquidationHunter
    | Whale
    | StockArbitrageur
    | External
)
