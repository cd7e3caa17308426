/** From here a cell has all its ink. Few finishing positions are more certain, and 30 % must not look pale. */
export const FULL = 0.6;

/**
 * Opacity of a cell. The square root keeps 2 % visible beside 60 %; the scale is fixed, so that a colour
 * means the same number in every chart and while an answer is refined.
 */
export const ink = (p: number): number => Math.sqrt(Math.min(1, Math.max(0, p / FULL)));

/** Below this a cell is not painted: it could not be told from the ground. */
export const FAINTEST = 0.002;

/** Probabilities in the legend. */
export const STEPS = [0.01, 0.05, 0.1, 0.2, 0.4, FULL] as const;
