import { WifiOff } from "lucide-react";
import type { ReactNode } from "react";
import { Stage } from "@/components/media/stage";
import { ErrorPanel } from "@/components/ui/error-panel";
import { useSubmitJob } from "@/requests/submit-job";
import type { JobView, JsonValue } from "@/schema/api.gen";
import { JobAnnouncer } from "./job-announcer";
import { JobFailure } from "./job-failure";
import { JobProgress } from "./job-progress";
import { JobStage } from "./job-stage";
import { ResultActions } from "./result-actions";

interface JobOutcomeProps {
  readonly job: JobView;
  /** The server does not answer now, so this may be old. */
  readonly isLost: boolean;
  /** The picture the job started from; null where it has none. */
  readonly input: ReactNode;
  readonly onChange: () => void;
  /** Makes a film of a picture; null where no model can. */
  readonly onAnimate: ((assetId: string) => void) | null;
  /** The same was sent once more, as a new job. */
  readonly onRemade: (id: string) => void;
}

/** A job from its making to its result, with all that can be done about it. The same on every screen. */
export function JobOutcome({ job, isLost, input, onChange, onAnimate, onRemade }: JobOutcomeProps) {
  const again = useSubmitJob();
  const makeAgain = () =>
    again.mutate(
      { model: job.model, input: job.input as Record<string, JsonValue> },
      { onSuccess: ({ id }) => onRemade(id) },
    );
  return (
    <section aria-label="Result" className="space-y-4">
      <JobAnnouncer job={job} />
      <Stage>
        <JobStage job={job} input={input} />
      </Stage>
      <JobProgress job={job} />
      {isLost && (
        <p role="status" className="flex items-center gap-2 text-muted">
          <WifiOff aria-hidden="true" className="size-4" /> The server does not answer. The job goes on there;
          this page tries again by itself.
        </p>
      )}
      <JobFailure job={job} isSending={again.isPending} onAgain={makeAgain} />
      {again.isError && <ErrorPanel what="It could not be sent" error={again.error} onRetry={makeAgain} />}
      <ResultActions job={job} onAgain={onChange} onAnimate={onAnimate} />
    </section>
  );
}
