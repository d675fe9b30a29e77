import { queryOptions, useQuery } from "@tanstack/react-query";
import { ask } from "@/lib/api";
import type { AssetView } from "@/schema/api.gen";

export function assetOptions(id: string) {
  return queryOptions({
    queryKey: ["assets", "one", id],
    queryFn: ({ signal }) => ask<AssetView>(`/v1/assets/${id}`, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** What is known about stored bytes; it never changes. */
export function useAsset(id: string) {
  return useQuery(assetOptions(id));
}
