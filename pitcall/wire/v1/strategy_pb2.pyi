from pitcall.wire.v1 import knowledge_pb2 as _knowledge_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Compound(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMPOUND_UNSPECIFIED: _ClassVar[Compound]
    COMPOUND_SOFT: _ClassVar[Compound]
    COMPOUND_MEDIUM: _ClassVar[Compound]
    COMPOUND_HARD: _ClassVar[Compound]
    COMPOUND_INTERMEDIATE: _ClassVar[Compound]
    COMPOUND_WET: _ClassVar[Compound]
    COMPOUND_UNKNOWN: _ClassVar[Compound]

class Track(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRACK_UNSPECIFIED: _ClassVar[Track]
    TRACK_GREEN: _ClassVar[Track]
    TRACK_YELLOW: _ClassVar[Track]
    TRACK_VSC: _ClassVar[Track]
    TRACK_SAFETY_CAR: _ClassVar[Track]
    TRACK_RED: _ClassVar[Track]

class CarStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAR_STATUS_UNSPECIFIED: _ClassVar[CarStatus]
    CAR_STATUS_RUNNING: _ClassVar[CarStatus]
    CAR_STATUS_IN_PIT: _ClassVar[CarStatus]
    CAR_STATUS_RETIRED: _ClassVar[CarStatus]
    CAR_STATUS_FINISHED: _ClassVar[CarStatus]

class Goal(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GOAL_UNSPECIFIED: _ClassVar[Goal]
    GOAL_POSITION: _ClassVar[Goal]
    GOAL_POINTS: _ClassVar[Goal]
    GOAL_WIN: _ClassVar[Goal]
    GOAL_TARGET: _ClassVar[Goal]
    GOAL_CVAR: _ClassVar[Goal]

class Event(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_UNSPECIFIED: _ClassVar[Event]
    EVENT_SAFETY_CAR: _ClassVar[Event]
    EVENT_VSC: _ClassVar[Event]
    EVENT_RAIN: _ClassVar[Event]
    EVENT_RIVAL_BOXES: _ClassVar[Event]

class Parameter(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARAMETER_UNSPECIFIED: _ClassVar[Parameter]
    PARAMETER_PIT_LOSS_S: _ClassVar[Parameter]
    PARAMETER_WEAR: _ClassVar[Parameter]
    PARAMETER_CAUTION_RATE: _ClassVar[Parameter]
COMPOUND_UNSPECIFIED: Compound
COMPOUND_SOFT: Compound
COMPOUND_MEDIUM: Compound
COMPOUND_HARD: Compound
COMPOUND_INTERMEDIATE: Compound
COMPOUND_WET: Compound
COMPOUND_UNKNOWN: Compound
TRACK_UNSPECIFIED: Track
TRACK_GREEN: Track
TRACK_YELLOW: Track
TRACK_VSC: Track
TRACK_SAFETY_CAR: Track
TRACK_RED: Track
CAR_STATUS_UNSPECIFIED: CarStatus
CAR_STATUS_RUNNING: CarStatus
CAR_STATUS_IN_PIT: CarStatus
CAR_STATUS_RETIRED: CarStatus
CAR_STATUS_FINISHED: CarStatus
GOAL_UNSPECIFIED: Goal
GOAL_POSITION: Goal
GOAL_POINTS: Goal
GOAL_WIN: Goal
GOAL_TARGET: Goal
GOAL_CVAR: Goal
EVENT_UNSPECIFIED: Event
EVENT_SAFETY_CAR: Event
EVENT_VSC: Event
EVENT_RAIN: Event
EVENT_RIVAL_BOXES: Event
PARAMETER_UNSPECIFIED: Parameter
PARAMETER_PIT_LOSS_S: Parameter
PARAMETER_WEAR: Parameter
PARAMETER_CAUTION_RATE: Parameter

class RaceState(_message.Message):
    __slots__ = ("race", "name", "series", "season", "round", "circuit", "total_laps", "seq", "t_s", "cars", "laps", "track", "track_since_s", "green_since_s", "air_temp_c", "track_temp_c", "rain", "flag_s")
    RACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    SEASON_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    CIRCUIT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_LAPS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    T_S_FIELD_NUMBER: _ClassVar[int]
    CARS_FIELD_NUMBER: _ClassVar[int]
    LAPS_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    TRACK_SINCE_S_FIELD_NUMBER: _ClassVar[int]
    GREEN_SINCE_S_FIELD_NUMBER: _ClassVar[int]
    AIR_TEMP_C_FIELD_NUMBER: _ClassVar[int]
    TRACK_TEMP_C_FIELD_NUMBER: _ClassVar[int]
    RAIN_FIELD_NUMBER: _ClassVar[int]
    FLAG_S_FIELD_NUMBER: _ClassVar[int]
    race: str
    name: str
    series: str
    season: int
    round: int
    circuit: str
    total_laps: int
    seq: int
    t_s: float
    cars: _containers.RepeatedCompositeFieldContainer[Car]
    laps: LapColumns
    track: Track
    track_since_s: float
    green_since_s: float
    air_temp_c: float
    track_temp_c: float
    rain: bool
    flag_s: float
    def __init__(self, race: _Optional[str] = ..., name: _Optional[str] = ..., series: _Optional[str] = ..., season: _Optional[int] = ..., round: _Optional[int] = ..., circuit: _Optional[str] = ..., total_laps: _Optional[int] = ..., seq: _Optional[int] = ..., t_s: _Optional[float] = ..., cars: _Optional[_Iterable[_Union[Car, _Mapping]]] = ..., laps: _Optional[_Union[LapColumns, _Mapping]] = ..., track: _Optional[_Union[Track, str]] = ..., track_since_s: _Optional[float] = ..., green_since_s: _Optional[float] = ..., air_temp_c: _Optional[float] = ..., track_temp_c: _Optional[float] = ..., rain: _Optional[bool] = ..., flag_s: _Optional[float] = ...) -> None: ...

class Car(_message.Message):
    __slots__ = ("car", "number", "driver", "team", "grid", "compound", "tyre_age_laps", "compounds_used", "status", "retired_reason", "stop_lap", "stop_in_s", "stop_out_s")
    CAR_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    DRIVER_FIELD_NUMBER: _ClassVar[int]
    TEAM_FIELD_NUMBER: _ClassVar[int]
    GRID_FIELD_NUMBER: _ClassVar[int]
    COMPOUND_FIELD_NUMBER: _ClassVar[int]
    TYRE_AGE_LAPS_FIELD_NUMBER: _ClassVar[int]
    COMPOUNDS_USED_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RETIRED_REASON_FIELD_NUMBER: _ClassVar[int]
    STOP_LAP_FIELD_NUMBER: _ClassVar[int]
    STOP_IN_S_FIELD_NUMBER: _ClassVar[int]
    STOP_OUT_S_FIELD_NUMBER: _ClassVar[int]
    car: str
    number: str
    driver: str
    team: str
    grid: int
    compound: Compound
    tyre_age_laps: int
    compounds_used: _containers.RepeatedScalarFieldContainer[Compound]
    status: CarStatus
    retired_reason: str
    stop_lap: _containers.RepeatedScalarFieldContainer[int]
    stop_in_s: _containers.RepeatedScalarFieldContainer[float]
    stop_out_s: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, car: _Optional[str] = ..., number: _Optional[str] = ..., driver: _Optional[str] = ..., team: _Optional[str] = ..., grid: _Optional[int] = ..., compound: _Optional[_Union[Compound, str]] = ..., tyre_age_laps: _Optional[int] = ..., compounds_used: _Optional[_Iterable[_Union[Compound, str]]] = ..., status: _Optional[_Union[CarStatus, str]] = ..., retired_reason: _Optional[str] = ..., stop_lap: _Optional[_Iterable[int]] = ..., stop_in_s: _Optional[_Iterable[float]] = ..., stop_out_s: _Optional[_Iterable[float]] = ...) -> None: ...

class LapColumns(_message.Message):
    __slots__ = ("count", "lap", "time_s", "lap_time_s", "compound", "tyre_age", "flags")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    LAP_FIELD_NUMBER: _ClassVar[int]
    TIME_S_FIELD_NUMBER: _ClassVar[int]
    LAP_TIME_S_FIELD_NUMBER: _ClassVar[int]
    COMPOUND_FIELD_NUMBER: _ClassVar[int]
    TYRE_AGE_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    count: _containers.RepeatedScalarFieldContainer[int]
    lap: _containers.RepeatedScalarFieldContainer[int]
    time_s: _containers.RepeatedScalarFieldContainer[float]
    lap_time_s: _containers.RepeatedScalarFieldContainer[float]
    compound: _containers.RepeatedScalarFieldContainer[int]
    tyre_age: _containers.RepeatedScalarFieldContainer[int]
    flags: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, count: _Optional[_Iterable[int]] = ..., lap: _Optional[_Iterable[int]] = ..., time_s: _Optional[_Iterable[float]] = ..., lap_time_s: _Optional[_Iterable[float]] = ..., compound: _Optional[_Iterable[int]] = ..., tyre_age: _Optional[_Iterable[int]] = ..., flags: _Optional[_Iterable[int]] = ...) -> None: ...

class Budget(_message.Message):
    __slots__ = ("first_paths", "max_paths", "indifference")
    FIRST_PATHS_FIELD_NUMBER: _ClassVar[int]
    MAX_PATHS_FIELD_NUMBER: _ClassVar[int]
    INDIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    first_paths: int
    max_paths: int
    indifference: float
    def __init__(self, first_paths: _Optional[int] = ..., max_paths: _Optional[int] = ..., indifference: _Optional[float] = ...) -> None: ...

class Utility(_message.Message):
    __slots__ = ("goal", "target", "tail", "points")
    GOAL_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    TAIL_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    goal: Goal
    target: int
    tail: float
    points: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, goal: _Optional[_Union[Goal, str]] = ..., target: _Optional[int] = ..., tail: _Optional[float] = ..., points: _Optional[_Iterable[float]] = ...) -> None: ...

class WhatIf(_message.Message):
    __slots__ = ("track", "rain_in_laps", "boxes_now")
    TRACK_FIELD_NUMBER: _ClassVar[int]
    RAIN_IN_LAPS_FIELD_NUMBER: _ClassVar[int]
    BOXES_NOW_FIELD_NUMBER: _ClassVar[int]
    track: Track
    rain_in_laps: int
    boxes_now: str
    def __init__(self, track: _Optional[_Union[Track, str]] = ..., rain_in_laps: _Optional[int] = ..., boxes_now: _Optional[str] = ...) -> None: ...

class AdviseRequest(_message.Message):
    __slots__ = ("state", "car", "seed", "budget", "assume_track", "utility", "what_if", "no_outlook")
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAR_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    ASSUME_TRACK_FIELD_NUMBER: _ClassVar[int]
    UTILITY_FIELD_NUMBER: _ClassVar[int]
    WHAT_IF_FIELD_NUMBER: _ClassVar[int]
    NO_OUTLOOK_FIELD_NUMBER: _ClassVar[int]
    state: RaceState
    car: str
    seed: int
    budget: Budget
    assume_track: Track
    utility: Utility
    what_if: WhatIf
    no_outlook: bool
    def __init__(self, state: _Optional[_Union[RaceState, _Mapping]] = ..., car: _Optional[str] = ..., seed: _Optional[int] = ..., budget: _Optional[_Union[Budget, _Mapping]] = ..., assume_track: _Optional[_Union[Track, str]] = ..., utility: _Optional[_Union[Utility, _Mapping]] = ..., what_if: _Optional[_Union[WhatIf, _Mapping]] = ..., no_outlook: _Optional[bool] = ...) -> None: ...

class AdviseResponse(_message.Message):
    __slots__ = ("decision", "provenance", "timings", "evidence", "grounding")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    GROUNDING_FIELD_NUMBER: _ClassVar[int]
    decision: Decision
    provenance: Provenance
    timings: Timings
    evidence: Evidence
    grounding: _knowledge_pb2.Grounding
    def __init__(self, decision: _Optional[_Union[Decision, _Mapping]] = ..., provenance: _Optional[_Union[Provenance, _Mapping]] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ..., evidence: _Optional[_Union[Evidence, _Mapping]] = ..., grounding: _Optional[_Union[_knowledge_pb2.Grounding, _Mapping]] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("options", "best", "resolved", "rounds", "draws", "final", "cut", "tied", "contingencies", "break_evens")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    BEST_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_FIELD_NUMBER: _ClassVar[int]
    DRAWS_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    CUT_FIELD_NUMBER: _ClassVar[int]
    TIED_FIELD_NUMBER: _ClassVar[int]
    CONTINGENCIES_FIELD_NUMBER: _ClassVar[int]
    BREAK_EVENS_FIELD_NUMBER: _ClassVar[int]
    options: OptionColumns
    best: int
    resolved: bool
    rounds: int
    draws: int
    final: bool
    cut: bool
    tied: _containers.RepeatedScalarFieldContainer[int]
    contingencies: ContingencyColumns
    break_evens: BreakEvenColumns
    def __init__(self, options: _Optional[_Union[OptionColumns, _Mapping]] = ..., best: _Optional[int] = ..., resolved: _Optional[bool] = ..., rounds: _Optional[int] = ..., draws: _Optional[int] = ..., final: _Optional[bool] = ..., cut: _Optional[bool] = ..., tied: _Optional[_Iterable[int]] = ..., contingencies: _Optional[_Union[ContingencyColumns, _Mapping]] = ..., break_evens: _Optional[_Union[BreakEvenColumns, _Mapping]] = ...) -> None: ...

class OptionColumns(_message.Message):
    __slots__ = ("lap", "compound", "mean_position", "p_position", "delta_positions", "standard_error", "draws", "rejoin_position", "utility", "delta", "expected_points", "p_win", "p_target", "cvar_position", "rejoin_ahead", "rejoin_behind", "rejoin_gap_ahead_s", "rejoin_gap_behind_s", "wait_cost", "wait_cost_error")
    LAP_FIELD_NUMBER: _ClassVar[int]
    COMPOUND_FIELD_NUMBER: _ClassVar[int]
    MEAN_POSITION_FIELD_NUMBER: _ClassVar[int]
    P_POSITION_FIELD_NUMBER: _ClassVar[int]
    DELTA_POSITIONS_FIELD_NUMBER: _ClassVar[int]
    STANDARD_ERROR_FIELD_NUMBER: _ClassVar[int]
    DRAWS_FIELD_NUMBER: _ClassVar[int]
    REJOIN_POSITION_FIELD_NUMBER: _ClassVar[int]
    UTILITY_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_POINTS_FIELD_NUMBER: _ClassVar[int]
    P_WIN_FIELD_NUMBER: _ClassVar[int]
    P_TARGET_FIELD_NUMBER: _ClassVar[int]
    CVAR_POSITION_FIELD_NUMBER: _ClassVar[int]
    REJOIN_AHEAD_FIELD_NUMBER: _ClassVar[int]
    REJOIN_BEHIND_FIELD_NUMBER: _ClassVar[int]
    REJOIN_GAP_AHEAD_S_FIELD_NUMBER: _ClassVar[int]
    REJOIN_GAP_BEHIND_S_FIELD_NUMBER: _ClassVar[int]
    WAIT_COST_FIELD_NUMBER: _ClassVar[int]
    WAIT_COST_ERROR_FIELD_NUMBER: _ClassVar[int]
    lap: _containers.RepeatedScalarFieldContainer[int]
    compound: _containers.RepeatedScalarFieldContainer[int]
    mean_position: _containers.RepeatedScalarFieldContainer[float]
    p_position: _containers.RepeatedScalarFieldContainer[float]
    delta_positions: _containers.RepeatedScalarFieldContainer[float]
    standard_error: _containers.RepeatedScalarFieldContainer[float]
    draws: _containers.RepeatedScalarFieldContainer[int]
    rejoin_position: _containers.RepeatedScalarFieldContainer[float]
    utility: _containers.RepeatedScalarFieldContainer[float]
    delta: _containers.RepeatedScalarFieldContainer[float]
    expected_points: _containers.RepeatedScalarFieldContainer[float]
    p_win: _containers.RepeatedScalarFieldContainer[float]
    p_target: _containers.RepeatedScalarFieldContainer[float]
    cvar_position: _containers.RepeatedScalarFieldContainer[float]
    rejoin_ahead: _containers.RepeatedScalarFieldContainer[str]
    rejoin_behind: _containers.RepeatedScalarFieldContainer[str]
    rejoin_gap_ahead_s: _containers.RepeatedScalarFieldContainer[float]
    rejoin_gap_behind_s: _containers.RepeatedScalarFieldContainer[float]
    wait_cost: _containers.RepeatedScalarFieldContainer[float]
    wait_cost_error: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, lap: _Optional[_Iterable[int]] = ..., compound: _Optional[_Iterable[int]] = ..., mean_position: _Optional[_Iterable[float]] = ..., p_position: _Optional[_Iterable[float]] = ..., delta_positions: _Optional[_Iterable[float]] = ..., standard_error: _Optional[_Iterable[float]] = ..., draws: _Optional[_Iterable[int]] = ..., rejoin_position: _Optional[_Iterable[float]] = ..., utility: _Optional[_Iterable[float]] = ..., delta: _Optional[_Iterable[float]] = ..., expected_points: _Optional[_Iterable[float]] = ..., p_win: _Optional[_Iterable[float]] = ..., p_target: _Optional[_Iterable[float]] = ..., cvar_position: _Optional[_Iterable[float]] = ..., rejoin_ahead: _Optional[_Iterable[str]] = ..., rejoin_behind: _Optional[_Iterable[str]] = ..., rejoin_gap_ahead_s: _Optional[_Iterable[float]] = ..., rejoin_gap_behind_s: _Optional[_Iterable[float]] = ..., wait_cost: _Optional[_Iterable[float]] = ..., wait_cost_error: _Optional[_Iterable[float]] = ...) -> None: ...

class ContingencyColumns(_message.Message):
    __slots__ = ("event", "rival", "lap", "compound", "delta", "standard_error", "changes")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    RIVAL_FIELD_NUMBER: _ClassVar[int]
    LAP_FIELD_NUMBER: _ClassVar[int]
    COMPOUND_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    STANDARD_ERROR_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    event: _containers.RepeatedScalarFieldContainer[Event]
    rival: _containers.RepeatedScalarFieldContainer[str]
    lap: _containers.RepeatedScalarFieldContainer[int]
    compound: _containers.RepeatedScalarFieldContainer[int]
    delta: _containers.RepeatedScalarFieldContainer[float]
    standard_error: _containers.RepeatedScalarFieldContainer[float]
    changes: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, event: _Optional[_Iterable[_Union[Event, str]]] = ..., rival: _Optional[_Iterable[str]] = ..., lap: _Optional[_Iterable[int]] = ..., compound: _Optional[_Iterable[int]] = ..., delta: _Optional[_Iterable[float]] = ..., standard_error: _Optional[_Iterable[float]] = ..., changes: _Optional[_Iterable[bool]] = ...) -> None: ...

class BreakEvenColumns(_message.Message):
    __slots__ = ("parameter", "now", "value", "low", "high", "other", "tried_low", "tried_high")
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    NOW_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    TRIED_LOW_FIELD_NUMBER: _ClassVar[int]
    TRIED_HIGH_FIELD_NUMBER: _ClassVar[int]
    parameter: _containers.RepeatedScalarFieldContainer[Parameter]
    now: _containers.RepeatedScalarFieldContainer[float]
    value: _containers.RepeatedScalarFieldContainer[float]
    low: _containers.RepeatedScalarFieldContainer[float]
    high: _containers.RepeatedScalarFieldContainer[float]
    other: _containers.RepeatedScalarFieldContainer[int]
    tried_low: _containers.RepeatedScalarFieldContainer[float]
    tried_high: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, parameter: _Optional[_Iterable[_Union[Parameter, str]]] = ..., now: _Optional[_Iterable[float]] = ..., value: _Optional[_Iterable[float]] = ..., low: _Optional[_Iterable[float]] = ..., high: _Optional[_Iterable[float]] = ..., other: _Optional[_Iterable[int]] = ..., tried_low: _Optional[_Iterable[float]] = ..., tried_high: _Optional[_Iterable[float]] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("model", "seed", "race_lap", "state_t_s", "assumed")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    RACE_LAP_FIELD_NUMBER: _ClassVar[int]
    STATE_T_S_FIELD_NUMBER: _ClassVar[int]
    ASSUMED_FIELD_NUMBER: _ClassVar[int]
    model: str
    seed: int
    race_lap: int
    state_t_s: float
    assumed: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, model: _Optional[str] = ..., seed: _Optional[int] = ..., race_lap: _Optional[int] = ..., state_t_s: _Optional[float] = ..., assumed: _Optional[_Iterable[str]] = ...) -> None: ...

