"""Escalation policies as people write them, and whether they reach anybody."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.checker import check
from alerts.model import AlertKind, Carried, Contact, Step
from alerts.policy import CHANNELS, TARGETED, Policy, PolicyError, applies, read_file, write_file
from gyrophare.kernel.ids import ContactId

PARIS = ZoneInfo("Europe/Paris")
FILE = """
[[policy]]
name = "urgence"
lapse_after_s = 600
repeat = 2
repeat_after_s = 120
[[policy.step]]
after_s = 0
channel = "console"
to = "console"
[[policy.step]]
after_s = 60
channel = "sms"
to = "rank 1"
days = "lun-ven"
between = "18:00-07:30"

[[policy]]
name = "technique"
kinds = ["low_battery", "technical"]
[[policy.step]]
after_s = 0
channel = "email"
to = "person Anne Petit"
"""
ANNE = Contact(id=ContactId(1), rank=1, name="Anne Petit", phone_e164="+33600000001", email="anne@example.org")
PAUL = Contact(id=ContactId(2), rank=2, name="Paul Roy", phone_e164="+33600000002")


def policy(*steps: Step, kinds: tuple[AlertKind, ...] | None = None) -> Policy:
    return Policy(name="urgence", kinds=kinds, steps=steps)


def test_file_is_read_with_all_it_says() -> None:
    urgent, technical = read_file(FILE)
    assert urgent == Policy(
        name="urgence",
        kinds=None,
        steps=(
            Step(after_s=0, channel="console", to="console"),
            Step(after_s=60, channel="sms", to="rank 1", days="lun-ven", between="18:00-07:30"),
        ),
        repeat=2,
        repeat_after_s=120,
        lapse_after_s=600,
    )
    assert technical.kinds == (AlertKind.LOW_BATTERY, AlertKind.TECHNICAL)
    assert (technical.repeat, technical.repeat_after_s, technical.lapse_after_s) == (0, 300, 900)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("[[policy]]", "[policy", "not a TOML file"),
        ('name = "urgence"', "nom = 1", "name None"),
        ('name = "technique"', 'name = "urgence"', "two policies"),
        ('kinds = ["low_battery", "technical"]', "", "everything else"),
        ('"technical"]', '"fire"]', "'fire'"),
        ('"technical"]', '"low_battery"]', "two policies"),
        ("repeat = 2", "repeat = true", "repeat True"),
        ("repeat = 2", "repeat = 21", "0 to 20"),
        ("repeat = 2", "again = 2", "again"),
        ("lapse_after_s = 600", "lapse_after_s = 5", "60 to 86400"),
        ("\nafter_s = 60", "\nafter_s = -1", "after_s -1"),
        ("\nafter_s = 60", "\nafter_s = 1.5", "after_s 1.5"),
        ("\nafter_s = 60", "", "after_s None"),
        ('channel = "sms"', 'channel = "pigeon"', "'pigeon'"),
        ('to = "rank 1"', 'to = "rank 0"', "'rank 0'"),
        ('to = "rank 1"', 'to = "console"', "'console' by sms"),
        ('to = "rank 1"', 'to = "target poste"', "by sms"),
        ('to = "rank 1"', 'to = "nearby 3"', "'nearby 3' by sms; expected rank 1, person NAME or duty ROLE"),
        ('to = "rank 1"', 'to = "nearby 0"', "nearby 1 to nearby 20"),
        ('to = "rank 1"', 'to = "nearby 21"', "nearby 1 to nearby 20"),
        ('channel = "sms"', 'channel = "watch"', "'rank 1' by watch; expected nearby 3"),
        ('days = "lun-ven"', 'days = "mon-fri"', "lun-ven or sam,dim"),
        ('between = "18:00-07:30"', 'between = "18h-7h"', "18:00-07:30"),
        ('between = "18:00-07:30"', 'between = "18:00-24:00"', "18:00-07:30"),
    ],
)
def test_file_that_cannot_be_used_says_which_value_and_what_was_expected(before: str, after: str, said: str) -> None:
    assert before in FILE
    with pytest.raises(PolicyError, match=said):
        read_file(FILE.replace(before, after, 1))


def test_steps_out_of_their_order_are_refused() -> None:
    with pytest.raises(PolicyError, match="in their order"):
        read_file(FILE.replace("after_s = 0", "after_s = 90", 1))


names = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=40).filter(
    lambda name: name.isprintable() and name.strip() == name and name
)
human = st.one_of(st.integers(1, 9999).map("rank {}".format), names.map("person {}".format))
some_steps = st.builds(
    lambda after_s, channel, who, target, near, days, between: Step(
        after_s=after_s,
        channel=channel,
        to={"console": "console", "watch": f"nearby {near}"}.get(
            channel, f"target {target}" if channel in TARGETED else who
        ),
        days=days,
        between=between,
    ),
    st.integers(0, 86_400),
    st.sampled_from(CHANNELS),
    human,
    names,
    st.integers(1, 20),
    st.sampled_from([None, "lun-ven", "sam,dim", "ven-lun", "mer"]),
    st.sampled_from([None, "18:00-07:30", "00:00-23:59", "08:00-08:00"]),
)


@given(names, st.lists(some_steps, min_size=1, max_size=6), st.integers(0, 20))
def test_what_is_written_is_read_again(name: str, steps: list[Step], repeat: int) -> None:
    one = Policy(name=name, kinds=None, steps=tuple(sorted(steps, key=lambda step: step.after_s)), repeat=repeat)
    other = Policy(name=f"{name}2", kinds=(AlertKind.SOS,), steps=(Step(after_s=0, channel="console", to="console"),))
    assert read_file(write_file([one, other])) == [one, other]


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(PolicyError):
        read_file(text)


leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))
keys = st.sampled_from(["step", "name", "kinds", "to", "after_s"])
tables = st.recursive(leaves, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner)))


@given(tables)
def test_no_table_breaks_the_reader(value: object) -> None:
    with pytest.raises(PolicyError), pytest.MonkeyPatch.context() as patch:
        patch.setattr(tomllib, "loads", lambda _text: {"policy": [value]})
        read_file("")


@pytest.mark.parametrize(
    ("days", "between", "at", "now"),
    [
        (None, None, "2026-11-25 12:00", True),
        ("lun-ven", None, "2026-11-27 23:59", True),
        ("lun-ven", None, "2026-11-28 00:00", False),
        ("sam,dim", None, "2026-11-29 12:00", True),
        ("ven-lun", None, "2026-11-29 12:00", True),
        ("ven-lun", None, "2026-12-01 12:00", False),
        (None, "18:00-07:30", "2026-11-25 17:59", False),
        (None, "18:00-07:30", "2026-11-25 18:00", True),
        (None, "18:00-07:30", "2026-11-25 07:29", True),
        (None, "18:00-07:30", "2026-11-25 07:30", False),
        (None, "08:00-12:00", "2026-11-25 08:00", True),
        (None, "08:00-12:00", "2026-11-25 12:00", False),
        ("ven", "18:00-07:30", "2026-11-28 06:00", True),  # the night of Friday
        ("ven", "18:00-07:30", "2026-11-27 06:00", False),  # that of Thursday
        ("sam", "18:00-07:30", "2026-11-28 06:00", False),
    ],
)
def test_step_applies_on_its_days_and_hours_in_paris(days: str | None, between: str | None, at: str, now: bool) -> None:
    step = Step(after_s=0, channel="sms", to="rank 1", days=days, between=between)
    assert applies(step, datetime.fromisoformat(at).replace(tzinfo=PARIS)) is now


def test_hours_are_those_of_the_clock_on_the_wall_when_summer_time_begins() -> None:
    step = Step(after_s=0, channel="sms", to="rank 1", between="03:00-04:00")
    before = datetime(2026, 3, 29, 1, 59, tzinfo=PARIS)
    assert not applies(step, before)
    assert applies(step, before + timedelta(minutes=61))


def servers(*channels: str, **targets: set[str]) -> Carried:
    """These run, send by these channels and know these targets: `webhook={"cta"}`."""
    return Carried(
        channels=frozenset(channels), targets={channel: frozenset(names) for channel, names in targets.items()}
    )


CONSOLE = Step(after_s=0, channel="console", to="console")
NEARBY = Step(after_s=0, channel="watch", to="nearby 3")
SMS_1 = Step(after_s=0, channel="sms", to="rank 1")
MAIL_1 = Step(after_s=0, channel="email", to="rank 1")
CALL_1 = Step(after_s=0, channel="voice", to="rank 1")
HAND_OVER = Step(after_s=0, channel="webhook", to="target cta")
SMS_ALONE = "only sms tells anybody: where that fails, nobody is told but who watches the console"


@pytest.mark.parametrize(
    ("steps", "said", "grave"),
    [
        ((CONSOLE, SMS_1, MAIL_1), [], []),
        ((CONSOLE, MAIL_1, Step(after_s=60, channel="sms", to="rank 3")), [], ["there is no rank 3"]),
        ((CONSOLE, MAIL_1, Step(after_s=60, channel="sms", to="person Zoé")), [], ["there is no person Zoé"]),
        ((CONSOLE, SMS_1, Step(after_s=60, channel="email", to="rank 2")), [], ["rank 2 has no address for email"]),
        ((CONSOLE, SMS_1, Step(after_s=60, channel="email", to="person Anne Petit")), [], []),
        ((CONSOLE,), ["nobody is told but who watches the console"], []),
        ((CONSOLE, NEARBY, SMS_1, MAIL_1), [], []),
        (
            (CONSOLE, NEARBY),
            ["nobody is told but who watches the console and colleagues, where any are near"],
            [],
        ),
        (
            (CONSOLE, NEARBY, *(Step(after_s=0, channel=by, to="rank 1", days="lun-ven") for by in ("sms", "email"))),
            ["from samedi 00:00 on nobody is told but who watches the console"],
            [],
        ),
        # One provider's failure must not leave an alarm to whoever looks at the console.
        ((CONSOLE, SMS_1), [SMS_ALONE], []),
        ((SMS_1, Step(after_s=60, channel="sms", to="rank 2")), [SMS_ALONE], []),
        ((CONSOLE, NEARBY, SMS_1), [f"{SMS_ALONE} and colleagues, where any are near"], []),
        ((CONSOLE, HAND_OVER), [SMS_ALONE.replace("sms", "webhook")], []),
        ((CONSOLE, SMS_1, HAND_OVER), [], []),
        (
            (CONSOLE, SMS_1, CALL_1),
            ["no server that runs sends by voice", SMS_ALONE.replace("sms", "the provider of sms and voice")],
            [],
        ),
        ((CONSOLE, MAIL_1, CALL_1), ["no server that runs sends by voice"], []),
        (
            (CONSOLE, *(Step(after_s=0, channel=by, to="rank 1", days="lun-ven") for by in ("sms", "email"))),
            ["from samedi 00:00 on nobody is told but who watches the console"],
            [],
        ),
        (
            (
                CONSOLE,
                Step(after_s=0, channel="sms", to="rank 1", between="07:00-19:00"),
                Step(after_s=0, channel="email", to="rank 1", between="19:00-07:00"),
            ),
            [],
            [],
        ),
    ],
)
def test_policy_that_reaches_nobody_or_by_one_way_only_is_found(
    steps: tuple[Step, ...], said: list[str], grave: list[str]
) -> None:
    flaws = check([policy(*steps)], [ANNE, PAUL], servers("sms", "email", "watch", "webhook", webhook={"cta"}))
    assert [flaw.what for flaw in flaws if flaw.grave] == grave
    assert [flaw.what for flaw in flaws if not flaw.grave] == said


def test_how_to_have_calls_is_said() -> None:
    [flaw] = check([policy(CONSOLE, MAIL_1, CALL_1)], [ANNE], servers("email"))
    assert flaw.do == "configure voice = true in [sms], and start it"


def test_policy_by_which_colleagues_would_hear_of_a_discreet_sos_is_refused() -> None:
    of_both = policy(CONSOLE, NEARBY, SMS_1, MAIL_1, kinds=(AlertKind.SOS, AlertKind.DURESS))
    everything_else = policy(CONSOLE, NEARBY, SMS_1, MAIL_1)
    [flaw] = check([everything_else, of_both], [ANNE], servers("sms", "email", "watch"))
    assert (flaw.grave, flaw.do) == (True, "give duress a policy of its own")


def test_watches_need_a_server_that_runs() -> None:
    [flaw] = check([policy(CONSOLE, NEARBY, SMS_1, MAIL_1)], [ANNE], servers("sms", "email"))
    assert flaw.do == "start one: `gyrophare serve`"


def test_alerts_that_no_policy_names_are_found() -> None:
    [flaw] = check([policy(CONSOLE, SMS_1, MAIL_1, kinds=(AlertKind.SOS,))], [ANNE], servers("sms", "email"))
    assert flaw.grave
    assert "everything else" in flaw.what


@pytest.mark.parametrize(
    ("steps", "broken", "danger"),
    [((CONSOLE, SMS_1), [], [SMS_ALONE]), ((SMS_1,), [SMS_ALONE], [SMS_ALONE]), ((CONSOLE, SMS_1, MAIL_1), [], [])],
)
def test_console_is_a_second_way_where_nobody_is_in_danger(
    steps: tuple[Step, ...], broken: list[str], danger: list[str]
) -> None:
    everything_else = policy(CONSOLE, SMS_1, MAIL_1)
    for kind, said in ((AlertKind.NOT_WORN, broken), (AlertKind.FALL, danger)):
        of_kinds = policy(*steps, kinds=(AlertKind.LOW_BATTERY, kind))
        flaws = check([everything_else, of_kinds], [ANNE], servers("sms", "email"))
        assert [flaw.what for flaw in flaws] == said


def test_target_that_no_server_knows_is_refused() -> None:
    typo = policy(CONSOLE, SMS_1, Step(after_s=60, channel="webhook", to="target ctaa"))
    [flaw] = check([typo], [ANNE], servers("sms", "webhook", webhook={"poste", "cta"}))
    assert (flaw.grave, flaw.what) == (True, "no server knows a target ctaa for webhook")
    assert flaw.do == "name one of [webhook.targets], which servers that run know: cta, poste"


def test_channel_with_one_receiver_takes_every_name() -> None:
    named = policy(CONSOLE, SMS_1, Step(after_s=60, channel="dc09", to="target centre"))
    assert check([named], [ANNE], servers("sms", "dc09")) == []


@pytest.mark.parametrize("running", [servers(), servers("sms")])
def test_target_that_cannot_be_checked_is_said_to_be_so(running: Carried) -> None:
    flaws = check([policy(CONSOLE, SMS_1, HAND_OVER)], [ANNE], running)
    said = "no server that runs sends by webhook: whether there is a target cta could not be checked"
    assert (flaws[-1].what, flaws[-1].grave) == (said, False)
