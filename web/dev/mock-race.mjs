/** A made-up race for the mock server: cars, line crossings, and the state at any time. Nothing of this is shipped. */

const DRIVERS = `VER 1 Max Verstappen,Red Bull Racing|PER 11 Sergio Perez,Red Bull Racing|HAM 44 Lewis Hamilton,Mercedes
RUS 63 George Russell,Mercedes|LEC 16 Charles Leclerc,Ferrari|SAI 55 Carlos Sainz,Ferrari|NOR 4 Lando Norris,McLaren
PIA 81 Oscar Piastri,McLaren|ALO 14 Fernando Alonso,Aston Martin|STR 18 Lance Stroll,Aston Martin|GAS 10 Pierre Gasly,Alpine
OCO 31 Esteban Ocon,Alpine|ALB 23 Alexander Albon,Williams|SAR 2 Logan Sargeant,Williams|TSU 22 Yuki Tsunoda,AlphaTauri
RIC 3 Daniel Ricciardo,AlphaTauri|BOT 77 Valtteri Bottas,Alfa Romeo|ZHO 24 Zhou Guanyu,Alfa Romeo|MAG 20 Kevin Magnussen,Haas F1 Team
HUL 27 Nico Hulkenberg,Haas F1 Team`
  .split(/[|\n]/)
  .map((line) => {
    const [who, team] = line.split(",");
    const [car, number, ...name] = who.split(" ");
    return { car, number, driver: name.join(" "), team };
  });

export function random(seed) {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function makeRace(id, name, laps, seed) {
  const dice = random(seed);
  const cars = DRIVERS.map((driver, at) => {
    const stopAt = new Set([Math.round(laps * (0.3 + 0.25 * dice())), ...(at % 3 ? [] : [Math.round(laps * (0.7 + 0.1 * dice()))])]);
    const out = dice() < 0.12 ? Math.ceil(laps * (0.3 + 0.6 * dice())) : Infinity;
    const crossings = [];
    let [t, age, stops, compound] = [at * 0.9, 0, 0, dice() < 0.6 ? "medium" : "soft"];
    for (let lap = 1; lap <= laps && lap <= out; lap += 1) {
      age += 1;
      let time = 91.2 + at * 0.09 + age * 0.05 - lap * 0.03 + dice() * 0.8;
      if (lap >= laps * 0.55 && lap < laps * 0.55 + 3) time += 32;
      const pits = stopAt.has(lap);
      t += time;
      crossings.push({ t, lap, time, compound, age, stops, pits });
      if (pits) {
        t += 21.5;
        age = 0;
        stops += 1;
        compound = compound === "hard" ? "medium" : "hard";
      }
    }
    return { ...driver, grid: at + 1, crossings, retired: out <= laps, first: at < 10 ? "medium" : "soft" };
  });
  return { id, name, series: "f1", total_laps: laps, cars };
}

export function stateAt(race, t) {
  const rows = race.cars.map((car) => {
    const done = car.crossings.filter((crossing) => crossing.t <= t);
    const last = done.at(-1);
    const over = car.retired && done.length === car.crossings.length && t > (last?.t ?? 0) + 95;
    return { car, done, last, over };
  });
  rows.sort((a, b) => a.over - b.over || b.done.length - a.done.length || (a.last?.t ?? a.car.grid) - (b.last?.t ?? b.car.grid));
  const leader = rows[0];
  const lap = leader.done.length;
  let ahead = null;
  const cars = rows.map(({ car, last, over, done }, at) => {
    const gap = last && leader.car.crossings[done.length - 1] ? last.t - leader.car.crossings[done.length - 1].t : null;
    const row = {
      car: car.car, number: car.number, driver: car.driver, team: car.team, position: at + 1,
      status: over ? "retired" : lap === race.total_laps && done.length === lap ? "finished" : last?.pits && t - last.t < 21 ? "in_pit" : "running",
      lap: done.length,
      gap_s: at === 0 || over ? null : gap,
      interval_s: at === 0 || over || gap === null || ahead === null ? null : Math.max(0, gap - ahead),
      laps_down: over ? 0 : Math.max(0, lap - done.length - 1),
      last_lap_s: last?.time ?? null, compound: last?.compound ?? car.first, tyre_age: last?.age ?? 0, stops: last?.stops ?? 0,
    };
    ahead = gap;
    return row;
  });
  const scFrom = Math.round(race.total_laps * 0.55);
  const track = lap >= scFrom && lap < scFrom + 3 ? "safety_car" : lap === scFrom - 1 ? "yellow" : "green";
  const messages = [
    { t_s: 0, text: "Lights out" },
    ...(lap >= 6 ? [{ t_s: 540, text: "Turn 4: car 20 noted, leaving the track" }] : []),
    ...(lap >= scFrom ? [{ t_s: scFrom * 92, text: "Safety car deployed" }] : []),
  ];
  return {
    id: race.id, name: race.name, series: race.series, total_laps: race.total_laps, lap, t_s: t, track,
    finished: lap === race.total_laps, wet: false, messages, cars,
  };
}

export const timeOfLap = (race, lap) => {
  if (lap <= 0) return 0;
  return Math.min(...race.cars.map((car) => car.crossings[lap - 1]?.t ?? Infinity));
};
