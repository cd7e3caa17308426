import { describe, expect, it } from "vitest";

const sources = import.meta.glob<string>("./**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
const FEATURES = new Set(["header", "tower", "replay", "ask", "chart"]);

/** What each folder may import besides itself. Features see the shared folders, never one another. */
const ALLOWED: Record<string, string[]> = {
  wire: [],
  live: ["wire"],
  odds: ["wire"],
  ui: ["wire"],
  testing: ["wire", "live"],
  ...Object.fromEntries([...FEATURES].map((name) => [name, ["wire", "live", "odds", "ui"]])),
};

const folderOf = (path: string) => path.split("/")[1] ?? "";
const isTest = (path: string) => path.includes(".test.");
const imports = (text: string) => [...text.matchAll(/from "\.\.\/([a-z]+)\//g)].map(([, folder]) => folder ?? "");

describe("the layout", () => {
  it.each(Object.entries(sources).filter(([path]) => folderOf(path) in ALLOWED))("%s imports only what it may", (path, text) => {
    const allowed = ALLOWED[folderOf(path)] ?? [];
    const strange = imports(text).filter((to) => !allowed.includes(to) && !(isTest(path) && to === "testing"));
    expect(strange).toEqual([]);
  });

  it("parses JSON of the socket in one file", () => {
    const parsing = Object.entries(sources).filter(([path, text]) => !isTest(path) && !path.includes("/testing/") && /JSON\.parse/.test(text));
    expect(parsing.map(([path]) => path)).toEqual(["./wire/frame.ts"]);
  });

  it("has no barrel files", () => {
    expect(Object.keys(sources).filter((path) => /\/index\.tsx?$/.test(path))).toEqual([]);
  });
});
