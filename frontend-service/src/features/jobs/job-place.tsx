import { useClock } from "@/lib/clock";
import { roughSeconds } from "@/lib/format";
import type { JobQueue } from "@/schema/api.gen";

/** Why nothing moves, whatever the place in the line; by the first reason that `explain` gives. */
const STANDSTILLS: Readonly<Record<string, string>> = {
  pool_held: "Nothing starts at the moment: its pool is held by those who run this installation.",
  account_suspended: "Nothing starts: the account is suspended.",
  plan_without_jobs: "Nothing starts: the account's plan runs no jobs.",
  queue_paused: "Nothing starts: your queue is held.",
};

/** Where a job stands in the line, and when its turn is expected; as much of it as anybody knows. */
export function JobPlace({ queue }: { readonly queue: JobQueue | null }) {
  const now = useClock();
  const starts = queue?.starts_at ? (Date.parse(queue.starts_at.p50) - now) / 1000 : null;
  const place = queue?.position ? `Number ${queue.position} in your queue. ` : "";
  const turn = STANDSTILLS[queue?.reason ?? ""] ?? turnOf(starts);
  return (
    <>
      {place}
      {turn} You can leave this page; the job goes on.
    </>
  );
}

function turnOf(starts: number | null): string {
  if (starts === null) return "It starts as soon as a worker is free.";
  return `It starts ${starts < 5 ? "in a moment" : `in ${roughSeconds(starts)}`}.`;
}
