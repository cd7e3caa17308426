import type { Car } from "../wire/race";

const WORDS: Record<Car["status"], string> = { running: "", in_pit: "Pit", retired: "Out", finished: "Fin" };

/** What the status column says; a running car says nothing. */
export const statusWord = (car: Car): string => WORDS[car.status];

/** Close enough to attack: within a second of the car ahead. */
export const isClose = ({ status, interval_s, laps_down }: Car): boolean =>
  status === "running" && laps_down === 0 && interval_s !== null && interval_s < 1;

export const isLeader = (car: Car): boolean => car.position === 1;
