import { ArrowLeft } from "lucide-react";
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { AssetImage } from "@/components/media/asset-image";
import { Framed } from "@/components/media/framed";
import { buttonClasses } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Skeleton } from "@/components/ui/skeleton";
import { jobShape, modelsFor, spokenInput } from "@/features/create/draft";
import { JobAttempts } from "@/features/jobs/job-attempts";
import { JobFacts, JobInput } from "@/features/jobs/job-facts";
import { JobHistory } from "@/features/jobs/job-history";
import { JobName } from "@/features/jobs/job-name";
import { JobOutcome } from "@/features/jobs/job-outcome";
import { inputAssetOf, modelWords } from "@/features/jobs/job-words";
import { ApiError } from "@/lib/api-error";
import { useLiveJob } from "@/requests/live-job";
import { useModels } from "@/requests/models";
import type { JobView } from "@/schema/api.gen";

export function JobRoute({ id }: { readonly id: string }) {
  const { job, isLost } = useLiveJob(id);
  return (
    <>
      <title>Job · Reelwork</title>
      <Link href="/jobs" className={`${buttonClasses("quiet", "sm")} -ml-2.5 mb-4`}>
        <ArrowLeft aria-hidden="true" className="size-4" /> All jobs
      </Link>
      {job.data ? (
        <JobPage job={job.data} isLost={isLost} />
      ) : job.isError ? (
        <Missing error={job.error} onRetry={() => void job.refetch()} />
      ) : (
        <Loading />
      )}
    </>
  );
}

function JobPage({ job, isLost }: { readonly job: JobView; readonly isLost: boolean }) {
  const [, go] = useLocation();
  const models = useModels().data ?? [];
  const title = models.find(({ name }) => name === job.model)?.title ?? modelWords(job.model);
  const picture = inputAssetOf(job);
  const canAnimate = modelsFor("picture", models).some(({ available }) => available);

  return (
    <div className="grid gap-8 lg:grid-cols-[minmax(0,1fr)_22rem]">
      <div className="min-w-0 space-y-4">
        <h1 className="text-lg font-semibold [overflow-wrap:anywhere]">
          <JobName job={job} modelTitle={title} />
        </h1>
        <JobOutcome
          job={job}
          isLost={isLost}
          input={
            picture && (
              <Framed ratio={jobShape(job, models)}>
                <AssetImage assetId={picture} alt="" />
              </Framed>
            )
          }
          onChange={() => go(`/?again=${job.id}`)}
          onAnimate={canAnimate ? (assetId) => go(`/?picture=${assetId}`) : null}
          onRemade={(id) => go(`/jobs/${id}`)}
        />
      </div>
      <aside aria-label="Details" className="space-y-8">
        <Section title="About">
          <JobFacts job={job} modelTitle={title} />
        </Section>
        <Section title="Input">
          <JobInput entries={spokenInput(job, models)} />
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
        <Skeleton className="aspect-video w-full" />
      </div>
      <Skeleton className="h-72" />
    </div>
  );
}

function Missing({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) {
  const isGone = error instanceof ApiError && error.status === 404;
  return (
    <div className="max-w-xl">
      <h1 className="sr-only">Job</h1>
      <ErrorPanel what="This job could not be loaded" error={error} onRetry={isGone ? undefined : onRetry} />
    </div>
  );
}
