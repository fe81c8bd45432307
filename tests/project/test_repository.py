"""What is committed: nothing of one machine, and every table and tree is what it claims to be."""

from __future__ import annotations

import importlib
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import tickstock_cli
from tickstock_cli import errors
from tickstock_cli.core.registry import Family
from tickstock_cli.detectors import DETECTORS
from tickstock_cli.errors import TickstockError, UnknownPartError
from tickstock_cli.loadtest.transport import TRANSPORTS
from tickstock_cli.sinks import SINKS
from tickstock_cli.sources import SOURCES

ROOT = Path(__file__).parents[2]

FAMILIES = (DETECTORS, SOURCES, SINKS, TRANSPORTS)
LINES = [pytest.param(family, name, id=f"{family.noun} {name}") for family in FAMILIES for name in family.parts]

FOREIGN = {
    "the address of a package index": re.compile(r"/simple[/]|pythonhosted[.]org|index[-]url"),
    "a home folder": re.compile(r"[/](?:home|Users)/\w+/|[/]root/"),
    "this checkout's place": re.compile(rf"(?<![\w.]){re.escape(str(ROOT))}/"),
}
"""What no committed file may hold. Written so that this file does not hold it either."""


def committed_texts() -> dict[str, str]:
    """Return every text file that is, or is about to be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    texts = {}
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.suffix != ".parquet" and path.is_file():
            texts[name] = path.read_text(encoding="utf-8")
    return texts


@pytest.mark.parametrize("what", FOREIGN)
def test_no_file_holds(what: str) -> None:
    """A clone works anywhere, with any package index."""
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in committed_texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if FOREIGN[what].search(line)
    ]

    assert found == []


@pytest.mark.parametrize(("family", "name"), LINES)
def test_every_line_of_every_table_loads(family: Family, name: str) -> None:
    """Strings in tables keep the start quick; this is what they cost."""
    assert isinstance(family.load(name), type)


@pytest.mark.parametrize(("family", "name"), LINES)
def test_a_part_lives_in_the_file_of_its_name(family: Family, name: str) -> None:
    """Key, module and configuration section are one word, so that a part is found without a search.

    A vendor is a folder of its name.
    """
    module, _, _ = family.target(name).partition(":")

    assert module.rpartition(".")[2] == name or module == f"tickstock_cli.vendors.{name}.source"


def test_an_unknown_part_is_refused_with_the_nearest_name() -> None:
    """The message lists what there is."""
    with pytest.raises(UnknownPartError, match="no sink named 'parquett'; did you mean parquet"):
        SINKS.load("parquett")


def test_the_error_tree_is_drawn_as_it_is() -> None:
    """The drawing at the top of the module names every error, its exit code and its parent."""
    drawn: dict[str, int] = {}
    parents: dict[int, str] = {}
    for match in re.finditer(r"^    ([│├└─ ]*)(\w+Error) +(\d+)", errors.__doc__ or "", re.M):
        depth, name, code = len(match[1]) // 4, match[2], int(match[3])
        parents[depth] = name
        cls = getattr(errors, name)
        assert cls.exit_code == code
        assert depth == 0 or cls.__base__ is getattr(errors, parents[depth - 1])
        drawn[name] = code

    assert set(drawn) == {
        name for name, cls in vars(errors).items() if isinstance(cls, type) and issubclass(cls, TickstockError)
    }


def test_exported_names_exist() -> None:
    """A star import of any module that lists its exports works."""
    for path in (ROOT / "tickstock_cli").rglob("*.py"):
        if path.name == "__main__.py" or "__all__" not in path.read_text(encoding="utf-8"):
            continue
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = importlib.import_module(".".join(part for part in parts if part != "__init__"))
        assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_the_changelog_has_this_version() -> None:
    """Its first heading is the version the package has."""
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)

    assert first is not None
    assert first[1] == tickstock_cli.__version__


def test_changelog_fragments_have_a_known_kind() -> None:
    """<name>.<kind>.md, one change each."""
    names = [path.name for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]

    assert [name for name in names if not re.fullmatch(r"[\w-]+\.(added|changed|fixed|removed)\.md", name)] == []


def test_third_party_files_have_their_licences() -> None:
    """Vendored files carry theirs, and the package says so in its metadata."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shipped = {path for pattern in project["license-files"] for path in ROOT.glob(pattern)}
    vendored = {folder / "LICENSE" for folder in (ROOT / "tickstock_cli").rglob("vendor/*") if folder.is_dir()}

    assert vendored
    assert shipped == {ROOT / "LICENSE", *vendored}
    assert project["license"] == "Apache-2.0 AND MIT"


def test_locked_requirements_carry_a_hash_for_every_package() -> None:
    """`pip install --require-hashes` works, and nothing comes from the working tree."""
    for name in ("run.txt", "dev.txt"):
        entries = (ROOT / "requirements" / name).read_text().replace("\\\n", " ").splitlines()
        assert entries
        assert [entry for entry in entries if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:", entry)] == []


def test_both_lock_files_have_the_same_versions() -> None:
    """Tests run on what users run on."""
    locked = [
        set(re.findall(r"^([\w.-]+==\S+)", (ROOT / "requirements" / name).read_text(), re.M))
        for name in ("run.txt", "dev.txt")
    ]

    assert locked[0] < locked[1]
