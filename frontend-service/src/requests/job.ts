import { queryOptions, useQuery } from "@tanstack/react-query";
import { ask } from "@/lib/api";
import type { JobView } from "@/schema/api.gen";

export const jobKey = (id: string) => ["jobs", "one", id] as const;

export function jobOptions(id: string) {
  return queryOptions({
    queryKey: jobKey(id),
    queryFn: ({ signal }) => ask<JobView>(`/v1/jobs/${id}`, { signal }),
    // A finished job never changes again.
    staleTime: ({ state }) => (state.data?.is_terminal ? Number.POSITIVE_INFINITY : 1_000),
  });
}

/** One job as it was last heard of; `useLiveJob` also follows it. */
export function useJob(id: string) {
  return useQuery(jobOptions(id));
}
