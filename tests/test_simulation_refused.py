"""What a simulation refuses, and that it goes on."""

import pytest

import perpcore as pc


@pytest.mark.parametrize(
    ("terms", "field", "allowed"),
    [
        ({"capital": 50_000}, "agents[0].capital", "None, as the scenario has it for 'user'"),
        ({"capital": float("nan")}, "agents[0].capital", "a finite number"),
        ({"tokens": 3}, "agents[0].tokens", "as the scenario has it for 'user'"),
    ],
)
def test_a_program_has_the_terms_of_its_agent(terms, field, allowed):
    class Program:
        name = "user"

        def on_step(self, sim):
            """Nothing."""

    for term, value in terms.items():
        setattr(Program, term, value)
    scenario = pc.presets.rocketcoin_live().replace(agents=(pc.agents.External(name="user"),))
    with pytest.raises(pc.ScenarioError) as error:
        scenario.simulation(agents=[Program()])
    assert field in str(error.value)
    assert allowed in str(error.value)


def test_an_async_agent_is_refused():
    class Program:
        name = "user"

        async def on_step(self, sim):
            """Never awaited."""

    with pytest.raises(pc.ScenarioError, match="not an async one"):
        pc.presets.rocketcoin_live().simulation(agents=[Program()])


def test_an_order_too_large_to_count_is_refused_and_the_run_goes_on():
    scenario = pc.presets.rocketcoin_live().replace(agents=(pc.agents.External(name="user"),))
    sim = scenario.simulation(seed=1)
    for market, tif in (("perp", "gtc"), ("spot", "gtc"), ("perp", "ioc")):
        with pytest.raises(pc.OrderError, match="counted exactly"):
            sim.submit(market, "buy", 2**53, 5 if tif == "gtc" else None, tif=tif)
    # A single order may be large: it is filled in one go where one order stands against it.
    sim.submit("perp", "sell", 10**10, 11)
    assert sim.submit("perp", "buy", 10**10, 11).filled == 10**10
    with pytest.raises(pc.OrderError, match='market: "None" is not allowed'):
        sim.submit(None, "buy", 1)
    sim.step()
    assert sim.over is False
