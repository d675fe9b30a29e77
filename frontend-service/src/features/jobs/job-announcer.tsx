import { sentence } from "@/lib/format";
import { STATUSES } from "@/lib/status";
import type { JobView } from "@/schema/api.gen";

/** Tells screen readers what changes: each state once, and progress in quarters, not in every step. */
export function JobAnnouncer({ job }: { readonly job: JobView | undefined }) {
  return (
    <p role="status" aria-live="polite" className="sr-only">
      {job ? said(job) : ""}
    </p>
  );
}

function said(job: JobView): string {
  const { label, meaning, terminal } = STATUSES[job.status];
  if (terminal) return `${label}. ${job.error?.message ?? meaning}`;
  if (job.status !== "processing") return label;
  const quarter = Math.floor(job.progress * 4) * 25;
  const stage = sentence(job.progress_detail.stage || "starting");
  return quarter === 0 ? `Working: ${stage}` : `Working: ${stage}, ${quarter} percent`;
}
