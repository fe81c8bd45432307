"""Distributions as an installer leaves them: a module, and metadata with entry points."""

from __future__ import annotations

from pathlib import Path


def install(folder: Path, distribution: str, points: dict[str, dict[str, str]], **modules: str) -> None:
    """Install a distribution of version 1.0 into a folder.

    Parameters
    ----------
    points
        Per group of entry points: name -> "module:Class".
    modules
        Source by module name.
    """
    metadata = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    sections = [
        "\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in names.items())])
        for group, names in points.items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(sections) + "\n")
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)
