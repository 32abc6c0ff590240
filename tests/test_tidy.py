"""The repository keeps its own rules: who may use whom, how long things get, nothing dead, nothing unnamed.

Plain Python over the text of the tree; perpcore need not be installed. Every failure names file and line.
"""

import ast
import hashlib
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RUST, PACKAGE = ROOT / "rust", ROOT / "python" / "perpcore"

# DESIGN, section 8: a module may use what stands before it.
ORDER = (
    "units ids error event random ledger book margin venue rules world agents engine results monte_carlo "
    "bindings"
).split()
# ... but these never see each other, whatever the order says.
STRANGERS = {("book", "ledger"), ("ledger", "book"), ("margin", "book"), ("margin", "ledger")}

MAX_FUNCTION, MAX_FILE = 70, 500
# What may be longer, and why: "path" or "path::function" -> the reason.
LONGER: dict[str, str] = {}

NOT_OURS = {".git", ".venv", ".nox", "target", "dist", "node_modules", "__pycache__"}


def tree(folder: Path, *suffixes: str) -> list[Path]:
    """Every file below `folder` with one of these suffixes, sorted."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix in suffixes)
    return sorted(path for path in found if not NOT_OURS & set(path.relative_to(ROOT).parts))


def code_files(*suffixes: str) -> list[Path]:
    return [path for name in ("rust", "python", "tests", "benches") for path in tree(ROOT / name, *suffixes)]


def place(path: Path, line: int | None = None) -> str:
    """`rust/units.rs:12`, as editors open it."""
    return str(path.relative_to(ROOT)) + (f":{line}" if line else "")


def complain(problems: list[str], rule: str) -> None:
    """Fail with the rule and every place that breaks it."""
    if problems:
        pytest.fail(f"{rule}\n  " + "\n  ".join(problems), pytrace=False)


# ---- Rust, read without a parser ----

NOT_CODE = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<string>\b[bc]?r(?P<hashes>\#*)".*?"(?P=hashes)|\b[bc]?"(?:\\.|[^"\\])*"|"(?:\\.|[^"\\])*"|'(?:\\[^\n]*?'|[^\\'\n]'))""",
    re.VERBOSE | re.DOTALL,
)


def rust_code(text: str, *, keep_strings: bool = False) -> str:
    """The text with comments (and strings) blanked, every line where it was."""

    def blank(match: re.Match[str]) -> str:
        whole = match.group()
        if match.group("string") and keep_strings:
            return whole
        return re.sub(r"[^\n]", " ", whole)

    return NOT_CODE.sub(blank, text)


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def closing(code: str, opening: int) -> int:
    """Where the bracket at `opening` closes; the end of the text if it never does."""
    depth = 0
    for position in range(opening, len(code)):
        depth += {"{": 1, "}": -1}.get(code[position], 0)
        if depth == 0:
            return position
    return len(code)


def rust_functions(code: str) -> Iterator[tuple[str, int, int]]:
    """Name, first and last line of every function that has a body."""
    for match in re.finditer(r"\bfn\s+(\w+)", code):
        depth = 0
        for position in range(match.end(), len(code)):
            character = code[position]
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0)
            if character in "{;" and depth == 0:
                break
        else:
            continue
        if code[position] == "{":
            yield match.group(1), line_of(code, match.start()), line_of(code, closing(code, position))


def first_names(group: str) -> Iterator[str]:
    """`a::b, c::{d, e}, f` -> a, c, f: the first name of each path in a use group."""
    depth = 0
    for part in re.finditer(r"[{}]|(?:^|,)\s*(\w+)", group):
        depth += {"{": 1, "}": -1}.get(part.group(), 0)
        if part.group(1) and depth == 0:
            yield part.group(1)


def from_the_root(path: Path, code: str) -> Iterator[tuple[str, int]]:
    """What a Rust file names directly below the crate root, and on which line."""
    for match in re.finditer(r"\bcrate::\s*(?:(\w+)|\{)", code):
        line = line_of(code, match.start())
        if match.group(1):
            yield match.group(1), line
        else:
            for name in first_names(code[match.end() : closing(code, match.end() - 1)]):
                yield name, line
    inside = path.relative_to(RUST).with_suffix("").parts
    depth = len(inside) - (inside[-1] == "mod")
    for match in re.finditer(r"((?:\bsuper::)+)(\w+)", code):
        if match.group(1).count("super") >= depth and match.group(2) in ORDER:
            yield match.group(2), line_of(code, match.start())


