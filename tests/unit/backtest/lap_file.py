"""Lap tables as parquet files."""

import pyarrow as pa
import pyarrow.parquet as pq

from pitcall.domain.tyres import Compound

COLUMNS: dict[str, pa.DataType] = {
    "Season": pa.int16(), "RoundNumber": pa.int16(), "EventName": pa.string(), "Driver": pa.string(),
    "DriverNumber": pa.string(), "Team": pa.string(), "LapNumber": pa.int16(), "LapTime": pa.float64(),
    "Time": pa.float64(), "Position": pa.float64(), "Compound": pa.string(), "TyreLife": pa.float64(),
    "PitInTime": pa.float64(), "PitOutTime": pa.float64(), "TrackStatus": pa.string(),
}  # fmt: skip
SCHEMA = pa.schema(list(COLUMNS.items()))


def write(path, *tables):
    """Write races with the columns of FastF1; the path."""
    rows = [
        {
            "Season": table.season, "RoundNumber": table.round, "EventName": table.name, "Driver": row.driver,
            "DriverNumber": row.number, "Team": row.team, "LapNumber": row.lap, "LapTime": row.lap_time_s,
            "Time": row.time_s, "Position": row.position,
            "Compound": None if row.compound is Compound.UNKNOWN else row.compound.name,
            "TyreLife": row.tyre_age, "PitInTime": row.pit_in_s, "PitOutTime": row.pit_out_s, "TrackStatus": row.track,
        }
        for table in tables
        for row in table.rows
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path)
    return path
