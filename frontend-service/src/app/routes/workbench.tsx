import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { complaintsByField, type Draft } from "@/features/create/draft";
import { RecentResults } from "@/features/jobs/recent-results";
import { ApiError } from "@/lib/api-error";
import { classes } from "@/lib/classes";
import { useSubmitJob } from "@/requests/submit-job";
import type { ModelView } from "@/schema/api.gen";
import { CreateForm } from "./create-form";
import { CreateStage } from "./create-stage";
import { useDraft } from "./use-draft";

interface WorkbenchProps {
  readonly models: readonly ModelView[];
  readonly initial: Draft;
}

/** The input on the left, the picture of it and then the result on the right. */
export function Workbench({ models, initial }: WorkbenchProps) {
  const [search, setSearch] = useSearchParams();
  const editor = useDraft(models, initial);
  const submit = useSubmitJob();
  // Complaints belong to the draft that was sent; the first change takes them away.
  const [tried, setTried] = useState<Draft | null>(null);
  const stage = useRef<HTMLDivElement>(null);
  const jobId = search.get("job");
  const { draft, readiness, isUploading } = editor;

  // Everything of an earlier job leaves the address once the form holds it.
  useEffect(() => {
    if (search.has("again") || search.has("picture")) setSearch({}, { replace: true });
  }, [search, setSearch]);

  const make = () => {
    if (isUploading || submit.isPending) return;
    setTried(draft);
    if (!readiness.ready || editor.model === undefined) return;
    submit.mutate(
      { model: editor.model.name, input: readiness.input },
      {
        onSuccess: (job) => {
          setSearch({ job: job.id });
          stage.current?.scrollIntoView({ block: "nearest", behavior: "smooth" });
        },
      },
    );
  };

  const isAsTried = tried === draft;
  const error = isAsTried ? submit.error : null;
  const refused = error instanceof ApiError ? complaintsByField(error.fields) : {};
  const missing = isAsTried && !readiness.ready ? readiness.missing : {};

  return (
    <div className="grid items-start gap-x-8 gap-y-6 lg:grid-cols-[25rem_minmax(0,1fr)]">
      <CreateForm
        editor={editor}
        models={models}
        problems={{ ...refused, ...missing }}
        isSending={submit.isPending}
        error={error}
        onSubmit={make}
      />
      <div className="max-lg:contents lg:sticky lg:top-22">
        {/* On a phone a preview would push the input down under the typing hand; the input shows itself there. */}
        <div
          ref={stage}
          className={classes("scroll-mt-20 max-lg:order-first", jobId === null && "max-lg:hidden")}
        >
          <CreateStage
            editor={editor}
            models={models}
            jobId={jobId}
            onShow={(id) => setSearch(id ? { job: id } : {})}
          />
        </div>
        <RecentResults without={jobId} />
      </div>
    </div>
  );
}
