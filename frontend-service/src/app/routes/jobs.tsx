import { Clapperboard, ListFilter, Plus } from "lucide-react";
import { Link, useSearchParams } from "wouter";
import { Button, buttonClasses } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { ErrorPanel } from "@/components/ui/error-panel";
import { JobFilters } from "@/features/jobs/job-filters";
import { JobList } from "@/features/jobs/job-list";
import { JobListSkeleton } from "@/features/jobs/job-list-skeleton";
import { modelWords } from "@/features/jobs/job-words";
import { isStatus } from "@/lib/status";
import { type JobFilter, useJobs } from "@/requests/jobs";
import { useModels } from "@/requests/models";

export function JobsRoute() {
  const [search, setSearch] = useSearchParams();
  const filter: JobFilter = { status: search.getAll("status").filter(isStatus), model: search.get("model") };
  const models = useModels();

  const setFilter = (next: JobFilter) => {
    const params = new URLSearchParams(next.status.map((status) => ["status", status]));
    if (next.model) params.set("model", next.model);
    setSearch(params, { replace: true });
  };

  return (
    <div className="mx-auto max-w-5xl">
      <title>Jobs · Reelwork</title>
      <div className="mb-5 flex items-center justify-between gap-4">
        <h1 className="text-xl font-semibold">Jobs</h1>
        <Link href="/" className={buttonClasses("primary")}>
          <Plus aria-hidden="true" className="size-4" /> Make something
        </Link>
      </div>
      <div className="mb-4">
        <JobFilters filter={filter} models={models.data ?? []} onChange={setFilter} />
      </div>
      <Listed filter={filter} onClear={() => setFilter({ status: [], model: null })} />
    </div>
  );
}

function Listed({ filter, onClear }: { readonly filter: JobFilter; readonly onClear: () => void }) {
  const jobs = useJobs(filter);
  const models = useModels();
  const modelOf = (name: string) => {
    const model = models.data?.find((one) => one.name === name);
    const makesFilm = model?.produces.some((type) => type.startsWith("video/")) ?? true;
    return { title: model?.title ?? modelWords(name), makesFilm };
  };

  if (jobs.isPending) return <JobListSkeleton />;
  if (!jobs.data) {
    return (
      <ErrorPanel
        what="Your jobs could not be loaded"
        error={jobs.error}
        onRetry={() => void jobs.refetch()}
      />
    );
  }
  if (jobs.data.length === 0)
    return <Nothing isFiltered={filter.status.length > 0 || filter.model !== null} onClear={onClear} />;
  return (
    <div className="space-y-4">
      {jobs.isError && (
        <ErrorPanel
          what="This list may be out of date"
          error={jobs.error}
          onRetry={() => void jobs.refetch()}
        />
      )}
      <JobList jobs={jobs.data} modelOf={modelOf} />
      {jobs.hasNextPage && (
        <div className="text-center">
          <Button disabled={jobs.isFetchingNextPage} onClick={() => void jobs.fetchNextPage()}>
            {jobs.isFetchingNextPage ? "Loading" : "Show older jobs"}
          </Button>
        </div>
      )}
    </div>
  );
}

function Nothing({ isFiltered, onClear }: { readonly isFiltered: boolean; readonly onClear: () => void }) {
  if (isFiltered) {
    return (
      <EmptyState
        icon={ListFilter}
        title="No job fits this choice"
        action={<Button onClick={onClear}>Show every job</Button>}
      >
        Jobs of other states and models are hidden now.
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon={Clapperboard}
      title="No jobs yet"
      action={
        <Link href="/" className={buttonClasses("primary")}>
          Make the first one
        </Link>
      }
    >
      Whatever you make, here or over the API, is listed here and stays.
    </EmptyState>
  );
}
