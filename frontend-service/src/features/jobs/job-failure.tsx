import { CircleAlert, RotateCw } from "lucide-react";
import { Button } from "@/components/ui/button";
import type { JobView } from "@/schema/api.gen";
import { cureOf } from "./job-errors";

interface JobFailureProps {
  readonly job: JobView;
  readonly isSending: boolean;
  readonly onAgain: () => void;
}

/** Why a job failed and what helps. */
export function JobFailure({ job, isSending, onAgain }: JobFailureProps) {
  if (job.status !== "failed" || !job.error) return null;
  return (
    <div data-slot="job-failure" className="flex gap-3 rounded-lg border border-bad/25 bg-bad-soft p-4">
      <CircleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-bad" />
      <div className="min-w-0 flex-1">
        <p className="font-medium [overflow-wrap:anywhere]">{job.error.message}</p>
        <p className="mt-1">{cureOf(job.error)}</p>
        <p className="mt-2 font-mono text-xs text-muted [overflow-wrap:anywhere]">
          {job.error.code} · {job.attempt} of {job.max_attempts} tries · {job.id}
        </p>
        <Button size="sm" className="mt-3" disabled={isSending} onClick={onAgain}>
          <RotateCw aria-hidden="true" className="size-3.5" /> Make it again
        </Button>
      </div>
    </div>
  );
}