def unit_of(path: Path) -> str:
    """The top-level module that a Rust file belongs to."""
    first = path.relative_to(RUST).parts[0]
    return first.removesuffix(".rs")


def test_no_module_uses_one_above_it() -> None:
    problems = []
    for path in tree(RUST, ".rs"):
        user = unit_of(path)
        if user == "lib":
            continue
        if user not in ORDER:
            problems.append(f"{place(path)}: `{user}` has no place in ORDER of this test")
            continue
        for used, line in from_the_root(path, rust_code(path.read_text())):
            if used not in ORDER:
                problems.append(f"{place(path, line)}: `crate::{used}`: name the module it lives in")
            elif ORDER.index(used) > ORDER.index(user):
                problems.append(f"{place(path, line)}: `{user}` uses `{used}`, which stands above it")
            elif (user, used) in STRANGERS:
                problems.append(f"{place(path, line)}: `{user}` and `{used}` never see each other")
    complain(problems, "imports go down: " + " <- ".join(ORDER))


def test_only_bindings_name_pyo3() -> None:
    problems = []
    for path in code_files(".rs"):
        if path.is_relative_to(RUST / "bindings") or path == RUST / "bindings.rs":
            continue
        code = rust_code(path.read_text())
        for match in re.finditer(r"\b(pyo3|numpy)\b", code):
            problems.append(f"{place(path, line_of(code, match.start()))}: {match.group()}")
    complain(problems, "Python is named in rust/bindings only")


def test_unsafe_stands_only_where_it_is_audited() -> None:
    problems = []
    counts = ROOT / "tests" / "book_allocations.rs"  # an allocator that counts: it cannot be written without
    for path in code_files(".rs"):
        if path == counts:
            continue
        code = rust_code(path.read_text())
        inside = path.is_relative_to(RUST / "bindings")
        allowed = inside and (path.name == "borrow.rs" or "allow(unsafe_code)" in code)
        for match in re.finditer(r"\bunsafe\b|allow\(unsafe_code\)", code):
            if not (allowed if match.group() == "unsafe" else inside):
                problems.append(f"{place(path, line_of(code, match.start()))}: {match.group()}")
    complain(problems, "unsafe code: rust/bindings/borrow.rs, or under allow(unsafe_code) in rust/bindings")


def python_functions(tree_of: ast.Module) -> Iterator[tuple[str, int, int]]:
    """Name, first line and length (docstring not counted) of every function."""
    for node in ast.walk(tree_of):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            words = node.body[0] if ast.get_docstring(node) is not None else None
            docstring = words.end_lineno - words.lineno + 1 if words else 0
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1 - docstring


def long_functions() -> Iterator[tuple[str, str]]:
    for path in code_files(".rs"):
        for name, first, last in rust_functions(rust_code(path.read_text())):
            if last - first + 1 > MAX_FUNCTION:
                yield f"{place(path)}::{name}", f"{place(path, first)}: `{name}` has {last - first + 1} lines"
    for path in code_files(".py"):
        for name, first, length in python_functions(ast.parse(path.read_text())):
            if length > MAX_FUNCTION:
                yield f"{place(path)}::{name}", f"{place(path, first)}: `{name}` has {length} lines"


def long_files() -> Iterator[tuple[str, str]]:
    for path in code_files(".rs", ".py"):
        lines = path.read_text().count("\n")
        if lines > MAX_FILE:
            yield place(path), f"{place(path, MAX_FILE + 1)}: {lines} lines"


def test_functions_fit_on_a_screen() -> None:
    problems = [text for key, text in long_functions() if key not in LONGER]
    complain(problems, f"a function has {MAX_FUNCTION} lines at most (a docstring is not counted)")


def test_files_stay_readable() -> None:
    problems = [text for key, text in long_files() if key not in LONGER]
    complain(problems, f"a file has {MAX_FILE} lines at most")


def test_every_leave_to_be_longer_is_needed() -> None:
    needed = {key for key, _ in [*long_functions(), *long_files()]}
    complain([f"LONGER[{key!r}]" for key in LONGER if key not in needed], "this leave is not needed any more")


