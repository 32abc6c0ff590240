"""What a learner waits for: steps of `pc.gym.Market`, one a second of the scenario, and what is in them."""

import numpy as np
import pytest

import perpcore as pc

ACTIONS = 400
TERMS = {"start_s": 3_600, "horizon_s": 7_000, "paths": [7]}


def played(benchmark, action, **terms):
    """Some hundred actions; a row of the table is one of them."""
    env = pc.gym.Market("rocketcoin-live", **TERMS | terms)
    benchmark.extra_info["elements"] = ACTIONS

    def begin():
        env.reset()

    def play():
        for _ in range(ACTIONS):
            env.step(action)

    benchmark.pedantic(play, setup=begin, rounds=9)
    assert env.simulation.time == TERMS["start_s"] + ACTIONS * terms.get("steps_per_action", 1)


def bench_gym_idle(benchmark):
    """An action that sends nothing: the engine's step and the observation."""
    played(benchmark, pc.gym.action())


def bench_gym_quotes(benchmark):
    """Two quotes, posted and cancelled."""
    played(benchmark, pc.gym.action(bid=0.1, ask=0.1, half_spread=0.5))


def bench_gym_orders(benchmark):
    """A market order in the perpetual as well."""
    played(benchmark, pc.gym.action(perp=0.001, bid=0.1, ask=0.1, half_spread=0.5))


def bench_gym_near(benchmark):
    """Idle, and liquidations seen within 2 % only."""
    played(benchmark, pc.gym.action(), reaches=[0.01, 0.02])


@pytest.mark.parametrize("steps", [8])
def bench_gym_many_steps(benchmark, steps):
    """Idle, eight steps an action."""
    played(benchmark, pc.gym.action(), steps_per_action=steps)


def bench_gym_engine(benchmark):
    """The same steps of the simulation alone."""
    scenario = pc.gym.Market("rocketcoin-live").scenario
    benchmark.extra_info["elements"] = ACTIONS

    def begin():
        sim = scenario.simulation(seed=1, path=7)
        sim.step(TERMS["start_s"])
        return (sim,), {}

    def play(sim):
        for _ in range(ACTIONS):
            sim.step()

    benchmark.pedantic(play, setup=begin, rounds=9)


def bench_gym_reset(benchmark):
    """A new episode, from the scenario's start."""
    env = pc.gym.Market("rocketcoin-live", paths=np.arange(100))
    benchmark(env.reset)
