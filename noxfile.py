"""The one task runner: `nox` lints, tests and checks everything; `nox -l` lists the tasks.

`tests` tests the wheel a user would install, never the source tree. All tasks share Cargo's target directory.
"""

import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.sessions = ["lint", "rust", "tests"]  # pytest's closing line comes last

ROOT = Path(__file__).parent
DIST = ROOT / "dist"
SKETCH = ROOT.parent / "shared" / "reference" / "cascade_lazy.rs"
GROUPS = nox.project.load_toml("pyproject.toml")

# pyo3's build script and maturin are told the same interpreter, so that neither rebuilds after the other.
CARGO_ENV = {"PYO3_PYTHON": sys.executable}


def install_group(session: nox.Session, *names: str) -> None:
    """Install dependency groups of pyproject.toml."""
    session.install(*nox.project.dependency_groups(GROUPS, *names))


def cargo(session: nox.Session, *args: str, env: dict[str, str] | None = None) -> None:
    """Run cargo from the machine's toolchain."""
    session.run("cargo", *args, external=True, env=CARGO_ENV | (env or {}))


def install_wheel(session: nox.Session) -> Path:
    """Build the wheel in release mode and install exactly that file, with every extra."""
    install_group(session, "build")
    for old in DIST.glob("*.whl"):
        old.unlink()
    interpreter = CARGO_ENV["PYO3_PYTHON"]
    session.run("maturin", "build", "--release", "--locked", "--out", "dist", "--interpreter", interpreter)
    (wheel,) = DIST.glob("*.whl")
    session.log(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB")
    session.install(f"perpcore[all] @ {wheel.as_uri()}")
    return wheel


@nox.session(reuse_venv=True)
def lint(session: nox.Session) -> None:
    """Ruff: rules and format (`nox -s lint -- --fix` mends what it can)."""
    install_group(session, "lint")
    if "--fix" in session.posargs:
        session.run("ruff", "check", "--fix")
        session.run("ruff", "format")
        cargo(session, "fmt")
    else:
        session.run("ruff", "check")
        session.run("ruff", "format", "--check")


@nox.session(python=False)
def rust(session: nox.Session) -> None:
    """Rust: format, clippy with and without Python, documentation, tests."""
    clippy = ("clippy", "--locked", "--all-targets")
    cargo(session, "fmt", "--check")
    cargo(session, *clippy, "--", "-D", "warnings")
    cargo(session, *clippy, "--features", "python", "--", "-D", "warnings")
    cargo(session, "doc", "--locked", "--no-deps", env={"RUSTDOCFLAGS": "-D warnings"})
    # Never --all-features: a test binary is not loaded by an interpreter.
    cargo(session, "test", "--locked", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Build the wheel, install it into a fresh environment, check types, stubs and tables, run pytest."""
    wheel = install_wheel(session)
    install_group(session, "test", "types")
    session.run("mypy")
    session.run("python", "-m", "mypy.stubtest", "perpcore._core", "--mypy-config-file", "pyproject.toml")
    session.run("python", "docs/venues.py", "--check")
    session.run("python", "-m", "pytest", *session.posargs, env={"PERPCORE_WHEEL": str(wheel)})


@nox.session
def bench(session: nox.Session) -> None:
    """Criterion, pytest-benchmark on the wheel, then the comparisons (`-- --write`: README's tables)."""
    write = ("--write", "README.md") if "--write" in session.posargs else ()
    words = [word for word in session.posargs if word != "--write"]
    scratch = Path(session.create_tmp()).resolve()
    results, home = scratch / "pytest.json", scratch / "criterion"
    shutil.rmtree(home, ignore_errors=True)
    # First: its library takes the place of that which `cargo bench` builds and the scripts then use.
    install_wheel(session)
    install_group(session, "test")
    # A table holds this run alone; target/criterion keeps what was measured before, to compare with.
    cargo(session, "bench", "--locked", env={"CRITERION_HOME": str(home)} if write else None)
    suite = ("-m", "pytest", "benches", "--benchmark-only", f"--benchmark-json={results}")
    session.run("python", *suite, *words)
    if write:
        found = ("--criterion", str(home), "--pytest", str(results))
        session.run("python", "benches/table.py", *found, *write)
    if SKETCH.is_file():
        session.run("python", "benches/floor.py", *write)
    else:
        session.log(f"{SKETCH}: not here, so nothing is compared with it")
    session.run("python", "benches/claims.py", *write)


@nox.session
def stubs(session: nox.Session) -> None:
    """Compare `_core.pyi` with the compiled module, nothing else."""
    install_wheel(session)
    install_group(session, "types")
    session.run("python", "-m", "mypy.stubtest", "perpcore._core", "--mypy-config-file", "pyproject.toml")
