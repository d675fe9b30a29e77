import { queryOptions, useQuery } from "@tanstack/react-query";
import { ask } from "@/lib/api";
import type { AssetLink } from "@/schema/api.gen";

// An address that ends sooner than this is not given to a player any more.
const MARGIN_MS = 30_000;

export function assetLinkOptions(id: string) {
  return queryOptions({
    queryKey: ["assets", "link", id],
    queryFn: ({ signal }) => ask<AssetLink>(`/v1/assets/${id}/content?redirect=false`, { signal }),
    staleTime: ({ state }) => (state.data ? remaining(state.data) : 0),
    // A new address would restart a film that plays: it is renewed when the player says that the old one failed.
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
}

/** A short-lived address for `<img>` and `<video>`, which cannot send the key. */
export function useAssetLink(id: string, { enabled = true }: { enabled?: boolean } = {}) {
  return useQuery({ ...assetLinkOptions(id), enabled });
}

function remaining({ expires_at }: AssetLink): number {
  return Math.max(0, Date.parse(expires_at) - Date.now() - MARGIN_MS);
}
