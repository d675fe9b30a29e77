import { formatBytes, formatSeconds } from "@/lib/format";
import type { JobView } from "@/schema/api.gen";
import { primaryOutput } from "./job-words";

/** One quiet line below the result: what it is and what it took. */
export function ResultFacts({ job }: { readonly job: JobView }) {
  const output = primaryOutput(job);
  if (!output) return null;
  const facts = [
    output.width && output.height ? `${output.width} × ${output.height}` : null,
    output.duration_seconds ? formatSeconds(output.duration_seconds) : null,
    formatBytes(output.bytes),
    job.metrics.run_seconds === null ? null : `made in ${formatSeconds(job.metrics.run_seconds)}`,
    `seed ${job.seed}`,
  ].filter((fact) => fact !== null);
  return (
    <ul className="tabular flex flex-wrap gap-x-4 gap-y-1 text-xs text-muted">
      {facts.map((fact) => (
        <li key={fact}>{fact}</li>
      ))}
    </ul>
  );
}
