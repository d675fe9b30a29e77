import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { StreamEvent } from "@/lib/event-stream";
import { follow } from "@/lib/follow";
import type { ProgressFrame } from "@/lib/progress-frame";
import { jobKey, jobOptions } from "@/requests/job";
import { jobsKey } from "@/requests/jobs";
import type { EventView, JobView } from "@/schema/api.gen";

/** One job, followed over its event stream until it is over; while the stream is lost it is asked for instead. */
export function useLiveJob(id: string) {
  const client = useQueryClient();
  const [linked, setLinked] = useState(false);
  const job = useQuery({
    ...jobOptions(id),
    refetchInterval: ({ state }) => {
      if (!state.data || state.data.is_terminal) return false;
      if (!linked) return Math.max(1_000, state.data.poll_after_ms);
      // The stream tells what happens to the job, not how others move ahead of it.
      return state.data.status === "queued" ? Math.max(5_000, state.data.poll_after_ms) : 20_000;
    },
  });
  const over = job.data?.is_terminal ?? false;
  const known = job.data !== undefined;

  useEffect(() => {
    if (over || !known) return;
    const stop = follow(`/v1/jobs/${id}/events`, {
      onEvent: (event) => take(client, id, event),
      onLink: (state) => setLinked(state === "open"),
    });
    return () => {
      stop();
      setLinked(false);
    };
  }, [client, id, over, known]);

  /** Neither stream nor question gets an answer: what is shown may be old. */
  const isLost = !linked && !over && job.isRefetchError;
  return { job, isLost };
}

/** Writes one event into the cache. True when the job is over. */
function take(client: QueryClient, id: string, { event, data }: StreamEvent): boolean {
  if (event === "snapshot") {
    const job = JSON.parse(data) as JobView;
    client.setQueryData<JobView>(jobKey(id), (before) => newer(before, job));
    return job.is_terminal;
  }
  if (event === "progress") {
    const frame = JSON.parse(data) as ProgressFrame;
    client.setQueryData<JobView>(jobKey(id), (before) => before && withProgress(before, frame));
    return false;
  }
  if (!event.startsWith("job.")) return false;
  const change = JSON.parse(data) as EventView;
  const before = client.getQueryData<JobView>(jobKey(id));
  // An event says what happened, not everything that changed with it (outputs, times): the job itself does.
  if (!before || before.status !== change.status || before.attempt !== change.attempt) {
    void client.invalidateQueries({ queryKey: jobKey(id) });
    void client.invalidateQueries({ queryKey: jobsKey });
  }
  return false;
}

/** Two ways bring the job (stream and question), so an older copy may come last, or one without its place. */
function newer(before: JobView | undefined, now: JobView): JobView {
  if (!before || before.version < now.version) return now;
  return before.version > now.version ? before : { ...now, queue: now.queue ?? before.queue };
}

function withProgress(job: JobView, frame: ProgressFrame): JobView {
  if (job.is_terminal) return job;
  const { progress, ...detail } = frame;
  return { ...job, progress, progress_detail: { ...detail, updated_at: new Date().toISOString() } };
}
