/** A frame that breaks the protocol: where it does, and what was expected there. */
export class WireError extends Error {
  constructor(where: string, expected: string) {
    super(`${where}: ${expected} expected`);
    this.name = "WireError";
  }
}

/** Checks one value that came from outside and returns it typed; throws WireError. */
export type Read<T> = (value: unknown, where: string) => T;

export const str: Read<string> = (value, where) => {
  if (typeof value !== "string") throw new WireError(where, "text");
  return value;
};

export const num: Read<number> = (value, where) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new WireError(where, "a number");
  return value;
};

export const bool: Read<boolean> = (value, where) => {
  if (typeof value !== "boolean") throw new WireError(where, "true or false");
  return value;
};

export const any: Read<unknown> = (value) => value;

export const oneOf =
  <const T extends string>(...names: readonly T[]): Read<T> =>
  (value, where) => {
    const name = names.find((known) => known === value);
    if (name === undefined) throw new WireError(where, `one of ${names.join(", ")}`);
    return name;
  };

export const list =
  <T>(read: Read<T>): Read<T[]> =>
  (value, where) => {
    if (!Array.isArray(value)) throw new WireError(where, "a list");
    return value.map((item, at) => read(item, `${where}[${at}]`));
  };

/** What is not known is null; a field that an older server leaves out is not known either. */
export const orNull =
  <T>(read: Read<T>): Read<T | null> =>
  (value, where) =>
    value === null || value === undefined ? null : read(value, where);

export const optional =
  <T>(read: Read<T>): Read<T | undefined> =>
  (value, where) =>
    value === undefined ? undefined : read(value, where);

type Shape = Record<string, Read<unknown>>;
type Shaped<S extends Shape> = { [K in keyof S]: ReturnType<S[K]> };

const fields = (value: unknown, where: string): Record<string, unknown> => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new WireError(where, "an object");
  return value as Record<string, unknown>; // any object may be indexed by text; every value is read below
};

export const record =
  <S extends Shape>(shape: S): Read<Shaped<S>> =>
  (value, where) => {
    const from = fields(value, where);
    const read = Object.entries(shape).map(([name, check]) => [name, check(from[name], `${where}.${name}`)]);
    return Object.fromEntries(read) as Shaped<S>; // one entry per key of the shape, made on the line above
  };

/** Only the fields that are there. */
export const part =
  <S extends Shape>(shape: S): Read<Partial<Shaped<S>>> =>
  (value, where) => {
    const from = fields(value, where);
    const here = Object.fromEntries(Object.entries(shape).filter(([name]) => name in from));
    return record(here)(value, where) as Partial<Shaped<S>>; // `here` is a part of the shape
  };
