import { ErrorPanel } from "@/components/ui/error-panel";
import { Skeleton } from "@/components/ui/skeleton";
import { formatMoment, formatSeconds } from "@/lib/format";
import { STATUSES } from "@/lib/status";
import { useJobHistory } from "@/requests/job-history";
import type { EventView, JobView } from "@/schema/api.gen";

const WORDS: Readonly<Record<string, string>> = {
  "job.queued": "Accepted and put in the queue",
  "job.processing": "A worker began",
  "job.retried": "It was queued again",
  "job.retrying": "It will be tried again",
  "job.cancelling": "Asked to stop",
  "job.completed": "The result is ready",
  "job.failed": "It failed",
  "job.cancelled": "Cancelled",
  "job.expired": "It waited too long",
};

/** What happened to a job, in order, each with the time since it was sent. */
export function JobHistory({ job }: { readonly job: JobView }) {
  const history = useJobHistory(job);
  if (history.isPending) return <Skeleton className="h-24" />;
  if (history.isError) {
    return (
      <ErrorPanel
        what="The history could not be loaded"
        error={history.error}
        onRetry={() => void history.refetch()}
      />
    );
  }
  if (history.data.length === 0) return <p className="text-muted">Nothing has happened yet.</p>;
  return (
    <ol className="relative space-y-3 before:absolute before:inset-y-2 before:left-[3.5px] before:w-px before:bg-line">
      {history.data.map((event) => (
        <li
          key={event.seq}
          className="relative flex gap-3 pl-5 before:absolute before:top-1.5 before:left-0 before:size-2 before:rounded-full before:bg-line-strong last:before:bg-accent"
        >
          <div className="min-w-0 flex-1">
            <p>{said(event)}</p>
            {event.error && (
              <p className="text-xs text-muted [overflow-wrap:anywhere]">{event.error.message}</p>
            )}
          </div>
          <time
            dateTime={event.at}
            title={formatMoment(event.at)}
            className="tabular shrink-0 text-xs leading-5 text-muted"
          >
            {since(job.created_at, event.at)}
          </time>
        </li>
      ))}
    </ol>
  );
}

function said({ type, status, attempt }: EventView): string {
  const words = WORDS[type] ?? STATUSES[status].label;
  return attempt > 1 ? `${words} (try ${attempt})` : words;
}

function since(start: string, moment: string): string {
  return `+ ${formatSeconds(Math.max(0, (Date.parse(moment) - Date.parse(start)) / 1000))}`;
}
