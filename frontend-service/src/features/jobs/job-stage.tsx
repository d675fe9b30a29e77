import { CircleSlash, CircleX } from "lucide-react";
import type { ReactNode } from "react";
import { AssetImage } from "@/components/media/asset-image";
import { AssetVideo } from "@/components/media/asset-video";
import { Elapsed } from "@/components/ui/elapsed";
import { ProgressBar } from "@/components/ui/progress-bar";
import { sentence } from "@/lib/format";
import { STATUSES } from "@/lib/status";
import type { JobView, OutputView } from "@/schema/api.gen";
import { promptOf } from "./job-words";

interface JobStageProps {
  readonly job: JobView;
  /** The picture the job started from, shown while it is made. */
  readonly input: ReactNode;
}

/** What fills the stage for a job: its making, its result, or that there is none. */
export function JobStage({ job, input }: JobStageProps) {
  const result = primaryOutput(job);
  if (result) return <Result output={result} words={promptOf(job)} />;
  if (!job.is_terminal) return <Making job={job} input={input} />;
  const Icon = job.status === "failed" ? CircleX : CircleSlash;
  return (
    <div className="relative grid size-full place-items-center">
      {input && <div className="absolute inset-0 opacity-15 [&_img]:size-full">{input}</div>}
      <div className="relative flex flex-col items-center text-center">
        <Icon aria-hidden="true" className="size-8 text-muted" strokeWidth={1.5} />
        <p className="mt-3 text-base font-semibold">{STATUSES[job.status].label}</p>
        <p className="mt-1 text-muted">{STATUSES[job.status].meaning}</p>
      </div>
    </div>
  );
}

export function primaryOutput(job: JobView): OutputView | null {
  return job.outputs.find(({ role }) => role === "primary") ?? job.outputs[0] ?? null;
}

function Result({ output, words }: { readonly output: OutputView; readonly words: string | null }) {
  const named = words ? `: ${words}` : "";
  if (output.content_type.startsWith("video/"))
    return <AssetVideo assetId={output.asset_id} label={`Your film${named}`} />;
  if (output.content_type.startsWith("image/")) {
    return (
      <AssetImage
        assetId={output.asset_id}
        alt={`Your picture${named}`}
        className="size-full animate-settle"
      />
    );
  }
  return <p className="m-auto p-6 text-muted">{output.name} cannot be shown here. Download it below.</p>;
}

function Making({ job, input }: JobStageProps) {
  const isRunning = job.status === "processing" || job.status === "cancelling";
  return (
    <div className="relative size-full">
      <div className="absolute inset-0 [&_img]:size-full">
        {input ?? (
          <p className="grid size-full place-items-center px-8 pb-16 text-center text-lg font-medium text-muted">
            {promptOf(job)}
          </p>
        )}
      </div>
      <div className="absolute inset-x-0 bottom-0 border-t border-line bg-surface/92 p-4 backdrop-blur-md">
        <div className="mb-2.5 flex items-baseline justify-between gap-4">
          <p className="min-w-0 truncate">
            <span className="font-semibold">{stageOf(job)}</span>
            {job.progress_detail.message && isRunning && (
              <span className="ml-2 text-muted">{job.progress_detail.message}</span>
            )}
          </p>
          <p className="tabular shrink-0 text-muted">
            {isRunning ? `${Math.floor(job.progress * 100)} %` : <Elapsed since={job.created_at} />}
          </p>
        </div>
        <ProgressBar label="Progress" value={isRunning ? job.progress : 0} />
        {waitingWords(job) && <p className="mt-2 text-xs text-muted">{waitingWords(job)}</p>}
      </div>
    </div>
  );
}

function stageOf(job: JobView): string {
  if (job.status !== "processing") return STATUSES[job.status].label;
  return sentence(job.progress_detail.stage || "starting");
}

function waitingWords(job: JobView): string | null {
  if (job.attempt > 1 && job.status === "queued") {
    return `The last try did not work out (${job.error?.message ?? "the worker was lost"}). Try ${job.attempt + 1} of ${job.max_attempts} starts by itself.`;
  }
  if (job.status === "queued")
    return "It starts as soon as a worker is free. You can leave this page; the job goes on.";
  if (job.attempt > 1) return `Try ${job.attempt} of ${job.max_attempts}.`;
  return null;
}