class Timings(_message.Message):
    __slots__ = ("model_server_ms", "sim_worker_ms")
    MODEL_SERVER_MS_FIELD_NUMBER: _ClassVar[int]
    SIM_WORKER_MS_FIELD_NUMBER: _ClassVar[int]
    model_server_ms: float
    sim_worker_ms: float
    def __init__(self, model_server_ms: _Optional[float] = ..., sim_worker_ms: _Optional[float] = ...) -> None: ...

class Evidence(_message.Message):
    __slots__ = ("compound", "tyre_age_laps", "pit_loss_s", "wear_s_per_lap", "wear_sd_s_per_lap", "fresh_gain_s", "position", "ahead", "gap_ahead_s", "behind", "gap_behind_s", "rejoin_position", "rejoin_ahead", "rejoin_gap_ahead_s", "rejoin_behind", "rejoin_gap_behind_s", "undercut_threats")
    COMPOUND_FIELD_NUMBER: _ClassVar[int]
    TYRE_AGE_LAPS_FIELD_NUMBER: _ClassVar[int]
    PIT_LOSS_S_FIELD_NUMBER: _ClassVar[int]
    WEAR_S_PER_LAP_FIELD_NUMBER: _ClassVar[int]
    WEAR_SD_S_PER_LAP_FIELD_NUMBER: _ClassVar[int]
    FRESH_GAIN_S_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    AHEAD_FIELD_NUMBER: _ClassVar[int]
    GAP_AHEAD_S_FIELD_NUMBER: _ClassVar[int]
    BEHIND_FIELD_NUMBER: _ClassVar[int]
    GAP_BEHIND_S_FIELD_NUMBER: _ClassVar[int]
    REJOIN_POSITION_FIELD_NUMBER: _ClassVar[int]
    REJOIN_AHEAD_FIELD_NUMBER: _ClassVar[int]
    REJOIN_GAP_AHEAD_S_FIELD_NUMBER: _ClassVar[int]
    REJOIN_BEHIND_FIELD_NUMBER: _ClassVar[int]
    REJOIN_GAP_BEHIND_S_FIELD_NUMBER: _ClassVar[int]
    UNDERCUT_THREATS_FIELD_NUMBER: _ClassVar[int]
    compound: str
    tyre_age_laps: int
    pit_loss_s: float
    wear_s_per_lap: float
    wear_sd_s_per_lap: float
    fresh_gain_s: float
    position: int
    ahead: str
    gap_ahead_s: float
    behind: str
    gap_behind_s: float
    rejoin_position: int
    rejoin_ahead: str
    rejoin_gap_ahead_s: float
    rejoin_behind: str
    rejoin_gap_behind_s: float
    undercut_threats: _containers.RepeatedCompositeFieldContainer[Threat]
    def __init__(self, compound: _Optional[str] = ..., tyre_age_laps: _Optional[int] = ..., pit_loss_s: _Optional[float] = ..., wear_s_per_lap: _Optional[float] = ..., wear_sd_s_per_lap: _Optional[float] = ..., fresh_gain_s: _Optional[float] = ..., position: _Optional[int] = ..., ahead: _Optional[str] = ..., gap_ahead_s: _Optional[float] = ..., behind: _Optional[str] = ..., gap_behind_s: _Optional[float] = ..., rejoin_position: _Optional[int] = ..., rejoin_ahead: _Optional[str] = ..., rejoin_gap_ahead_s: _Optional[float] = ..., rejoin_behind: _Optional[str] = ..., rejoin_gap_behind_s: _Optional[float] = ..., undercut_threats: _Optional[_Iterable[_Union[Threat, _Mapping]]] = ...) -> None: ...

