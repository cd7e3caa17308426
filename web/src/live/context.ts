import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { Pitwall } from "./pitwall";
import type { LiveState } from "./state";

export const PitwallContext = createContext<Pitwall | null>(null);

/** The pit wall of this page. Throws outside of its provider. */
export function usePitwall(): Pitwall {
  const pitwall = useContext(PitwallContext);
  if (pitwall === null) throw new Error("usePitwall: no PitwallContext above this component");
  return pitwall;
}

/** One piece of the live state; the caller is painted again only when that piece changes. */
export function useLive<T>(select: (state: LiveState) => T): T {
  return useStore(usePitwall().store, select);
}

export const chosenCar = (state: LiveState) => state.race?.cars.find((each) => each.car === state.car) ?? null;
