import { CircleSlash, CircleX } from "lucide-react";
import type { ReactNode } from "react";
import { AssetImage } from "@/components/media/asset-image";
import { AssetVideo } from "@/components/media/asset-video";
import { STATUSES } from "@/lib/status";
import type { JobView, OutputView } from "@/schema/api.gen";
import { primaryOutput, promptOf } from "./job-words";

interface JobStageProps {
  readonly job: JobView;
  /** The picture the job started from, shown while it is made. */
  readonly input: ReactNode;
}

/** What fills the stage for a job: what it is made from, its result, or that there is none. */
export function JobStage({ job, input }: JobStageProps) {
  const result = primaryOutput(job);
  if (result) return <Result output={result} words={promptOf(job)} input={input} />;
  if (job.is_terminal) return <NoResult job={job} />;
  return (
    input ?? (
      <p className="m-auto max-w-xl px-8 text-center text-lg font-medium text-balance text-muted">
        {promptOf(job)}
      </p>
    )
  );
}

interface ResultProps {
  readonly output: OutputView;
  readonly words: string | null;
  readonly input: ReactNode;
}

function Result({ output, words, input }: ResultProps) {
  const named = words ? `: ${words}` : "";
  if (output.content_type.startsWith("video/")) {
    return <AssetVideo assetId={output.asset_id} label={`Your film${named}`} meanwhile={input} />;
  }
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

function NoResult({ job }: { readonly job: JobView }) {
  const Icon = job.status === "failed" ? CircleX : CircleSlash;
  return (
    <div className="m-auto flex flex-col items-center px-6 text-center">
      <Icon aria-hidden="true" className="size-8 text-muted" strokeWidth={1.25} />
      <p className="mt-3 font-medium">{STATUSES[job.status].label}</p>
      <p className="mt-1 text-muted">{STATUSES[job.status].meaning}</p>
    </div>
  );
}
