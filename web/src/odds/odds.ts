/** Mean of a distribution over finishing positions (index 0 = first) and the standard error of that mean. */
export function mean(p: readonly number[]): number {
  return p.reduce((sum, share, at) => sum + share * (at + 1), 0);
}

/** Monte Carlo error of the mean after `draws` races, in positions; 0 when there were none. */
export function standardError(p: readonly number[], draws: number): number {
  if (draws < 1) return 0;
  const centre = mean(p);
  const variance = p.reduce((sum, share, at) => sum + share * (at + 1 - centre) ** 2, 0);
  return Math.sqrt(variance / draws);
}

/** P(finishing in the first `places`). */
export const chance = (p: readonly number[], places: number): number =>
  p.slice(0, places).reduce((sum, share) => sum + share, 0);

/** The most likely finishing position, from 1. */
export const mode = (p: readonly number[]): number => p.indexOf(Math.max(...p)) + 1;
