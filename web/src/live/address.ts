/** What the page's own address says: which race, car and lap to open, and what to ask there. */
export interface Address {
  race: string | null;
  car: string | null;
  lap: number | null;
  ask: string | null;
}

const wholeLap = (text: string | null): number | null => (text !== null && /^\d{1,4}$/.test(text) ? Number(text) : null);

/** Reads `?race=&car=&lap=&ask=`. What is missing or makes no sense is null. */
export function readAddress(search: string): Address {
  const query = new URLSearchParams(search);
  return {
    race: query.get("race") || null,
    car: query.get("car") || null,
    lap: wholeLap(query.get("lap")),
    ask: query.get("ask")?.trim() || null,
  };
}

/** The search part of a link that opens the same view, with its "?"; empty when there is nothing to say. */
export function writeAddress(address: Address): string {
  const query = new URLSearchParams();
  for (const name of ["race", "car", "lap", "ask"] as const) {
    const value = address[name];
    if (value !== null) query.set(name, String(value));
  }
  const text = query.toString();
  return text && `?${text}`;
}
