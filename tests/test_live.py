"""docs/LIVE.md is of this engine and this preset."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def page_maker():
    spec = importlib.util.spec_from_file_location("live_page", ROOT / "docs" / "live.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_made_of_the_paths_that_run_now():
    made = page_maker()
    page = made.FILE.read_text(encoding="utf-8")
    assert made.fingerprint() in page, "python docs/live.py --write"
    for name in ("outcomes", "attacker", "longs", "ablation"):
        table = made.written(page, name, "")
        assert len(page) - len(table) > 300, f"{name} is empty"
