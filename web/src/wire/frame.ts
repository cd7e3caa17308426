import { decision, forecast, provenance, sources, stage, timings } from "./answer";
import { car, race, raceChanges, raceInfo, replay } from "./race";
import { any, bool, list, num, optional, orNull, record, str, WireError } from "./read";

const FRAMES = {
  welcome: record({
    version: num,
    session: str,
    resumed: bool,
    races: list(raceInfo),
    server: record({ version: str }),
  }),
  "race.snapshot": record({ race, replay: orNull(replay) }),
  "race.delta": record({ race: str, changes: raceChanges, cars: list(car), replay: optional(orNull(replay)) }),
  "tool.call": record({ id: str, tool: str, arguments: record({ car: orNull(str), lap: orNull(num) }) }),
  "tool.result": record({ id: str, tool: str, result: any }),
  "answer.delta": record({ id: str, stage, decision }),
  "answer.done": record({
    id: str,
    tool: str,
    text: str,
    why: list(str),
    decision: orNull(decision),
    forecast: orNull(forecast),
    standings: orNull(list(car)),
    sources,
    ungrounded: orNull(str),
    provenance,
    timings_ms: timings,
  }),
  error: record({ id: orNull(str), error: str, detail: str, retryable: bool, trace_id: str }),
  draining: record({ reason: str }),
};

type Name = keyof typeof FRAMES;
export type FrameOf<K extends Name> = { type: K; seq: number } & ReturnType<(typeof FRAMES)[K]>;
export type Frame = { [K in Name]: FrameOf<K> }[Name];

const isName = (type: string): type is Name => Object.hasOwn(FRAMES, type);

// A seed has 64 bits and a JavaScript number 53: it must not become one, or it names another decision.
const keepSeeds = (text: string) => text.replaceAll(/"seed":\s*(\d+)/g, '"seed":"$1"');

function json(text: string): unknown {
  try {
    return JSON.parse(keepSeeds(text));
  } catch {
    throw new WireError("frame", "JSON");
  }
}

/** One frame of the server. Null: a type that this page does not know. Throws WireError on a broken one. */
export function parseFrame(text: string): Frame | null {
  const raw = json(text);
  const { type, seq } = record({ type: str, seq: num })(raw, "frame");
  if (!isName(type)) {
    console.warn(`frame ignored: unknown type ${type}`);
    return null;
  }
  return { ...FRAMES[type](raw, type), type, seq } as Frame; // the reader of this very type made it
}
