"""Small races, lap by lap, for reports."""

from pitcall.domain.events import Car, Finish, Lap, PitIn, PitOut, Retired, Session, TrackStatus, Weather
from pitcall.domain.tyres import Compound

#: In the pit lane, s; what of it falls on the in-lap and on the out-lap.
LANE_S, IN_S, OUT_S = 22.0, 5.0, 15.0


def log(cars, stops=(), shown=(), retired=(), laps=12, finish=True, slow=None):
    """The events of a race.

    Args:
        cars: lap time of each car, by its key, in the order of the grid, 1 s apart.
        stops: car, in-lap, tyres that it leaves on.
        shown: session time and status.
        retired: car, laps that it completed.
        laps: race distance.
        finish: the flag is out.
        slow: (car, lap) -> s on top.
    """
    events = [
        Session(t=0.0, race="r", name="Small Prix", series="f1", season=2026, circuit="Small Ring", total_laps=laps),
        *(
            Car(t=0.0, car=car, driver=f"Driver {car}", team=f"Team {car}", grid=grid, compound=Compound.MEDIUM)
            for grid, car in enumerate(cars, start=1)
        ),
        Weather(t=0.0, rain=False),
        *(TrackStatus(t=t, status=status) for t, status in shown),
    ]
    changes = {(car, lap): compound for car, lap, compound in stops}
    ends = dict(retired)
    for grid, (car, lap_s) in enumerate(cars.items()):
        t, compound, age = float(grid), Compound.MEDIUM, 0
        for lap in range(1, ends.get(car, laps) + 1):
            comes, left = (car, lap) in changes, (car, lap - 1) in changes
            if left:
                compound, age = changes[car, lap - 1], 0
                events.append(PitOut(t=t + LANE_S - IN_S, car=car, lap=lap, compound=compound, tyre_age=0))
            age += 1
            took = lap_s + IN_S * comes + OUT_S * left + (slow or {}).get((car, lap), 0.0)
            t += took
            if comes:
                events.append(PitIn(t=t - IN_S, car=car, lap=lap))
            events.append(
                Lap(t=t, car=car, lap=lap, lap_time_s=took, compound=compound, tyre_age=age, pit_in=comes, pit_out=left)
            )
        if car in ends:
            events.append(Retired(t=t + 30.0, car=car, reason="gearbox"))
    if finish:
        events.append(Finish(t=min(one.t for one in events if isinstance(one, Lap) and one.lap == laps)))
    # Python's sort is stable: what one car did at one moment stays in its order.
    return sorted(events, key=lambda one: one.t)
