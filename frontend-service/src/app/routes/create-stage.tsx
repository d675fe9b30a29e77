import { AssetImage } from "@/components/media/asset-image";
import { Framed } from "@/components/media/framed";
import { Stage } from "@/components/media/stage";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Skeleton } from "@/components/ui/skeleton";
import { AttachmentImage } from "@/features/assets/attached";
import { jobShape, modelsFor, shapeOf } from "@/features/create/draft";
import { PreviewStage } from "@/features/create/preview-stage";
import { JobOutcome } from "@/features/jobs/job-outcome";
import { inputAssetOf } from "@/features/jobs/job-words";
import { assetIdOf } from "@/lib/attachment";
import { useLiveJob } from "@/requests/live-job";
import type { JobView, ModelView } from "@/schema/api.gen";
import type { DraftEditor } from "./use-draft";

interface CreateStageProps {
  readonly editor: DraftEditor;
  readonly models: readonly ModelView[];
  readonly jobId: string | null;
  /** Shows another job on the stage, or (null) the draft again. */
  readonly onShow: (id: string | null) => void;
}

export function CreateStage({ editor, models, jobId, onShow }: CreateStageProps) {
  if (jobId) return <LiveStage key={jobId} jobId={jobId} editor={editor} models={models} onShow={onShow} />;
  const { draft, fields } = editor;
  return (
    <Stage>
      <PreviewStage
        picture={draft.picture && <AttachmentImage attachment={draft.picture} alt="Your picture" />}
        ratio={shapeOf(fields, draft.values)}
        prompt={draft.prompt}
        source={draft.source}
      />
    </Stage>
  );
}

function LiveStage({ jobId, editor, models, onShow }: CreateStageProps & { readonly jobId: string }) {
  const { job, isLost } = useLiveJob(jobId);
  if (job.isPending) return <Skeleton className="aspect-video w-full" />;
  if (!job.data) {
    return (
      <div className="space-y-3">
        <ErrorPanel
          what="This job could not be loaded"
          error={job.error}
          onRetry={() => void job.refetch()}
        />
        <Button onClick={() => onShow(null)}>Start a new one</Button>
      </div>
    );
  }

  const animate = (assetId: string) => {
    editor.setPicture({ kind: "stored", assetId });
    onShow(null);
  };

  return (
    <JobOutcome
      job={job.data}
      isLost={isLost}
      input={pictureOf(job.data, editor, models)}
      onChange={() => onShow(null)}
      onAnimate={modelsFor("picture", models).some(({ available }) => available) ? animate : null}
      onRemade={onShow}
    />
  );
}

/** The job's picture: straight from this device while the form still holds it, so that nothing blinks. */
function pictureOf(job: JobView, { draft }: DraftEditor, models: readonly ModelView[]) {
  const assetId = inputAssetOf(job);
  if (!assetId) return null;
  const isHere = draft.picture !== null && assetIdOf(draft.picture) === assetId;
  return (
    <Framed ratio={jobShape(job, models)}>
      {isHere && draft.picture ? (
        <AttachmentImage attachment={draft.picture} alt="" />
      ) : (
        <AssetImage assetId={assetId} alt="" />
      )}
    </Framed>
  );
}
