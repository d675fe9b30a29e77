import { Boxes } from "lucide-react";
import { useState } from "react";
import { useSearchParams } from "wouter";
import { EmptyState } from "@/components/ui/empty-state";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Skeleton } from "@/components/ui/skeleton";
import { type Draft, draftOf, freshDraft } from "@/features/create/draft";
import { useJob } from "@/requests/job";
import { useModels } from "@/requests/models";
import type { ModelView } from "@/schema/api.gen";
import { Workbench } from "./workbench";

/** Screen 1. The job in the address (`?job=`) is what the stage shows, so a reload shows it again. */
export function CreateRoute() {
  const models = useModels();
  return (
    <>
      <title>Create · Reelwork</title>
      <h1 className="sr-only">Create</h1>
      {models.data?.length ? (
        <Prepared models={models.data} />
      ) : models.data ? (
        <EmptyState icon={Boxes} title="No model is ready yet">
          The workers announce what they can make when they start. This page looks again every few seconds.
        </EmptyState>
      ) : models.isError ? (
        <div className="mx-auto max-w-xl py-16">
          <ErrorPanel
            what="The models could not be loaded"
            error={models.error}
            onRetry={() => void models.refetch()}
          />
        </div>
      ) : (
        <Loading />
      )}
    </>
  );
}

/** Finds what the form starts with: a job to make again, a picture to use, or nothing. */
function Prepared({ models }: { readonly models: readonly ModelView[] }) {
  const [search] = useSearchParams();
  const [start] = useState(() => ({
    job: search.get("again") ?? search.get("job"),
    picture: search.get("picture"),
  }));
  if (start.job) return <FromJob id={start.job} models={models} />;
  const fresh = freshDraft(models);
  const draft: Draft = start.picture
    ? { ...fresh, picture: { kind: "stored", assetId: start.picture } }
    : fresh;
  return <Workbench models={models} initial={draft} />;
}

function FromJob({ id, models }: { readonly id: string; readonly models: readonly ModelView[] }) {
  const job = useJob(id);
  if (!job.isFetched) return <Loading />;
  // A job that is gone is told of on the stage; the form is still good for a new one.
  return <Workbench models={models} initial={job.data ? draftOf(job.data, models) : freshDraft(models)} />;
}

function Loading() {
  return (
    <div role="status" aria-label="Loading" className="grid gap-8 lg:grid-cols-[25rem_minmax(0,1fr)]">
      <div className="space-y-4 max-lg:order-last">
        <Skeleton className="h-10" />
        <Skeleton className="h-44" />
        <Skeleton className="h-24" />
        <Skeleton className="h-24" />
      </div>
      <Skeleton className="aspect-video w-full" />
    </div>
  );
}
