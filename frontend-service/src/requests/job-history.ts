import { queryOptions, useQuery } from "@tanstack/react-query";
import { ask } from "@/lib/api";
import type { EventList, JobView } from "@/schema/api.gen";

/** The durable events of a job, oldest first. The version in the key asks again whenever the job has changed. */
export function jobHistoryOptions(id: string, version: number) {
  return queryOptions({
    queryKey: ["jobs", "history", id, version],
    queryFn: async ({ signal }) => (await ask<EventList>(`/v1/jobs/${id}/events`, { signal })).items,
    placeholderData: (before) => before,
  });
}

export function useJobHistory({ id, version }: Pick<JobView, "id" | "version">) {
  return useQuery(jobHistoryOptions(id, version));
}
