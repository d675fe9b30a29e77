import { ArrowLeft } from "lucide-react";
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { AssetImage } from "@/components/media/asset-image";
import { Stage } from "@/components/media/stage";
import { buttonClasses } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Skeleton } from "@/components/ui/skeleton";
import { modelsFor } from "@/features/create/draft";
import { JobAnnouncer } from "@/features/jobs/job-announcer";
import { JobAttempts } from "@/features/jobs/job-attempts";
import { JobFacts, JobInput } from "@/features/jobs/job-facts";
import { JobFailure } from "@/features/jobs/job-failure";
import { JobHistory } from "@/features/jobs/job-history";
import { JobStage } from "@/features/jobs/job-stage";
import { inputAssetOf, modelWords, promptOf } from "@/features/jobs/job-words";
import { ResultActions } from "@/features/jobs/result-actions";
import { ResultFacts } from "@/features/jobs/result-facts";
import { StatusBadge } from "@/features/jobs/status-badge";
import { ApiError } from "@/lib/api-error";
import { useLiveJob } from "@/requests/live-job";
import { useModels } from "@/requests/models";
import { useSubmitJob } from "@/requests/submit-job";
import type { JobView, JsonValue } from "@/schema/api.gen";

export function JobRoute({ id }: { readonly id: string }) {
  const { job } = useLiveJob(id);
  return (
    <>
      <title>Job · Reelwork</title>
      <Link href="/jobs" className={`${buttonClasses("quiet", "sm")} -ml-2.5 mb-4`}>
        <ArrowLeft aria-hidden="true" className="size-4" /> All jobs
      </Link>
      {job.data ? (
        <JobPage job={job.data} />
      ) : job.isError ? (
        <Missing error={job.error} onRetry={() => void job.refetch()} />
      ) : (
        <Loading />
      )}
    </>
  );
}

function JobPage({ job }: { readonly job: JobView }) {
  const [, go] = useLocation();
  const models = useModels();
  const again = useSubmitJob();
  const model = models.data?.find(({ name }) => name === job.model);
  const title = model?.title ?? modelWords(job.model);
  const input = inputAssetOf(job);
  const canAnimate = modelsFor("picture", models.data ?? []).some(({ available }) => available);

  const makeAgain = () =>
    again.mutate(
      { model: job.model, input: job.input as Record<string, JsonValue> },
      { onSuccess: (next) => go(`/jobs/${next.id}`) },
    );

  return (
    <div className="grid gap-8 lg:grid-cols-[minmax(0,1fr)_22rem]">
      <JobAnnouncer job={job} />
      <div className="min-w-0 space-y-4">
        <div className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
          <h1 className="min-w-0 text-lg font-semibold [overflow-wrap:anywhere]">{promptOf(job) ?? title}</h1>
          <StatusBadge status={job.status} />
        </div>
        <Stage>
          <JobStage job={job} input={input && <AssetImage assetId={input} alt="" className="size-full" />} />
        </Stage>
        <ResultFacts job={job} />
        <JobFailure job={job} isSending={again.isPending} onAgain={makeAgain} />
        {again.isError && <ErrorPanel what="It could not be sent" error={again.error} onRetry={makeAgain} />}
        <ResultActions
          job={job}
          onAgain={() => go(`/?again=${job.id}`)}
          onAnimate={canAnimate ? (assetId) => go(`/?picture=${assetId}`) : null}
        />
      </div>
      <aside aria-label="Details" className="space-y-8">
        <Section title="About">
          <JobFacts job={job} modelTitle={title} />
        </Section>
        <Section title="Input">
          <JobInput input={job.input} />
        </Section>
        <Section title="History">
          <JobHistory job={job} />
        </Section>
        {job.attempts.length > 0 && (
          <Section title="Tries">
            <JobAttempts attempts={job.attempts} />
          </Section>
        )}
      </aside>
    </div>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section>
      <h2 className="mb-3 border-b border-line pb-2 font-semibold">{title}</h2>
      {children}
    </section>
  );
}

function Loading() {
  return (
    <div role="status" aria-label="Loading the job" className="grid gap-8 lg:grid-cols-[minmax(0,1fr)_22rem]">
      <div className="space-y-4">
        <Skeleton className="h-7 w-64" />
        <Skeleton className="aspect-[4/3] w-full sm:aspect-video" />
      </div>
      <Skeleton className="h-72" />
    </div>
  );
}

function Missing({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) {
  const isGone = error instanceof ApiError && error.status === 404;
  return (
    <div className="max-w-xl">
      <ErrorPanel what="This job could not be loaded" error={error} onRetry={isGone ? undefined : onRetry} />
    </div>
  );
}
