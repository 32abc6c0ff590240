"""docs/FLOAT.md is of this engine and this world."""

import numpy as np


def test_the_page_is_made_of_the_cells_that_run_now(page_maker):
    made = page_maker("float")
    page = made.FILE.read_text(encoding="utf-8")
    assert made.fingerprint() in page, "python docs/float.py --write"
    for name in ("multiples", "edge"):
        assert len(page) - len(made.pages.written(page, "float.py", name, "")) > 300, f"{name} is empty"


def test_the_grid_is_the_one_that_was_asked_for(page_maker):
    made = page_maker("float")
    floats, accounts = made.grid(made.SIDE).values()
    tokens = np.array([value[0] for value in floats]) / made.SUPPLY
    interest = np.array(accounts) / made.ACCOUNTS
    assert len(tokens) == len(interest) == 50
    assert (tokens[[0, -1]] == (0.01, 1)).all()
    assert (interest[[0, -1]] == (0.1, 10)).all()
    for each in (tokens, interest):
        assert np.allclose(each[1:] / each[:-1], (each[-1] / each[0]) ** (1 / 49), rtol=1e-3)


def test_open_interest_over_float_is_what_it_says(page_maker):
    made = page_maker("float")
    (fields, floats), (field, accounts) = made.grid(2).items()
    for values in floats:
        for number in accounts:
            cell = made.world().replace({**dict(zip(fields, values, strict=True)), field: number})
            sizes = cell.positions[0].notional
            mean = float(sizes.low) * float(sizes.alpha) / (float(sizes.alpha) - 1)
            assert np.isclose(mean * float(number) / float(cell.circulating), number / made.ACCOUNTS)
