"""Ctrl-C stops a long run within half a second, and the next run is not affected."""

import subprocess
import sys

import pytest

# A million accounts, one a round, again and again.
SCRIPT = """
import os, signal, sys, threading, time
import perpcore as pc

long = pc.presets.rocketcoin().replace({
    "circulating": 10_000_000, "market_maker.hedge_ratio": 1, "market_maker.capital": 1e10,
    "venue.liquidations_per_round": 1, "venue.max_rounds": 10_000_000, "ignition.qty": 20_200,
    "positions": [pc.Ladder(side="short", lump=1, qty=1_000_000, liquidation_price=[11, 15])],
})
pressed = []
def press():
    time.sleep(float(sys.argv[1]))
    pressed.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press, daemon=True).start()
try:
    while True:
        long.run(seed=1)
except KeyboardInterrupt:
    print(f"{time.perf_counter() - pressed[0]:.3f}")
print(pc.presets.rocketcoin().run(seed=1).summary["final_price"])
"""


@pytest.mark.parametrize("after", ["0.1", "0.4", "1.5"])
def test_ctrl_c_stops_a_run_within_half_a_second(after):
    run = subprocess.run([sys.executable, "-c", SCRIPT, after], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    seconds, price = run.stdout.split()
    assert float(seconds) < 0.5
    assert price == "19.67"
