import { AssetImage } from "@/components/media/asset-image";
import { Stage } from "@/components/media/stage";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Skeleton } from "@/components/ui/skeleton";
import { AttachmentImage } from "@/features/assets/attached";
import { ratioOf } from "@/features/create/choice-field";
import { modelsFor, shownValue } from "@/features/create/draft";
import { PreviewStage } from "@/features/create/preview-stage";
import { JobAnnouncer } from "@/features/jobs/job-announcer";
import { JobFailure } from "@/features/jobs/job-failure";
import { JobStage } from "@/features/jobs/job-stage";
import { inputAssetOf } from "@/features/jobs/job-words";
import { ResultActions } from "@/features/jobs/result-actions";
import { ResultFacts } from "@/features/jobs/result-facts";
import { StatusBadge } from "@/features/jobs/status-badge";
import { useLiveJob } from "@/requests/live-job";
import { useSubmitJob } from "@/requests/submit-job";
import type { JsonValue, ModelView } from "@/schema/api.gen";
import type { DraftEditor } from "./use-draft";

interface CreateStageProps {
  readonly editor: DraftEditor;
  readonly models: readonly ModelView[];
  readonly jobId: string | null;
  /** Shows another job on the stage, or (null) the draft again. */
  readonly onNewJob: (id: string | null) => void;
}

export function CreateStage({ editor, models, jobId, onNewJob }: CreateStageProps) {
  if (jobId)
    return <LiveStage key={jobId} jobId={jobId} editor={editor} models={models} onNewJob={onNewJob} />;
  const { draft, fields } = editor;
  const aspect = fields.find((field) => field.kind === "choice" && field.look === "aspect");
  return (
    <Stage>
      <PreviewStage
        picture={draft.picture && <AttachmentImage attachment={draft.picture} alt="Your picture" />}
        ratio={aspect ? ratioOf(shownValue(aspect, draft.values)) : null}
        prompt={draft.prompt}
        source={draft.source}
      />
    </Stage>
  );
}

function LiveStage({ jobId, editor, models, onNewJob }: CreateStageProps & { readonly jobId: string }) {
  const { job } = useLiveJob(jobId);
  const again = useSubmitJob();
  if (job.isPending) return <Skeleton className="aspect-[4/3] w-full sm:aspect-video" />;
  if (!job.data) {
    return (
      <div className="space-y-3">
        <ErrorPanel
          what="This job could not be loaded"
          error={job.error}
          onRetry={() => void job.refetch()}
        />
        <Button onClick={() => onNewJob(null)}>Start a new one</Button>
      </div>
    );
  }
  const input = inputAssetOf(job.data);
  const { model, input: values } = job.data;
  const canAnimate = modelsFor("picture", models).some(({ available }) => available);
  const makeAgain = () =>
    again.mutate(
      { model, input: values as Record<string, JsonValue> },
      { onSuccess: (next) => onNewJob(next.id) },
    );

  return (
    <section aria-label="Result" className="space-y-4">
      <JobAnnouncer job={job.data} />
      <Stage>
        <JobStage
          job={job.data}
          input={input && <AssetImage assetId={input} alt="" className="size-full" />}
        />
      </Stage>
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <StatusBadge status={job.data.status} />
        <ResultFacts job={job.data} />
      </div>
      <JobFailure job={job.data} isSending={again.isPending} onAgain={makeAgain} />
      {again.isError && <ErrorPanel what="It could not be sent" error={again.error} onRetry={makeAgain} />}
      <ResultActions
        job={job.data}
        onAgain={() => onNewJob(null)}
        onAnimate={
          canAnimate
            ? (assetId) => {
                editor.setPicture({ kind: "stored", assetId });
                onNewJob(null);
              }
            : null
        }
      />
    </section>
  );
}
