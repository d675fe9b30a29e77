import { useClock } from "@/lib/clock";
import { roughSeconds } from "@/lib/format";
import type { JobQueue } from "@/schema/api.gen";

/** Where a job stands in the line, and when its turn is expected; as much of it as anybody knows. */
export function JobPlace({ queue }: { readonly queue: JobQueue | null }) {
  const now = useClock();
  const starts = queue?.starts_at ? (Date.parse(queue.starts_at.p50) - now) / 1000 : null;
  const place = queue?.position ? `Number ${queue.position} in your queue. ` : "";
  const turn =
    starts === null
      ? "It starts as soon as a worker is free."
      : `It starts ${starts < 5 ? "in a moment" : `in ${roughSeconds(starts)}`}.`;
  return (
    <>
      {place}
      {turn} You can leave this page; the job goes on.
    </>
  );
}
