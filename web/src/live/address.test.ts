import { describe, expect, it } from "vitest";
import { readAddress, writeAddress } from "./address";

describe("the page's address", () => {
  it("reads a link that asks", () => {
    const link = readAddress("?race=2019-12&car=VER&lap=20&ask=When+should+I+pit%3F");
    expect(link).toEqual({ race: "2019-12", car: "VER", lap: 20, ask: "When should I pit?" });
  });

  it.each(["", "?lap=soon", "?lap=-1", "?lap=1.5", "?race=&ask=+"])("takes nonsense as nothing: %s", (search) => {
    expect(readAddress(search)).toEqual({ race: null, car: null, lap: null, ask: null });
  });

  it("writes what it reads, and nothing for nothing", () => {
    const address = { race: "a&b", car: "VER", lap: 0, ask: "P1 + 5 %?" };
    expect(readAddress(writeAddress(address))).toEqual(address);
    expect(writeAddress({ race: null, car: null, lap: null, ask: null })).toBe("");
  });
});
