import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { readAddress } from "./live/address";
import { PitwallContext } from "./live/context";
import { Pitwall } from "./live/pitwall";
import "./styles/tokens.css";
import "./styles/base.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");

// Made once, outside of React: a second mount in StrictMode must not open a second session.
const pitwall = new Pitwall({
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`,
  address: readAddress(location.search),
});

createRoot(root).render(
  <StrictMode>
    <PitwallContext value={pitwall}>
      <App />
    </PitwallContext>
  </StrictMode>,
);
