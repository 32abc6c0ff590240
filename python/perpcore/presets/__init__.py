"""Ready-made scenarios, each a TOML file beside this one."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from perpcore._structs import problem

if TYPE_CHECKING:
    from perpcore._structs import Number
    from perpcore.distributions import Scalar
    from perpcore.scenario import Scenario

#: Names of the presets, as the command line takes them.
NAMES = (
    "rocketcoin",
    "rocketcoin-300k",
    "rocketcoin-consistent",
    "long-cascade",
    "reference",
    "two-books",
    "rocketcoin-live",
    "funding-trap",
    "altseason",
)

_READINGS = {None: "rocketcoin", "300k": "rocketcoin-300k", "consistent": "rocketcoin-consistent"}


def rocketcoin(reading: Literal["300k", "consistent"] | None = None) -> Scenario:
    """RocketCoin: a coin of $10 with a float of a million tokens, and $10 M of shorts.

    The story's own figures disagree, so there are three readings of it.

    Parameters
    ----------
    reading : {None, "300k", "consistent"}
        None: ten batches of $1 M that break at 11.0, 11.4, ... 14.6 (787,640 tokens). ``"300k"``: $1 M
        breaks at 11, the rest of 300,000 tokens evenly on [11, 15]. ``"consistent"``: $10 M of open
        interest at $10, of which 300,000
        tokens break evenly on [11, 15] and the rest is out of reach.
    """
    if reading not in _READINGS:
        raise problem("reading", repr(reading), 'None, "300k" or "consistent"')
    return load(_READINGS[reading])


def long_cascade() -> Scenario:
    """RocketCoin in a mirror: a sale breaks ten batches of longs, and spot falls from 10 to 0.33.

    Each batch holds the tokens of its reflection in `rocketcoin`, and breaks as far below 10 as that does
    above; bids lie as asks do there. So every price of every round is 20 less the one there.
    """
    return load("long-cascade")


def rocketcoin_live() -> Scenario:
    """RocketCoin told through time: four hours in steps of a second, with every friction.

    Noise, a spot market maker and holders who sell into strength trade spot; shorts pile up in the perpetual,
    whose market maker hedges half of what he sold, late, and pulls back when it moves. A whale buys spot and
    opens longs in the first two hours, pushes spot by RocketCoin's 20,000 tokens, and sells out. The venue
    raises margin, shortens the funding interval, and halts, if it comes to that.
    """
    return load("rocketcoin-live")


def funding_trap() -> Scenario:
    """Funding arbitrageurs lock most of the float, and a push liquidates their shorts: twelve hours.

    Buyers with leverage pay funding; three arbitrageurs short the perpetual at 5 times their capital and buy
    as many tokens, which stay locked for two hours when the venue takes the short. So the cascade that their
    shorts are the fuel of finds hardly any float, and their tokens come too late.
    """
    return load("funding-trap")


def altseason() -> Scenario:
    """Altseason: thirty days, in steps of a second, of a young coin with a low float and a high valuation.

    A crowd comes to the perpetual, four long for each short, and stays for ten days on average; its market
    maker and funding arbitrageurs take the other side and buy spot, where it is theirs for as long as longs
    pay. Noise and chartists trade both markets, holders sell into strength, tokens are unlocked in the middle
    of the month, a whale pushes once. `docs/ALTSEASON.md` says where each number is from, and what comes of
    it. A month is some 26 million events; `Scenario.run` wants ``keep="samples"``.
    """
    return load("altseason")


def reference(*, smallest_size: Number = 200, requote: bool = False) -> Scenario:
    """The ensemble that speed is measured on: about 1,000 shorts, noisy books, a drawn push.

    Shorts of leverage 3 to 25, entered from 9.5 to 11 at a price that is now 10, their notional Pareto (the
    smallest size times ``u^-0.6``); asks of 200 tokens a cent in spot and 600 in the perpetual, each level
    times 0.5 to 1.5; a push of 10,000 to 30,000 tokens; a market maker who hedges all he sells.

    Parameters
    ----------
    smallest_size : number
        In quote currency. 200: nearly all shorts go; 20 is the light variant, in which some 600 do.
    requote : bool
        Nothing rests in the perpetual; the market maker quotes as much from the mark upward in every round,
        so that most liquidations end beyond bankruptcy.
    """
    changes: dict[str, Any] = {"positions[0].notional.low": smallest_size}
    if requote:
        from perpcore.distributions import Uniform
        from perpcore.markets import Quote

        quote = Quote(side="asks", levels=400, level_gap="0.01", level_qty=Uniform(300, 900))
        changes |= {"name": "reference-requote", "perp.asks": None, "market_maker.quote": quote}
    return load("reference").replace(changes)


def two_books(*, accounts: Scalar = 1000) -> Scenario:
    """Two deep books and a push in the perpetual: the episode that other simulators are measured on.

    Both books hold 100 levels a side, 5 ticks apart, 5 orders of 1 to 20 lots at each. Shorts of 5 to 40
    lots, entered at 10,000 ticks with leverage 5 to 60; a perpetual market buy of 4,000 lots; in every round
    the market maker hedges 80 % of what he sold, and 10 asks a book are posted anew above the spot mid. The
    mark is the mean of both mids.

    Parameters
    ----------
    accounts : number
        Expected number of shorts.
    """
    return load("two-books").replace({"positions[0].accounts": accounts})


def load(name: str) -> Scenario:
    """The preset of this name, one of `NAMES`."""
    from perpcore.scenario import Scenario

    if name not in NAMES:
        raise problem("preset", repr(name), f"one of {', '.join(NAMES)}")
    return Scenario.from_toml((resources.files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
