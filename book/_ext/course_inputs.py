"""What a chapter is made of: the modules of the toolkit that its cells reach, and the files that both read.

The code is read, not run. Where it cannot be known which table a ``load`` asks for, every table counts as an input.
"""

import ast
import hashlib
import json
import os
import re
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLKIT = ROOT / "book" / "toolkit"
DATA = ROOT / "data"

READS_NO_TABLE = {f"toolkit.data.{name}" for name in ("cited", "package", "DataError")}
CELL = re.compile(
    r"^(?P<fence>`{3,}|~{3,}|:{3,})\{code-cell\}[^\n]*\n(?:---\n.*?\n---\n|(?::[^\n]*\n)*)(?P<code>.*?)^(?P=fence)\s*$",
    re.DOTALL | re.MULTILINE,
)


@cache  # asked when the chapter is to run, and by each process that reads it
def inputs_of(chapter):
    """Files that the cells of a chapter use.

    A table that is only looked up, to check that a key stands in it, is none of them: its change cannot change what the
    table with the key holds, and all keys are checked before a chapter runs.

    Parameters
    ----------
    chapter : str
        Text of a chapter.

    Returns
    -------
    list of pathlib.Path
        Modules and other files of the toolkit, tables, and the descriptor; sorted.
    """
    try:
        code = ast.parse("\n".join(cell["code"] for cell in CELL.finditer(chapter)))
    except SyntaxError:  # the build says so when it runs the cell
        return sorted([*TOOLKIT.glob("*.*"), *DATA.glob("*.*")])
    modules = toolkit_modules(code)
    files = set(modules)
    for tree in [code, *(parsed(path) for path in modules if path.name not in ("data.py", "rules.py"))]:
        files |= files_read(tree)
    if modules:
        files.add(DATA / "datapackage.json")
    return sorted(files)


def toolkit_modules(tree):
    """Files of the modules of the toolkit that some code imports, and of those that they import in turn."""
    found, waiting = set(), [tree]
    while waiting:
        for path in imported(waiting.pop()) - found:
            found.add(path)
            waiting.append(parsed(path))
    return found


@cache  # as for files_read
def imported(tree):
    """Files of the modules of the toolkit that some code imports itself."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update(f"{origin(node)}.{alias.name}" for alias in node.names)
    parts = [name.split(".") for name in names if name.split(".")[0] == "toolkit"]
    if ["toolkit", "*"] in parts:
        return set(TOOLKIT.glob("*.py"))
    modules = {"__init__", *(part[1] for part in parts if len(part) > 1)} if parts else set()
    return {path for path in (TOOLKIT / f"{module}.py" for module in modules) if path.exists()}


@cache  # most chapters use the same modules, and ``parsed`` gives the same tree for the same text
def files_read(tree):
    """Files that some code reads: tables that it loads by name, and other files whose name it holds."""
    by_name = {path.name: path for path in [*DATA.glob("*.*"), *TOOLKIT.glob("*.*")]}
    by_table = {resource["name"]: DATA / resource["path"] for resource in descriptor()["resources"]}
    meaning, nodes = bindings(tree), list(ast.walk(tree))
    named = {node.func: table_of(node) for node in nodes if isinstance(node, ast.Call)}
    longer = {node.value for node in nodes if isinstance(node, ast.Attribute)}
    files = set()
    if any(name.endswith(".*") for name in meaning.values()) or imports(tree, "importlib"):
        files |= {*by_table.values()}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = re.split(r"[/\\]", node.value)[-1]
            if name in by_name:
                files.add(by_name[name])
            elif re.fullmatch(r"(?:\.\.[/\\])+data(?:[/\\]\S*)?", node.value):  # the folder, or a file that is made up
                files |= {*by_table.values()}
        name = re.sub(r"^toolkit\.\w+\.data\b", "toolkit.data", full_name(node, meaning))  # maps.data is data
        if name == "toolkit.data.load" and named.get(node) in by_table:
            files.add(by_table[named[node]])
        elif name in ("toolkit", "toolkit.data") and node in longer or name in READS_NO_TABLE:
            continue
        elif name == "toolkit" or re.match(r"toolkit\.data(\.|$)", name):
            files |= {*by_table.values()}
    return files


def imports(tree, module):
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Import))
    return any(module in (alias.name for alias in node.names) for node in found)


def bindings(tree):
    """What the names that code imports stand for, as far as they are the toolkit's."""
    meaning = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            meaning |= {
                alias.asname or alias.name.split(".")[0]: alias.name if alias.asname else alias.name.split(".")[0]
                for alias in node.names
            }
        elif isinstance(node, ast.ImportFrom):
            meaning |= {alias.asname or alias.name: f"{origin(node)}.{alias.name}" for alias in node.names}
    return {name: full for name, full in meaning.items() if full.split(".")[0] == "toolkit"}


def full_name(node, meaning):
    """``toolkit.data.load`` for a node that stands for it, under whatever name; "" for others."""
    if isinstance(node, ast.Name):
        return meaning.get(node.id, "")
    if isinstance(node, ast.Attribute) and (base := full_name(node.value, meaning)):
        return f"{base}.{node.attr}"
    return ""


def table_of(call):
    """The one argument of a call, if it is a text."""
    value = getattr(call.args[0], "value", None) if len(call.args) == 1 and not call.keywords else None
    return value if isinstance(value, str) else None


def origin(node):
    """The module from which a ``from … import`` takes its names; the toolkit is flat: ``.`` is the toolkit."""
    return ".".join(filter(None, ["toolkit" if node.level else "", node.module]))


def descriptor():
    return json.loads((DATA / "datapackage.json").read_text("utf-8"))


def parsed(path):
    return _tree(path.read_text("utf-8"), path.name)


@cache
def _tree(text, name):
    return ast.parse(text, name)


def files_below(folder):
    """The files of a folder, but those that editors, Jupyter and Python leave there."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)
    ]


def digest(paths, folder=ROOT):
    """A digest of the content of files and of their names in a folder; a missing file counts as an empty one."""
    total = hashlib.sha256()
    for path in paths:
        name = Path(os.path.relpath(path, folder)).as_posix()
        content = path.read_bytes() if path.is_file() else b""
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()[:16]


def environment():
    """A digest of the Python and of the packages that ``requirements.txt`` names, in the versions installed."""
    pinned = {
        plain(name) for name in re.findall(r"^[\w.-]+", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE)
    }
    folders = [Path(folder) for folder in sys.path if folder.endswith("-packages")]
    installed = {path.stem for folder in folders if folder.is_dir() for path in folder.glob("*.dist-info")}
    packages = sorted(plain(name) for name in installed if plain(name.partition("-")[0]) in pinned)
    return hashlib.sha256("\n".join([sys.version, *packages]).encode()).hexdigest()[:16]


def plain(name):
    """A package's name as all its spellings have it."""
    return re.sub(r"[-_.]+", "-", name).lower()
