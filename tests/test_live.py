"""docs/LIVE.md is of this engine and this preset."""


def test_the_page_is_made_of_the_paths_that_run_now(page_maker):
    made = page_maker("live")
    page = made.FILE.read_text(encoding="utf-8")
    assert made.fingerprint() in page, "python docs/live.py --write"
    for name in ("outcomes", "attacker", "longs", "ablation"):
        assert len(page) - len(made.pages.written(page, "live.py", name, "")) > 300, f"{name} is empty"
