import { useEffect } from "react";
import { writeAddress } from "../live/address";
import { useLive } from "../live/context";

/** Keeps the address bar such that copying it shares this view. */
export function useAddress(): void {
  const address = useLive((state) => state.address);
  useEffect(() => {
    const search = writeAddress(address);
    if (search !== location.search) history.replaceState(null, "", `${location.pathname}${search}`);
  }, [address]);
}