class Threat(_message.Message):
    __slots__ = ("car", "gap_s", "margin_s")
    CAR_FIELD_NUMBER: _ClassVar[int]
    GAP_S_FIELD_NUMBER: _ClassVar[int]
    MARGIN_S_FIELD_NUMBER: _ClassVar[int]
    car: str
    gap_s: float
    margin_s: float
    def __init__(self, car: _Optional[str] = ..., gap_s: _Optional[float] = ..., margin_s: _Optional[float] = ...) -> None: ...

class ForecastRequest(_message.Message):
    __slots__ = ("state", "seed", "paths", "assume_track", "what_if")
    STATE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    ASSUME_TRACK_FIELD_NUMBER: _ClassVar[int]
    WHAT_IF_FIELD_NUMBER: _ClassVar[int]
    state: RaceState
    seed: int
    paths: int
    assume_track: Track
    what_if: WhatIf
    def __init__(self, state: _Optional[_Union[RaceState, _Mapping]] = ..., seed: _Optional[int] = ..., paths: _Optional[int] = ..., assume_track: _Optional[_Union[Track, str]] = ..., what_if: _Optional[_Union[WhatIf, _Mapping]] = ...) -> None: ...

class ForecastResponse(_message.Message):
    __slots__ = ("cars", "positions", "p_position", "draws", "provenance", "timings")
    CARS_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    P_POSITION_FIELD_NUMBER: _ClassVar[int]
    DRAWS_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    cars: _containers.RepeatedScalarFieldContainer[str]
    positions: int
    p_position: _containers.RepeatedScalarFieldContainer[float]
    draws: int
    provenance: Provenance
    timings: Timings
    def __init__(self, cars: _Optional[_Iterable[str]] = ..., positions: _Optional[int] = ..., p_position: _Optional[_Iterable[float]] = ..., draws: _Optional[int] = ..., provenance: _Optional[_Union[Provenance, _Mapping]] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ...) -> None: ...