def test_the_map_names_every_module() -> None:
    architecture = ROOT / "ARCHITECTURE.md"
    assert architecture.is_file(), "ARCHITECTURE.md is missing"
    words = architecture.read_text()
    entries = [path for folder in (RUST, PACKAGE) if folder.is_dir() for path in sorted(folder.iterdir())]
    problems = []
    for path in entries:
        if path.name in NOT_OURS or path.name in ("__init__.py", "__main__.py"):
            continue
        if not path.is_dir() and path.suffix not in (".rs", ".py", ".pyi"):
            continue
        name = path.name + ("/" if path.is_dir() else "")
        if not re.search(rf"(?<![\w]){re.escape(name)}", words):
            problems.append(f"{place(path)}: `{name}` is not in ARCHITECTURE.md")
    complain(problems, "ARCHITECTURE.md is the map of the tree")


def submodules(path: Path, is_root: bool) -> Iterator[Path]:
    """The files that the `mod name;` lines of a Rust file declare."""
    home = path.parent if is_root or path.name == "mod.rs" else path.with_suffix("")
    code = rust_code(path.read_text(), keep_strings=True)
    for match in re.finditer(r'(?:#\[path\s*=\s*"([^"]+)"\]\s*)?\bmod\s+(\w+)\s*;', code):
        named, name = match.groups()
        if named:
            yield (path.parent / named).resolve()
        else:
            yield from (file for file in (home / f"{name}.rs", home / name / "mod.rs") if file.is_file())


def test_no_rust_file_is_dead() -> None:
    roots = [RUST / "lib.rs", *ROOT.glob("tests/*.rs"), *ROOT.glob("benches/*.rs")]
    waiting, reached = [(root, True) for root in roots if root.is_file()], set(roots)
    while waiting:
        path, is_root = waiting.pop()
        for child in submodules(path, is_root):
            if child not in reached:
                reached.add(child)
                waiting.append((child, False))
    peers = ROOT / "benches" / "peers"  # a package of its own
    dead = [path for path in code_files(".rs") if path not in reached and not path.is_relative_to(peers)]
    complain([place(path) for path in dead], "no `mod` line leads to these files")


def mentioned(path: Path) -> set[str]:
    """Every dotted name that a Python file imports or spells in a string (lazily), cut into its parts."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value if re.fullmatch(r"[\w.]+", node.value) else "")
    return {part for name in names for part in name.split(".")}


def test_no_python_module_is_dead() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    entries = {part for target in scripts.values() for part in re.split(r"[.:]", target)}
    words = {path: mentioned(path) for path in tree(PACKAGE, ".py")}
    problems = []
    for path in words:
        name = path.parent.name if path.name == "__init__.py" else path.stem
        others = set().union(entries, *(said for other, said in words.items() if other != path))
        if name not in others and path != PACKAGE / "__init__.py" and name != "__main__":
            problems.append(f"{place(path)}: nobody imports `{name}`")
    complain(problems, "a module is imported by another or is an entry point")


def committed() -> list[Path]:
    """What git would carry; every file of the tree where there is no git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        files = (path for path in ROOT.rglob("*") if not NOT_OURS & set(path.relative_to(ROOT).parts))
    else:
        files = (ROOT / name for name in listing.split("\0") if name)
    return sorted(path for path in files if path.is_file())


def test_no_shared_data_is_committed(shared: Path) -> None:
    data = [path for path in (shared / "data").rglob("*") if path.is_file() and path.name != "README.md"]
    if not data:
        pytest.skip("real data: ../shared/data is not here")
    names = {path.name for path in data}
    sizes = {path.stat().st_size for path in data}
    digests = {hashlib.sha256(path.read_bytes()).digest() for path in data}
    problems = []
    for path in committed():
        same = path.stat().st_size in sizes and hashlib.sha256(path.read_bytes()).digest() in digests
        if path.name in names or same:
            problems.append(place(path))
    complain(problems, "nothing of ../shared/data enters the project")


def test_the_library_never_prints() -> None:
    problems = []
    for path in tree(PACKAGE, ".py"):
        if path.relative_to(PACKAGE).parts[0].removesuffix(".py") == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                problems.append(place(path, node.lineno))
    complain(problems, "only the command line prints")


def test_ci_calls_the_readmes_test_command() -> None:
    (command,) = re.findall(r"^ *(python3 -m venv .*/nox)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert command in (ROOT / "README.md").read_text(), f"README.md lacks what .ci/run calls: {command}"
