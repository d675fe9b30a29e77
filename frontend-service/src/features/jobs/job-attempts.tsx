import { formatSeconds, sentence } from "@/lib/format";
import type { AttemptView, JobView } from "@/schema/api.gen";

/** Each try: by which worker, how it ended. Nothing for a job that went through at once. */
export function JobAttempts({ attempts }: Pick<JobView, "attempts">) {
  return (
    <ol className="space-y-3">
      {attempts.map((attempt) => (
        <li key={attempt.n} className="flex items-baseline justify-between gap-4">
          <div className="min-w-0">
            <p>
              Try {attempt.n}: {attempt.outcome ? sentence(attempt.outcome).toLowerCase() : "running"}
            </p>
            <p className="truncate font-mono text-xs text-muted">{attempt.worker}</p>
            {attempt.error && (
              <p className="text-xs text-muted [overflow-wrap:anywhere]">{attempt.error.message}</p>
            )}
          </div>
          <span className="tabular shrink-0 text-xs text-muted">{lasted(attempt)}</span>
        </li>
      ))}
    </ol>
  );
}

function lasted({ started_at, ended_at }: AttemptView): string {
  return ended_at ? formatSeconds((Date.parse(ended_at) - Date.parse(started_at)) / 1000) : "";
}
