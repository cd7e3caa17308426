import { act, render } from "@testing-library/react";
import type { ReactElement } from "react";
import { readAddress } from "../live/address";
import { PitwallContext } from "../live/context";
import { Pitwall } from "../live/pitwall";
import { FakeServer } from "./fake-server";
import { aSnapshot, aWelcome } from "./frames";

/** Renders a part of the page on a fake server that has welcomed it. Frames are said inside `act`. */
export function renderLive(part: ReactElement, search = "") {
  const server = new FakeServer();
  const pitwall = new Pitwall({ url: "ws://test/ws", address: readAddress(search), open: server.open, get: server.get, random: () => 0 });
  render(<PitwallContext value={pitwall}>{part}</PitwallContext>);
  const say = (...frames: object[]) => act(() => frames.forEach((frame) => server.say(frame)));
  return { server, pitwall, say, accept: () => act(() => server.accept()), drop: () => act(() => server.drop()) };
}

/** The same, with the demo race on screen. */
export function renderRace(part: ReactElement, search = "?race=demo&car=LEC") {
  const page = renderLive(part, search);
  page.accept();
  page.say(aWelcome(), aSnapshot());
  return page;
}
