import { Film, Image, X } from "lucide-react";
import { useId } from "react";
import { Link } from "wouter";
import { AssetThumbnail, thumbnailKindOf } from "@/components/media/asset-thumbnail";
import { Age } from "@/components/ui/age";
import { Button } from "@/components/ui/button";
import { Elapsed } from "@/components/ui/elapsed";
import { ProgressBar } from "@/components/ui/progress-bar";
import { formatSeconds } from "@/lib/format";
import { useCancelJob } from "@/requests/cancel-job";
import type { JobView } from "@/schema/api.gen";
import { JobName } from "./job-name";
import { inputAssetOf, primaryOutput } from "./job-words";
import { StatusBadge } from "./status-badge";

interface JobRowProps {
  readonly job: JobView;
  readonly modelTitle: string;
  readonly makesFilm: boolean;
}

/** One job in one line; the whole line leads to its page. */
export function JobRow({ job, modelTitle, makesFilm }: JobRowProps) {
  const name = useId();
  return (
    <li className="relative grid grid-cols-[3.5rem_minmax(0,1fr)_auto] items-center gap-x-3 px-3 py-2.5 transition-colors hover:bg-sunken/60 has-[a:focus-visible]:bg-sunken/60 sm:grid-cols-[3.5rem_minmax(0,1fr)_8.5rem_5.5rem_5.5rem_2.25rem] sm:gap-x-4">
      <span className="block h-10 w-14 overflow-hidden rounded-sm bg-sunken">
        <Thumbnail job={job} makesFilm={makesFilm} />
      </span>
      <span className="min-w-0">
        <Link
          id={name}
          href={`/jobs/${job.id}`}
          data-line
          className="block truncate font-medium before:absolute before:inset-0 focus-visible:outline-none focus-visible:before:outline-2 focus-visible:before:-outline-offset-2 focus-visible:before:outline-accent"
        >
          <JobName job={job} modelTitle={modelTitle} />
        </Link>
        <span className="block truncate text-xs text-muted">
          <span className="sm:hidden">
            <Age moment={job.created_at} />
            {" · "}
          </span>
          {modelTitle}
        </span>
      </span>
      <span className="flex flex-col items-end gap-1.5 sm:items-start">
        <StatusBadge status={job.status} />
        {job.status === "processing" && (
          <ProgressBar label="Progress" value={job.progress} className="h-1 w-20 sm:w-24" />
        )}
      </span>
      <span className="tabular hidden text-right text-muted sm:block">
        <Duration job={job} />
      </span>
      <span className="tabular hidden text-right text-muted sm:block">
        <Age moment={job.created_at} />
      </span>
      <span className="relative hidden justify-self-end sm:block">
        {!job.is_terminal && <CancelButton job={job} nameId={name} />}
      </span>
    </li>
  );
}

function Thumbnail({ job, makesFilm }: Pick<JobRowProps, "job" | "makesFilm">) {
  const output = primaryOutput(job);
  if (output) return <AssetThumbnail assetId={output.asset_id} kind={thumbnailKindOf(output.content_type)} />;
  const input = inputAssetOf(job);
  if (input) return <AssetThumbnail assetId={input} kind="image" />;
  const Icon = makesFilm ? Film : Image;
  return (
    <span className="grid size-full place-items-center text-muted">
      <Icon aria-hidden="true" className="size-4" />
    </span>
  );
}

function Duration({ job }: { readonly job: JobView }) {
  if (job.metrics.run_seconds !== null) return formatSeconds(job.metrics.run_seconds);
  if (job.started_at && !job.is_terminal) return <Elapsed since={job.started_at} />;
  return <span aria-hidden="true">–</span>;
}

function CancelButton({ job, nameId }: { readonly job: JobView; readonly nameId: string }) {
  const cancel = useCancelJob();
  const id = useId();
  const label = cancel.isError ? "It could not be cancelled. Try again" : "Cancel";
  return (
    <Button
      id={id}
      look="quiet"
      size="icon"
      aria-label={label}
      aria-labelledby={`${id} ${nameId}`}
      title={label}
      disabled={cancel.isPending || job.status === "cancelling"}
      onClick={() => cancel.mutate(job.id)}
      className={cancel.isError ? "text-bad" : ""}
    >
      <X aria-hidden="true" className="size-4" />
    </Button>
  );
}
