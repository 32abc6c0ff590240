"""docs/GYM.md is of this engine, this environment and these agents."""

import perpcore as pc


def test_the_page_is_made_of_the_episodes_that_run_now(page_maker):
    made = page_maker("environment")
    page = made.FILE.read_text(encoding="utf-8")
    assert made.fingerprint() in page, "python docs/environment.py --write"
    assert made.observation() in page
    assert made.parts(pc.gym.Market().actions) in page
    for name in ("observation", "action", "agents"):
        assert len(page) - len(made.pages.written(page, made.SCRIPT, name, "")) > 300, f"{name} is empty"
