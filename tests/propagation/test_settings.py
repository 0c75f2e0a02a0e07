"""The table of settings: what it says of a setting is what is held."""

import json
from dataclasses import asdict, fields, replace

import pytest

from core.errors import PCVOSError
from core.propagation.settings import PropagationSettings, settings_table
from core.studio.run_settings import QUALITIES, RunSettings, quality_of, settings_from

TABLE = settings_table(RunSettings)
DEFAULTS = asdict(RunSettings())


def test_every_setting_says_what_it_is():
    assert TABLE.keys() == {one.name for one in fields(RunSettings)}
    for row in TABLE.values():
        assert row.label and row.help and not row.help.endswith(".")


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.high < float("inf")])
def test_numbers_are_held_in_their_range(name: str):
    row = TABLE[name]
    for value in (row.low, row.high, row.off):
        if value is not None:
            assert getattr(RunSettings(**{name: type(DEFAULTS[name])(value)}), name) == value
    for value in (row.low - 1, row.high + 1, "many", True):
        if value != row.off:
            with pytest.raises(PCVOSError, match=rf"^{row.label} is {value}: choose a number from"):
                RunSettings(**{name: value})


@pytest.mark.parametrize("name", [name for name, value in DEFAULTS.items() if isinstance(value, bool)])
def test_switches_are_on_or_off(name: str):
    assert getattr(RunSettings(**{name: not DEFAULTS[name]}), name) is not DEFAULTS[name]
    with pytest.raises(PCVOSError, match=TABLE[name].label):
        RunSettings(**{name: "yes"})


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.choices])
def test_choices_are_those_of_the_table(name: str):
    for choice in TABLE[name].choices:
        settings = RunSettings(**{name: choice})
        assert name == "quality" or getattr(settings, name) == choice
    with pytest.raises(PCVOSError, match=TABLE[name].label):
        RunSettings(**{name: "sideways"})


def test_a_quality_sets_the_resolution_and_gives_way_to_a_later_one():
    for quality, pixels in QUALITIES.items():
        settings = RunSettings(quality=quality)
        assert settings.resolution == settings.propagation.resolution == pixels
        assert quality_of(settings.resolution) == quality
        later = replace(settings, resolution=360)
        assert later.resolution == 360 and quality_of(360) == "custom"
        assert settings_from(json.loads(json.dumps(asdict(later)))) == later
        assert replace(later, quality=quality) == settings
    assert quality_of(RunSettings().resolution) == "normal" and quality_of(None) == "custom"


def test_the_exact_mode_turns_off_what_the_published_loop_does_not_have():
    chosen = PropagationSettings(interval=9, soft=True)
    assert chosen.effective is chosen
    effective = PropagationSettings(interval=9, soft=True, exact=True).effective
    assert (effective.interval, effective.soft) == (9, True)
    assert effective.precision == "fp32", "on an accelerator too"
    assert (effective.kernel, effective.keep_lost, effective.distractors) == (0, True, False)


def test_a_project_gives_back_what_it_was_given():
    chosen = RunSettings(interval=9, resolution=None, distractors=False, range="in/out", weights="other.safetensors")
    assert settings_from(json.loads(json.dumps(asdict(chosen)))) == chosen
    for broken in (None, 7, {"interval": "9"}, {"range": "here"}, {"direction": 3}):
        assert settings_from(broken) == RunSettings()
