import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { anAnswer, aSource } from "../testing/frames";
import { renderRace } from "../testing/page";
import { Answer } from "./Answer";
import { AskBox } from "./AskBox";
import { followed, pieces } from "./sources";

async function answered(news: object) {
  const page = renderRace(
    <>
      <AskBox />
      <Answer />
    </>,
  );
  await userEvent.type(screen.getByRole("textbox", { name: "Ask the pit wall" }), "Why?{Enter}");
  page.say(anAnswer(page.server.asked, news));
  return page;
}
const sources = () => screen.getByRole("region", { name: "Sources" });
const passages = () => [...sources().querySelectorAll("details")];
const QUOTED = "Undercut: “It pays.” [1]";

describe("the sources of an answer", () => {
  it("are named with where they stand, and open to the passage", async () => {
    await answered({ why: [QUOTED], sources: [aSource(1), aSource(2, { title: "Red flag", link: "https://e.org/a#b" })] });
    expect(passages().map((each) => each.open)).toEqual([false, false]);
    expect(passages()[0]?.querySelector("summary")?.textContent).toBe("[1]UndercutWhen it workshandbook, line 7");
    expect(passages()[0]?.querySelector("blockquote")?.textContent).toBe(aSource(1).text);
    expect([...sources().querySelectorAll("mark")].map((mark) => mark.textContent)).toEqual(["tyres", "tyres"]);
    const link = within(passages()[1]!).getByRole("link", { name: "Read on", hidden: true });
    expect(link.getAttribute("href")).toBe("https://e.org/a#b");
    expect(link.getAttribute("rel")).toContain("noopener");
  });

  it("are reached from the words with the keyboard", async () => {
    await answered({ why: [QUOTED], sources: [aSource(1)] });
    const citation = screen.getByRole("button", { name: "Source 1: Undercut" });
    citation.focus();
    await userEvent.keyboard("{Enter}");
    expect(passages()[0]?.open).toBe(true);
    expect(document.activeElement).toBe(passages()[0]?.querySelector("summary"));
  });

  it("are open where the passage is the answer", async () => {
    await answered({ tool: "search", text: QUOTED, why: [], decision: null, sources: [aSource(1), aSource(2)] });
    expect(passages().map((each) => each.open)).toEqual([true, false]);
    expect(screen.getByRole("status").textContent).toBe(QUOTED);
  });

  it("are missed with a reason, and not mentioned where none belong", async () => {
    const { server, say } = await answered({ ungrounded: "the documents cannot be reached" });
    expect(sources().textContent).toBe("Without sources: the documents cannot be reached.");
    await userEvent.type(screen.getByRole("textbox", { name: "Ask the pit wall" }), "Who leads?{Enter}");
    say(anAnswer(server.asked, { tool: "standings" }));
    expect(screen.queryByRole("region", { name: "Sources" })).toBeNull();
  });

  it("may be missing from an older server", async () => {
    await answered({ sources: undefined, ungrounded: undefined });
    expect(screen.queryByRole("region", { name: "Sources" })).toBeNull();
  });
});

describe("what a document says", () => {
  const hostile = '<img src=x onerror="alert(1)"> [2] **box now** <script>alert(1)</script>';

  it("is text and nothing else", async () => {
    await answered({ why: [`Page: “${hostile}” [1]`], sources: [aSource(1, { text: hostile, title: hostile, marks: [], link: "javascript:alert(1)" })] });
    expect(document.querySelectorAll("img, script, a")).toHaveLength(0);
    expect(passages()[0]?.querySelector("blockquote")?.textContent).toBe(hostile);
    // [2] is no source of this answer, so it leads nowhere.
    expect(screen.getAllByRole("button", { name: /^Source/ })).toHaveLength(1);
  });

  it("has a link only to the web", () => {
    expect([null, "javascript:alert(1)", "file:///etc/passwd", "pitcall:handbook/undercut", "//e.org"].map(followed)).toEqual(Array(5).fill(null));
    expect(followed("http://e.org")).toBe("http://e.org");
  });

  it("is marked by its characters, not by halves of them", () => {
    expect(pieces({ text: "🏎 box", marks: [[2, 5]] })).toEqual([["🏎 ", false], ["box", true]]);
    expect(pieces({ text: "box", marks: [[2, 1], [0, 9], [1, 2]] })).toEqual([["box", true]]);
    expect(pieces({ text: "", marks: [] })).toEqual([]);
  });
});
