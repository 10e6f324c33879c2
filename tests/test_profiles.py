"""The limits of each kind of mission: what cannot be used is refused, and a shift keeps the copy it began with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gyrophare.kernel.errors import ProfileError
from lone_worker.profiles import DEFAULT, PROFILES, Profile, build, read


@pytest.mark.parametrize(
    ("given", "key", "expected"),
    [
        ({"prealarm_after_s": [170, 150]}, "prealarm_after_s", "seconds that grow, all before alarm_after_s"),
        ({"prealarm_after_s": [150, 150]}, "prealarm_after_s", "seconds that grow"),
        ({"prealarm_after_s": [150, 180]}, "prealarm_after_s", "all before alarm_after_s"),
        ({"prealarm_after_s": [150, 190]}, "prealarm_after_s", "all before alarm_after_s"),
        ({"prealarm_after_s": 150}, "prealarm_after_s", "a list of whole seconds"),
        ({"prealarm_after_s": ["150"]}, "prealarm_after_s", "a list of whole seconds"),
        ({"prealarm_after_s": [0]}, "prealarm_after_s", "a list of whole seconds"),
        ({"prealarm_after_s": [True]}, "prealarm_after_s", "a list of whole seconds"),
        ({"prealarm_after_s": [], "alarm_after_s": 9}, "alarm_after_s", "10 to 3600"),
        ({"alarm_after_s": 3601, "silence_after_s": 3601}, "alarm_after_s", "10 to 3600"),
        ({"alarm_after_s": 180.5}, "alarm_after_s", "a whole number, at least 1"),
        ({"alarm_after_s": "180"}, "alarm_after_s", "a whole number, at least 1"),
        ({"alarm_after_s": None}, "alarm_after_s", "a whole number, at least 1"),
        ({"silence_after_s": 179}, "silence_after_s", "alarm_after_s to 1200 (20 minutes)"),
        ({"silence_after_s": 1201}, "silence_after_s", "alarm_after_s to 1200 (20 minutes)"),
        ({"engine": 1}, "engine", "true or false"),
        ({"engine": "yes"}, "engine", "true or false"),
        ({"check_every_s": 0}, "check_every_s", "a whole number, at least 1"),
        ({"check_every_s": 45}, "check_every_s", "more than check_notice_s (45)"),
        ({"vehicle_check_every_s": 30}, "vehicle_check_every_s", "more than check_notice_s (45)"),
        ({"check_notice_s": 900}, "vehicle_check_every_s", "more than check_notice_s (900)"),
        ({"low_battery_pct": 101}, "low_battery_pct", "1 to 100"),
        *(
            ({key: figure}, key, "a whole number, at least 1")
            for key in (
                "check_notice_s",
                "signal_lost_after_s",
                "last_will_after_s",
                "not_worn_after_s",
                "gnss_lost_after_s",
                "pause_max_s",
                "overrun_after_s",
                "low_battery_pct",
            )
            for figure in (0, -1, True, 1.0, "60", None)
        ),
        ({"alarm_after": 180}, "alarm_after", "one of alarm_after_s, check_every_s"),
    ],
)
def test_figure_that_cannot_be_used_is_refused(given: dict[str, Any], key: str, expected: str) -> None:
    with pytest.raises(ProfileError) as refusal:
        build({"name": "élagage", **given})
    text = str(refusal.value)
    assert text.startswith(f"profile 'élagage': {key} = ")
    assert expected in text
    assert text.endswith("Correct it and save it again.")


def test_profile_that_names_little_is_for_the_rest_as_by_default() -> None:
    built = build({"name": "élagage", "prealarm_after_s": [], "alarm_after_s": 60, "silence_after_s": 600})
    assert built == Profile(name="élagage", prealarm_after_s=(), alarm_after_s=60, silence_after_s=600)
    assert build({}) == PROFILES[DEFAULT]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_copy_of_a_shift_is_the_profile(profile: Profile) -> None:
    assert read(profile.as_json()) == profile
    # As the database gives it back: other spaces, another order.
    assert read(json.dumps(dict(reversed(json.loads(profile.as_json()).items())))) == profile


def test_default_buzzes_at_150_and_170_s_and_alarms_at_180_s() -> None:
    default = PROFILES[DEFAULT]
    assert (default.prealarm_after_s, default.alarm_after_s, default.silence_after_s) == ((150, 170), 180, 180)
    assert {name: profile.alarm_after_s for name, profile in PROFILES.items()} == {
        "default": 180,
        "mowing": 180,
        "snow_clearing": 180,
        "patrol": 180,
        "chainsaw": 90,
        "office": 180,
        "pna11": 88,
    }
    assert {name for name, profile in PROFILES.items() if profile.engine} == {"mowing", "snow_clearing", "chainsaw"}