class Call(_message.Message):
    __slots__ = ("lap", "compound")
    LAP_FIELD_NUMBER: _ClassVar[int]
    COMPOUND_FIELD_NUMBER: _ClassVar[int]
    lap: int
    compound: Compound
    def __init__(self, lap: _Optional[int] = ..., compound: _Optional[_Union[Compound, str]] = ...) -> None: ...

class CompareRequest(_message.Message):
    __slots__ = ("state", "car", "a", "b", "seed", "budget", "utility", "what_if")
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAR_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    UTILITY_FIELD_NUMBER: _ClassVar[int]
    WHAT_IF_FIELD_NUMBER: _ClassVar[int]
    state: RaceState
    car: str
    a: Call
    b: Call
    seed: int
    budget: Budget
    utility: Utility
    what_if: WhatIf
    def __init__(self, state: _Optional[_Union[RaceState, _Mapping]] = ..., car: _Optional[str] = ..., a: _Optional[_Union[Call, _Mapping]] = ..., b: _Optional[_Union[Call, _Mapping]] = ..., seed: _Optional[int] = ..., budget: _Optional[_Union[Budget, _Mapping]] = ..., utility: _Optional[_Union[Utility, _Mapping]] = ..., what_if: _Optional[_Union[WhatIf, _Mapping]] = ...) -> None: ...

class CompareResponse(_message.Message):
    __slots__ = ("decision", "a", "b", "difference", "standard_error", "told_apart", "provenance", "timings", "evidence", "grounding")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    STANDARD_ERROR_FIELD_NUMBER: _ClassVar[int]
    TOLD_APART_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    GROUNDING_FIELD_NUMBER: _ClassVar[int]
    decision: Decision
    a: int
    b: int
    difference: float
    standard_error: float
    told_apart: bool
    provenance: Provenance
    timings: Timings
    evidence: Evidence
    grounding: _knowledge_pb2.Grounding
    def __init__(self, decision: _Optional[_Union[Decision, _Mapping]] = ..., a: _Optional[int] = ..., b: _Optional[int] = ..., difference: _Optional[float] = ..., standard_error: _Optional[float] = ..., told_apart: _Optional[bool] = ..., provenance: _Optional[_Union[Provenance, _Mapping]] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ..., evidence: _Optional[_Union[Evidence, _Mapping]] = ..., grounding: _Optional[_Union[_knowledge_pb2.Grounding, _Mapping]] = ...) -> None: ...
