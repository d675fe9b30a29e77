import { infiniteQueryOptions, useInfiniteQuery } from "@tanstack/react-query";
import { ask, query } from "@/lib/api";
import type { Status } from "@/lib/status";
import type { JobPage } from "@/schema/api.gen";

export interface JobFilter {
  readonly status: readonly Status[];
  readonly model: string | null;
}

/** The stem of every list of jobs, to say that they are out of date. */
export const jobsKey = ["jobs", "list"] as const;

const PAGE = 30;

export function jobsOptions(filter: JobFilter) {
  return infiniteQueryOptions({
    queryKey: [...jobsKey, filter],
    queryFn: ({ pageParam, signal }) =>
      ask<JobPage>(`/v1/jobs${query({ limit: PAGE, cursor: pageParam, ...filter })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    select: (data) => data.pages.flatMap((page) => page.items),
    // Quick while something moves, calm otherwise; new jobs of other programs show up either way.
    refetchInterval: ({ state }) => {
      const moving = state.data?.pages.some((page) => page.items.some((job) => !job.is_terminal));
      return moving ? 1_500 : 4_000;
    },
  });
}

/** The caller's jobs, newest first, kept fresh while the page is looked at. */
export function useJobs(filter: JobFilter) {
  return useInfiniteQuery(jobsOptions(filter));
}
