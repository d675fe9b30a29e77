import { Code, Download, Film, Link2, PencilLine, X } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { CopyButton } from "@/components/ui/copy-button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { useCancelJob } from "@/requests/cancel-job";
import { useDownloadAsset } from "@/requests/download-asset";
import type { JobView } from "@/schema/api.gen";
import { CodeDialog } from "./code-dialog";
import { primaryOutput } from "./job-words";

interface ResultActionsProps {
  readonly job: JobView;
  readonly onAgain: () => void;
  /** Makes a film of a picture; left out where no model can. */
  readonly onAnimate: ((assetId: string) => void) | null;
}

/** What can be done with a job as it stands. */
export function ResultActions({ job, onAgain, onAnimate }: ResultActionsProps) {
  const [isCodeOpen, setCodeOpen] = useState(false);
  const download = useDownloadAsset();
  const cancel = useCancelJob();
  const output = primaryOutput(job);

  return (
    <div data-slot="result-actions" className="space-y-3">
      <div className="flex flex-wrap gap-2">
        {!job.is_terminal && (
          <Button
            look="danger"
            size="sm"
            disabled={cancel.isPending || job.status === "cancelling"}
            onClick={() => cancel.mutate(job.id)}
          >
            <X aria-hidden="true" className="size-4" /> {job.status === "cancelling" ? "Stopping" : "Cancel"}
          </Button>
        )}
        {output && (
          <Button
            size="sm"
            disabled={download.isPending}
            onClick={() => download.mutate({ assetId: output.asset_id, filename: output.name })}
          >
            <Download aria-hidden="true" className="size-4" />{" "}
            {download.isPending ? "Downloading" : "Download"}
          </Button>
        )}
        {output?.content_type.startsWith("image/") && onAnimate && (
          <Button size="sm" onClick={() => onAnimate(output.asset_id)}>
            <Film aria-hidden="true" className="size-4" /> Make a film of it
          </Button>
        )}
        <CopyButton label="Copy link" icon={Link2} text={`${window.location.origin}/jobs/${job.id}`} />
        {job.is_terminal && (
          <Button size="sm" onClick={onAgain}>
            <PencilLine aria-hidden="true" className="size-4" /> Again with changes
          </Button>
        )}
        <Button size="sm" onClick={() => setCodeOpen(true)}>
          <Code aria-hidden="true" className="size-4" /> Show as code
        </Button>
      </div>
      {download.isError && (
        <ErrorPanel
          what="The download did not work"
          error={download.error}
          onRetry={() => download.mutate(download.variables)}
        />
      )}
      {cancel.isError && (
        <ErrorPanel
          what="It could not be cancelled"
          error={cancel.error}
          onRetry={() => cancel.mutate(job.id)}
        />
      )}
      {isCodeOpen && <CodeDialog job={job} onClose={() => setCodeOpen(false)} />}
    </div>
  );
}
