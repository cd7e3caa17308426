"""Canned advice on the race of four cars."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pitcall_orchestrator.phrase import advice
from pitcall_orchestrator.report import Said

from pitcall.domain import events as ev
from pitcall.domain.race import RaceState
from pitcall.domain.reducer import reduce_all
from pitcall.domain.strategy import Evidence
from pitcall.sim.messages import Decision, Option
from pitcall.wire.reply import Advice, Provenance, Timings


@pytest.fixture
def grid(events: list[ev.Event]) -> RaceState:
    """Before the start."""
    return reduce_all(events[:5])


def make_advice(*options: Option, resolved: bool = True, cut: bool = False, **evidence: Any) -> Advice:
    """Advice on these options, the first of them the best."""
    facts = Evidence(
        compound="medium", tyre_age_laps=18, pit_loss_s=21.3, wear_s_per_lap=0.08, wear_sd_s_per_lap=0.02,
        fresh_gain_s=1.1, position=1, ahead="", gap_ahead_s=0.0, behind="HAM", gap_behind_s=2.0,
        rejoin_position=3, rejoin_ahead="LEC", rejoin_gap_ahead_s=1.2, rejoin_behind="PER",
        rejoin_gap_behind_s=3.4, undercut_threats=(),
    )  # fmt: skip
    return Advice(
        Decision(options, 0, resolved, 3, 256, final=True, cut=cut),
        Provenance("prior@1", 1, 10, 900.0),
        Timings(1.0, 2.0),
        replace(facts, **evidence),
    )


@pytest.fixture(scope="session")
def advice_of() -> Callable[..., Advice]:
    return make_advice


@pytest.fixture
def advice_on(state: RaceState) -> Callable[..., Said]:
    """The words for a plan and these options."""
    return lambda plan, *options, **more: advice(plan, state, make_advice(*options, **more))
