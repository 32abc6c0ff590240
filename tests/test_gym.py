"""The environment of Gymnasium: its checker, the same episode from a seed, rewards that sum to the profit."""

import math
import pickle
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import perpcore as pc
from gymnasia import SMALL, market, same_series, steps, zero
from stepping import CROWD, world

LIVE = {"scenario": "rocketcoin-live", "start_s": 7000, "horizon_s": 7400, "steps_per_action": 5}
MIRROR = pc.presets.long_cascade().replace(
    {"time": pc.Time(step_s=1, horizon_s=60), "ignition.at_s": 20, "agents": CROWD[:2]}
)
WORLDS = {
    "live": LIVE,
    "trap": {"scenario": pc.presets.funding_trap(), "steps_per_action": 60, "horizon_s": 30_000},
    "long cascade": {"scenario": MIRROR},
    "small": {"scenario": SMALL},
}


@pytest.mark.parametrize("terms", [{}, {"scenario": SMALL, "steps_per_action": 3}, LIVE])
def test_gymnasiums_own_checker_has_nothing_to_say(terms):
    assert pc.gym  # registers it
    check_env(gymnasium.make("perpcore/Market-v0", **terms).unwrapped)
    check_env(market(**{"scenario": SMALL, **terms}, render_mode="ansi"), skip_render_check=True)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_many_at_a_time(mode):
    assert pc.gym  # registers it
    envs = gymnasium.make_vec("perpcore/Market-v0", num_envs=2, vectorization_mode=mode, scenario=SMALL)
    try:
        observations, infos = envs.reset(seed=3)
        alone = [market().reset(seed=3 + i) for i in range(2)]
        for i, (observation, info) in enumerate(alone):
            np.testing.assert_array_equal(observations[i], observation)
            assert infos["path"][i] == info["path"]
        for _ in range(3):
            observations, rewards, *_ = envs.step(np.stack([zero(), pc.gym.action(perp=0.5)]))
        assert rewards[0] == 0
        assert observations.shape == (2, len(market().components))
    finally:
        envs.close()


