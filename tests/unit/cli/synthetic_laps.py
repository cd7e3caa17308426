"""Synthetic races as FastF1 would have named their laps."""

import pyarrow as pa
import pyarrow.parquet as pq

from pitcall.domain import events as ev
from pitcall.synth import synthesise


def table(path, season, rounds):
    """Synthetic races as FastF1 would have named their laps."""
    rows = []
    for number in rounds:
        log = synthesise(season * 100 + number, laps=40)
        team = {event.car: event.team for event in log if isinstance(event, ev.Car)}
        came = {(event.car, event.lap): event.t for event in log if isinstance(event, ev.PitIn)}
        left = {(event.car, event.lap): event.t for event in log if isinstance(event, ev.PitOut)}
        rows += [
            {
                "Season": season, "RoundNumber": number, "EventName": "Italian Grand Prix", "Driver": lap.car,
                "Team": team[lap.car], "LapNumber": lap.lap, "LapTime": lap.lap_time_s, "Time": 3600.0 + lap.t,
                "Compound": lap.compound.name, "TyreLife": lap.tyre_age, "TrackStatus": lap.track,
                "PitInTime": 3600.0 + came[lap.car, lap.lap] if (lap.car, lap.lap) in came else None,
                "PitOutTime": 3600.0 + left[lap.car, lap.lap] if (lap.car, lap.lap) in left else None,
            }
            for lap in log if isinstance(lap, ev.Lap)
        ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), path)
    return str(path)
