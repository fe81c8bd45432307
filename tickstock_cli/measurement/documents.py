"""Facts that become a JSON document: read strictly, and described by their own docstrings."""

from __future__ import annotations

from pydantic import ConfigDict

DOCUMENT = ConfigDict(use_attribute_docstrings=True, extra="forbid")
"""As ``__pydantic_config__`` of a dataclass: its docstrings are the schema's descriptions, unknown keys are errors."""
