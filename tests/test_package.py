"""What the installed package promises before it computes: light, typed, documented, of one version."""

import doctest
import importlib
import inspect
import logging
import os
import pkgutil
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib import metadata, resources
from pathlib import Path

import numpy as np
import pytest

import perpcore as pc
from perpcore import _core

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("matplotlib", "pandas", "polars", "pyarrow", "gymnasium", "click", "msgspec", "tomli_w")
DOCTEST = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
MAX_IMPORT_SECONDS = 0.100
MAX_WHEEL_BYTES = 5_000_000

TIMED_IMPORT = "import numpy, time; t = time.perf_counter(); import perpcore; print(time.perf_counter() - t)"


def fresh_python(code: str, cwd: Path) -> str:
    """What a new interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command."""
    command = Path(sysconfig.get_path("scripts")) / "perpcore"
    return subprocess.run([str(command), *arguments], capture_output=True, text=True, check=False)


def test_import_is_quick(tmp_path: Path) -> None:
    seconds = []
    while len(seconds) < 5 or (min(seconds) >= MAX_IMPORT_SECONDS and len(seconds) < 15):
        seconds.append(float(fresh_python(TIMED_IMPORT, tmp_path)))
    assert min(seconds) < MAX_IMPORT_SECONDS, f"import perpcore after numpy, best of 15: {min(seconds):.3f} s"


def test_import_brings_nothing_heavy(tmp_path: Path) -> None:
    code = f"import sys, perpcore; print(*(name for name in {HEAVY} if name in sys.modules))"
    assert fresh_python(code, tmp_path).split() == []


def test_the_installed_package_is_tested_not_the_source() -> None:
    assert not Path(pc.__file__).is_relative_to(ROOT / "python")


def test_types_are_shipped() -> None:
    package = resources.files("perpcore")
    assert (package / "py.typed").is_file()
    assert (package / "_core.pyi").is_file()


def test_there_is_one_version() -> None:
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
    assert {"metadata": metadata.version("perpcore"), "module": pc.__version__} == {
        "metadata": cargo,
        "module": cargo,
    }


def test_licence_is_declared_and_shipped() -> None:
    about = metadata.metadata("perpcore")
    assert about["License-Expression"] == "MIT OR Apache-2.0"
    assert set(about.get_all("License-File")) >= {"LICENSE-MIT", "LICENSE-APACHE"}


def test_script_tells_version_and_help() -> None:
    version, usage = script("--version"), script("--help")
    assert (version.returncode, usage.returncode) == (0, 0), version.stderr + usage.stderr
    assert pc.__version__ in version.stdout
    for command in ("run", "presets", "check"):
        assert re.search(rf"^\s+{command}\b", usage.stdout, re.MULTILINE), f"--help does not list `{command}`"


def test_python_runs_the_package_as_the_script() -> None:
    module = [sys.executable, "-P", "-m", "perpcore", "--version"]
    done = subprocess.run(module, capture_output=True, text=True, check=True)
    assert pc.__version__ in done.stdout


def test_script_refuses_nonsense_without_a_traceback() -> None:
    done = script("no-such-command")
    assert done.returncode != 0
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_the_library_is_silent_unless_asked() -> None:
    handlers = logging.getLogger("perpcore").handlers
    assert any(isinstance(handler, logging.NullHandler) for handler in handlers)


def test_all_is_sorted_into_dir() -> None:
    assert len(set(pc.__all__)) == len(pc.__all__)
    assert set(pc.__all__) <= set(dir(pc))


@pytest.mark.parametrize("name", pc.__all__)
def test_public_name_resolves_and_is_documented(name: str) -> None:
    value = getattr(pc, name)
    if isinstance(value, str | int | float):
        return
    words = inspect.getdoc(value)
    assert words, f"perpcore.{name} has no docstring"
    assert words.splitlines()[0].strip(), f"perpcore.{name}: the docstring has no first line"


def modules() -> list[str]:
    """Every Python module of the package."""
    found = pkgutil.walk_packages(pc.__path__, "perpcore.")
    return ["perpcore", *(each.name for each in found if not each.name.endswith((".__main__", "._core")))]


def run_examples(tests: list[doctest.DocTest]) -> None:
    runner = doctest.DocTestRunner(optionflags=DOCTEST)
    for test in tests:
        runner.run(test, clear_globs=False)
    assert runner.failures == 0


@pytest.mark.parametrize("module", modules())
def test_examples_in_docstrings_are_true(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    imported = importlib.import_module(module)
    run_examples(doctest.DocTestFinder().find(imported, extraglobs={"pc": pc, "np": np}))


@pytest.mark.parametrize("name", [name for name in vars(_core) if not name.startswith("_")])
def test_examples_in_compiled_docstrings_are_true(name: str) -> None:
    finder = doctest.DocTestFinder()
    run_examples(finder.find(getattr(_core, name), name, module=False, globs={"pc": pc, "np": np}))


@pytest.mark.parametrize(
    "page", ["README.md", *(f"docs/{name}.md" for name in ("ALTSEASON", "FACTS", "GYM", "RUNS"))]
)
def test_examples_in_pages_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / page).read_text()
    names: dict[str, object] = {"__name__": "readme"}
    for block in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, block.start(1))
        if block[1].lstrip().startswith(">>>"):
            example = doctest.DocTestParser().get_doctest(block[1], names, page, page, line)
            run_examples([example])
            names = example.globs
        else:
            exec(compile("\n" * line + block[1], page, "exec"), names)


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The wheel that the task `tests` built and installed, else what lies in dist/."""
    named = os.environ.get("PERPCORE_WHEEL")
    found = [Path(named)] if named else sorted((ROOT / "dist").glob("perpcore-*.whl"))
    if not found:
        pytest.skip("no wheel in dist/: nox -s tests builds one")
    return found[-1]


def test_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < MAX_WHEEL_BYTES, f"{wheel.name}: {wheel.stat().st_size:,} bytes"


def test_one_wheel_serves_every_python(wheel: Path) -> None:
    assert "-cp311-abi3-" in wheel.name


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} <= {"perpcore", "perpcore.libs"}
    source = {
        path.relative_to(ROOT / "python").as_posix()
        for suffix in ("py", "pyi", "toml", "typed")
        for path in (ROOT / "python" / "perpcore").rglob(f"*.{suffix}")
    }
    assert source <= set(names), f"missing: {sorted(source - set(names))}"
