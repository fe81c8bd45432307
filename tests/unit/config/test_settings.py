"""Settings as code reads them: sections that are fixed, and those that detectors add."""

from __future__ import annotations

import pytest

from tickstock_cli.build import settings_model
from tickstock_cli.config.settings import Settings
from tickstock_cli.detectors.highlow import HighLowParams
from tickstock_cli.detectors.surge import SurgeParams
from tickstock_cli.errors import SettingsError


def test_a_detectors_section_has_the_type_of_its_parameters() -> None:
    """Detector sections are added at run time; through `section` a type checker knows their fields."""
    settings = settings_model().model_validate({"highlow": {"cooldown_seconds": 7}})

    assert settings.section("highlow", HighLowParams).cooldown_seconds == 7


@pytest.mark.parametrize("name", ["highlow", "hilow"])
def test_a_section_of_another_detector_is_refused_by_name(name: str) -> None:
    """Without the check, a wrong section would fail later, on a field it lacks."""
    with pytest.raises(SettingsError, match=rf"no section \[{name}\] of type SurgeParams"):
        settings_model()().section(name, SurgeParams)


def test_settings_without_detectors_say_how_to_build_them() -> None:
    """The base class has the fixed sections alone."""
    with pytest.raises(SettingsError, match=r"build\.settings_model"):
        Settings().section("highlow", HighLowParams)
