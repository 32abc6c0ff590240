"""What a venue does when its mark moves far, in a run through time."""

from __future__ import annotations

from perpcore._structs import Struct
from perpcore.distributions import Scalar


class Halt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A circuit breaker: nobody trades the perpetual for a while, and nobody is liquidated.

    Quotes, spot, hedges and funding go on. The move is taken since the end of the last halt at most.

    Parameters
    ----------
    move : number or distribution
        Relative move of the mark.
    window_s : number or distribution
        Seconds within which it is made, at least a step.
    pause_s : number or distribution
        Seconds after its step in which the halt holds on.
    """

    move: Scalar
    window_s: Scalar
    pause_s: Scalar


class StressMargin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Margin that rises, once and for all accounts, when the mark moves far.

    Parameters
    ----------
    move : number or distribution
        Relative move of the mark.
    window_s : number or distribution
        Seconds within which it is made, at least a step.
    factor : number or distribution
        What every tier's maintenance rate is multiplied by, from 1; no rate rises above 0.99. The tiers'
        largest leverage is divided by it.
    """

    move: Scalar
    window_s: Scalar
    factor: Scalar
