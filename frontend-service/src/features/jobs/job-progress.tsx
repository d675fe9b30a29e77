import type { ReactNode } from "react";
import { Elapsed } from "@/components/ui/elapsed";
import { ProgressBar } from "@/components/ui/progress-bar";
import { classes } from "@/lib/classes";
import { sentence } from "@/lib/format";
import type { JobView } from "@/schema/api.gen";
import { JobPlace } from "./job-place";
import { ResultFacts } from "./result-facts";
import { StatusBadge } from "./status-badge";

/** The lines below the stage: how far a job is while it is made, what came out when it is done. */
export function JobProgress({ job }: { readonly job: JobView }) {
  const isRunning = job.status === "processing" || job.status === "cancelling";
  const words = whatHappens(job);
  const why = whyItWaits(job);
  return (
    <div data-slot="job-progress" className={classes("space-y-2.5", job.status !== "failed" && "min-h-11")}>
      <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-1">
        <p className="flex min-w-0 items-center gap-3">
          <StatusBadge status={job.status} />
          {words && <span className="min-w-0 truncate text-muted">{words}</span>}
        </p>
        {job.is_terminal ? (
          <ResultFacts job={job} />
        ) : (
          <p className="tabular text-muted">
            {isRunning ? `${Math.floor(job.progress * 100)} %` : <Elapsed since={job.created_at} />}
          </p>
        )}
      </div>
      {!job.is_terminal && <ProgressBar label="Progress" value={isRunning ? job.progress : 0} />}
      {why && <p className="text-xs text-muted">{why}</p>}
    </div>
  );
}

function whatHappens(job: JobView): string | null {
  if (job.status !== "processing") return null;
  const { stage, message } = job.progress_detail;
  return message || sentence(stage || "starting");
}

function whyItWaits(job: JobView): ReactNode {
  if (job.status === "queued" && job.attempt > 0) {
    const reason = job.error?.message ?? "The worker was lost.";
    return `${reason} Try ${job.attempt + 1} of ${job.max_attempts} starts by itself.`;
  }
  if (job.status === "queued") return <JobPlace queue={job.queue} />;
  if (job.status === "processing" && job.attempt > 1) return `Try ${job.attempt} of ${job.max_attempts}.`;
  return null;
}
