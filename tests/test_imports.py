"""The house rules that a machine can check: who imports whom, and how long things get."""

import ast
from pathlib import Path

import pytest

import ddriqa

HOUSE = Path(ddriqa.__file__).parent
MODULES = sorted(HOUSE.rglob("*.py"))
LONGEST_FUNCTION, LONGEST_FILE = 50, 500

SCORING = {"scoring", "metrics", "encoders", "images", "errors"}
ALLOWED = {
    "errors": set(),
    "degradations": set(),
    "images": {"errors"},
    "encoders": {"images", "errors"},
    "metrics": {"encoders", "degradations", "errors"},
    "scoring": SCORING,
    "benchmark": SCORING,
    "restoration": SCORING | {"degradations"},
    "encoder_training": SCORING | {"degradations"},
    "cli": {path.stem if path.is_file() else path.name for path in HOUSE.iterdir()},
    "__main__": {"cli"},
    "__init__": SCORING,  # the public names, loaded on first use
}
"""DESIGN.md's table. A room may also import itself, and ``ddriqa`` for its version."""


def room(path):
    top = path.relative_to(HOUSE).parts[0]
    return top.removesuffix(".py")


def imports(path):
    """The rooms that a file imports, functions included, type checking left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        below
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for below in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        for name in _names(node, path):
            parts = name.split(".")
            if parts[0] == "ddriqa" and len(parts) > 1:
                yield parts[1]


def _names(node, path):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{path}: relative import"
        names = [f"{node.module}.{alias.name}" for alias in node.names]
        return [name for name in names if name != "ddriqa.__version__"]
    return []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_imports_follow_the_table(path):
    here = room(path)
    assert here in ALLOWED, f"{here} has no row in the table"
    forbidden = set(imports(path)) - ALLOWED[here] - {here}
    assert not forbidden, f"{here} may not import {', '.join(sorted(forbidden))}"


def test_no_circles_between_rooms():
    graph = {}
    for path in MODULES:
        graph.setdefault(room(path), set()).update(set(imports(path)) - {room(path)})
    done: set[str] = set()
    while graph.keys() - done:
        free = {name for name in graph.keys() - done if graph[name] & graph.keys() <= done}
        assert free, f"a circle among {sorted(graph.keys() - done)}"
        done |= free


def functions(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def code_lines(function):
    """The lines of a function without its docstring."""
    length = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False) is not None:
        docstring = function.body[0]
        length -= docstring.end_lineno - docstring.lineno + 1
    return length


def test_functions_are_short():
    offenders = [
        f"{path.relative_to(HOUSE)}:{function.lineno} {function.name}: {code_lines(function)} lines"
        for path in MODULES
        for function in functions(path)
        if code_lines(function) > LONGEST_FUNCTION
    ]
    assert not offenders, "\n".join(offenders)


def test_files_are_short():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    offenders = [
        f"{path.relative_to(HOUSE)}: {length} lines"
        for path, length in lengths.items()
        if length >= LONGEST_FILE
    ]
    assert not offenders, "\n".join(offenders)


def test_the_checks_see_what_they_should(tmp_path):
    """A file that breaks the rules in a function is caught; one for type checking isn't."""
    path = tmp_path / "bad.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from ddriqa.cli import main\n"
        "def f():\n    '''Docstring.\n\n    Long.'''\n    from ddriqa import scoring\n"
        "    import ddriqa.metrics.ddr\n    from ddriqa import __version__\n"
    )
    assert set(imports(path)) == {"scoring", "metrics"}
    assert [code_lines(function) for function in functions(path)] == [4]
