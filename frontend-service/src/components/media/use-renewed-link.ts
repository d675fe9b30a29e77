import { useRef, useState } from "react";
import { useAssetLink } from "@/requests/asset-link";

/** A signed address for a player, asked for anew once when the player says that the address does not work. */
export function useRenewedLink(assetId: string, options: { readonly enabled?: boolean } = {}) {
  const link = useAssetLink(assetId, options);
  const renewed = useRef(false);
  const [isBroken, setBroken] = useState(false);

  const onBroken = () => {
    if (renewed.current) {
      setBroken(true);
      return;
    }
    renewed.current = true;
    void link.refetch();
  };

  return { url: link.data?.url, isBroken: isBroken || link.isError, onBroken };
}
