import { X } from "lucide-react";
import { Link } from "wouter";
import { AssetThumbnail } from "@/components/media/asset-thumbnail";
import { Age } from "@/components/ui/age";
import { Button } from "@/components/ui/button";
import { Elapsed } from "@/components/ui/elapsed";
import { ProgressBar } from "@/components/ui/progress-bar";
import { formatSeconds } from "@/lib/format";
import { useCancelJob } from "@/requests/cancel-job";
import type { JobView } from "@/schema/api.gen";
import { primaryOutput } from "./job-stage";
import { inputAssetOf, promptOf } from "./job-words";
import { StatusBadge } from "./status-badge";

interface JobRowProps {
  readonly job: JobView;
  readonly modelTitle: string;
}

export function JobRow({ job, modelTitle }: JobRowProps) {
  const words = promptOf(job);
  return (
    <li className="group relative grid grid-cols-[3.5rem_minmax(0,1fr)_auto] items-center gap-x-4 px-3 py-2.5 transition-colors hover:bg-sunken/60 has-[a:focus-visible]:bg-sunken/60 sm:grid-cols-[3.5rem_minmax(0,1fr)_8.5rem_4.5rem_5.5rem_2.25rem]">
      <span className="row-span-2 block h-10 w-14 overflow-hidden rounded-sm bg-sunken sm:row-span-1">
        <Thumbnail job={job} />
      </span>
      <span className="min-w-0">
        <Link
          href={`/jobs/${job.id}`}
          data-line
          className="block truncate font-medium outline-offset-[-2px] before:absolute before:inset-0 before:rounded-md focus-visible:outline-none focus-visible:before:outline-2 focus-visible:before:-outline-offset-2 focus-visible:before:outline-accent"
        >
          {words ?? modelTitle}
        </Link>
        <span className="block truncate text-xs text-muted">
          {words ? modelTitle : job.id}
          <span className="sm:hidden">
            {" · "}
            <Age moment={job.created_at} />
          </span>
        </span>
      </span>
      <span className="flex flex-col items-end gap-1.5 sm:items-start">
        <StatusBadge status={job.status} />
        {job.status === "processing" && (
          <ProgressBar
            label={`Progress of ${words ?? modelTitle}`}
            value={job.progress}
            className="h-1 w-24"
          />
        )}
      </span>
      <span className="tabular hidden text-right text-muted sm:block">
        <Duration job={job} />
      </span>
      <span className="hidden text-right text-muted sm:block">
        <Age moment={job.created_at} />
      </span>
      <span className="relative hidden justify-self-end sm:block">
        {!job.is_terminal && <CancelButton job={job} name={words ?? modelTitle} />}
      </span>
    </li>
  );
}

function Thumbnail({ job }: { readonly job: JobView }) {
  const output = primaryOutput(job);
  if (output) {
    return (
      <AssetThumbnail
        assetId={output.asset_id}
        kind={output.content_type.startsWith("video/") ? "video" : "image"}
      />
    );
  }
  const input = inputAssetOf(job);
  return input ? <AssetThumbnail assetId={input} kind="image" /> : null;
}

function Duration({ job }: { readonly job: JobView }) {
  if (job.metrics.run_seconds !== null) return formatSeconds(job.metrics.run_seconds);
  if (job.started_at && !job.is_terminal) return <Elapsed since={job.started_at} />;
  return <span aria-hidden="true">–</span>;
}

function CancelButton({ job, name }: { readonly job: JobView; readonly name: string }) {
  const cancel = useCancelJob();
  return (
    <Button
      look="quiet"
      size="icon"
      aria-label={cancel.isError ? `${name} could not be cancelled. Try again` : `Cancel ${name}`}
      title={cancel.isError ? "It could not be cancelled. Try again." : "Cancel"}
      disabled={cancel.isPending || job.status === "cancelling"}
      onClick={() => cancel.mutate(job.id)}
      className={cancel.isError ? "text-bad" : ""}
    >
      <X aria-hidden="true" className="size-4" />
    </Button>
  );
}
