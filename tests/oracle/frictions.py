"""What the venue does against moves (AGENTS section 4): halts, stress margins; what is not quiet yet."""

from __future__ import annotations

from .state import State
from .units import RATE_ONE


def after_mark(state: State) -> None:
    """After the mark of a round: a halt, then a stress margin, if the mark has moved far enough."""
    frictions, step = state.world.frictions, state.clock
    halt = frictions.halt
    if halt is not None and not state.halted:
        before = state.marks[max(step - halt.window, state.halt_end, 0)]
        if _is_far(state.mark, before, halt.move):
            state.halt_end = step + halt.pause
    stress = frictions.stress
    if stress is None or state.is_stressed:
        return
    if _is_far(state.mark, state.marks[max(step - stress.window, 0)], stress.move):
        state.raise_margins(stress.factor)


def is_restless(state: State) -> bool:
    """At the end of a step: whether a halt, stress or a late hedge is still to come to something."""
    maker, step = state.world.maker, state.clock
    if state.maker_alive:
        late = {state.target_at(k) for k in range(step - maker.latency, step + 1)}
        if len(late) > 1:
            return True
    stress = state.world.frictions.stress
    coming = False
    if stress is not None and not state.is_stressed:
        recent = range(step - stress.window + 1, step + 1)
        coming = any(_is_far(state.marks[step], state.marks[max(k, 0)], stress.move) for k in recent)
    return state.halted or coming


def _is_far(mark: int, before: int, move: int) -> bool:
    return abs(mark - before) * RATE_ONE >= move * before