def test_the_same_seed_is_the_same_episode_and_none_another():
    def episode(env, seed):
        env.action_space.seed(5)
        found = [env.reset(seed=seed)]
        for _ in range(30):
            found.append(env.step(env.action_space.sample()))
            if found[-1][2] or found[-1][3]:
                break
        return found

    one, two = (episode(market(), 8) for _ in range(2))
    assert len(one) == len(two)
    for ours, theirs in zip(one, two, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        assert ours[1:] == theirs[1:]
    env = market()
    paths = [env.reset(seed=8)[1]["path"], *(env.reset()[1]["path"] for _ in range(5))]
    assert paths[0] == one[0][1]["path"]
    assert len(set(paths)) == 6
    again = [env.reset(seed=8)[1]["path"], *(env.reset()[1]["path"] for _ in range(5))]
    assert again == paths
    assert env.reset(options={"path": 77})[1]["path"] == 77
    drawn = {market(paths=[4, 9]).reset(seed=seed)[1]["path"] for seed in range(20)}
    assert drawn == {4, 9}


@pytest.mark.parametrize("scenario", [SMALL, SMALL.replace(settlement_price=9), world(*CROWD[:1])])
@pytest.mark.parametrize("terms", [{}, {"tokens": 400, "steps_per_action": 7}])
def test_rewards_sum_to_the_profit(scenario, terms):
    capital = 50_000
    for seed in range(4):
        env = market(scenario, capital=capital, **terms)
        env.action_space.seed(seed)
        episode = pc.gym.play(env, lambda _, env=env: env.action_space.sample(), seed=seed)
        assert episode.profit != 0
        assert abs(episode.reward * capital - episode.profit) < 1e-6 / 2  # half a unit of the ledger
        agents = env.simulation.agents
        (booked,) = agents["profit"][agents["agent"] == "trader"]
        assert episode.profit == booked


def test_the_charge_for_a_position_is_what_it_says():
    plain, charged = (
        market(reward=pc.gym.Profit(scale=1_000, inventory_penalty=penalty)) for penalty in (0, 0.3)
    )
    for env in (plain, charged):
        env.reset(seed=1)
    for _ in range(10):
        answers = [env.step(pc.gym.action(perp=0.02)) for env in (plain, charged)]
        info = answers[0][4]
        assert answers[0][1] - answers[1][1] == pytest.approx(0.3 * (info["qty"] * info["mark"] / 1_000) ** 2)
        assert info["qty"] > 0
    mine = market(reward=lambda before, after, _: after.qty - before.qty)
    mine.reset(seed=1)
    assert mine.step(pc.gym.action(perp=0.02))[1] == mine.simulation.inventory().qty > 0


@pytest.mark.parametrize("name", WORLDS)
def test_doing_nothing_is_the_run(name):
    env = market(**WORLDS[name])
    _, info = env.reset(seed=1)
    answer = steps(env, zero(), 10**6)
    assert answer[2:4] == (False, True)
    assert answer[4]["profit"] == 0
    assert env.named(answer[0])["time_left"] == 0
    sim = env.simulation
    if not sim.over:
        sim.run()
    same_series(sim.finish(), env.scenario.run(seed=1, path=info["path"]))
    without = pc.presets.load(WORLDS[name]["scenario"]) if name == "live" else WORLDS[name]["scenario"]
    if without.agents:
        same_series(sim.finish(), without.run(seed=1, path=info["path"]))


@pytest.mark.parametrize("name", WORLDS)
def test_observations_stay_in_their_space_whatever_is_done(name):
    for seed in range(3):
        env = market(**WORLDS[name], capital=10_000)
        env.action_space.seed(seed)
        observation, _ = env.reset(seed=seed)
        assert observation in env.observation_space
        over = False
        while not over:
            observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
            over = terminated or truncated
            assert observation in env.observation_space
            assert math.isfinite(reward)
            assert np.isfinite(observation).all()
            if terminated:
                assert (info["qty"], info["balance"]) == (0, 0)


def test_a_liquidation_ends_the_episode():
    env = market("rocketcoin-live", start_s=7000, horizon_s=7600, capital=10_000, max_order=4_400)
    env.reset(options={"path": 1})
    _, _, terminated, _, info = env.step(pc.gym.action(perp=-1))
    assert (terminated, info["qty"]) == (False, -4_400)
    _, _, terminated, truncated, info = steps(env, zero(), 600)
    assert (terminated, truncated) == (True, False)
    assert (info["qty"], info["equity"], info["profit"]) == (0, 0, -10_000)
    accounts = env.simulation.accounts
    taken = env.simulation.result().liquidations["account"]
    (mine,) = accounts["account"][(accounts["agent"] == "trader") & (accounts["tokens"] == 0)][:1]
    assert mine in taken
    with pytest.raises(pc.gym.EpisodeOverError, match=r"step: the episode is over.*call reset\(\)"):
        env.step(zero())


def test_after_the_end_only_a_reset_goes_on():
    env = market(horizon_s=5)
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"call reset\(\) first"):
        env.step(zero())
    with pytest.raises(pc.RunError, match=r"call reset\(\) first"):
        env.render()
    env.reset(seed=1)
    assert steps(env, zero(), 5)[3] is True
    assert env.simulation.time == 5
    for _ in range(2):
        with pytest.raises(pc.RunError, match=r"call reset\(\) first"):
            env.step(zero())
    env.reset()
    assert steps(env, zero(), 4)[3] is False
    env.close()
    env.close()


def test_it_says_a_line():
    env = market(render_mode="ansi")
    env.reset(seed=1)
    env.step(pc.gym.action(perp=0.01))
    assert env.render().split()[:4] == ["1", "s", "mark", f"{env.simulation.mark:g}"]
    assert "position 50 " in env.render()
    silent = market()
    silent.reset(seed=1)
    assert silent.render() is None


def test_before_an_episode_it_goes_through_pickle():
    env = market(steps_per_action=2, reward=pc.gym.Profit(scale=5))
    again = pickle.loads(pickle.dumps(env))
    for each in (env, again):
        each.reset(seed=4)
    np.testing.assert_array_equal(env.step(zero())[0], again.step(zero())[0])


def test_where_gymnasium_is_missing_it_says_what_to_install():
    code = "import sys; sys.modules['gymnasium'] = None; import perpcore as pc; pc.gym"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install perpcore[gym]" in done.stderr.splitlines()[-1]
