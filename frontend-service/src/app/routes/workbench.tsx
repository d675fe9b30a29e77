import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { complaintsByField, type Draft } from "@/features/create/draft";
import { RecentResults } from "@/features/jobs/recent-results";
import { ApiError } from "@/lib/api-error";
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
  const [isAsked, setAsked] = useState(false);
  const stage = useRef<HTMLDivElement>(null);
  const jobId = search.get("job");
  const { readiness } = editor;

  // Everything of an earlier job leaves the address once the form holds it.
  useEffect(() => {
    if (search.has("again") || search.has("picture")) setSearch({}, { replace: true });
  }, [search, setSearch]);

  const make = () => {
    setAsked(true);
    if (!readiness.ready || editor.model === undefined || submit.isPending) return;
    submit.mutate(
      { model: editor.model.name, input: readiness.input },
      {
        onSuccess: (job) => {
          setAsked(false);
          setSearch({ job: job.id });
          stage.current?.scrollIntoView({ block: "nearest", behavior: "smooth" });
        },
      },
    );
  };

  const refused = submit.error instanceof ApiError ? complaintsByField(submit.error.fields) : {};
  const missing = isAsked && !readiness.ready ? readiness.missing : {};

  return (
    <div className="grid items-start gap-x-8 gap-y-6 lg:grid-cols-[25rem_minmax(0,1fr)]">
      <CreateForm
        editor={editor}
        models={models}
        problems={{ ...refused, ...missing }}
        isSending={submit.isPending}
        error={submit.error}
        onSubmit={make}
      />
      <div ref={stage} className="scroll-mt-20 max-lg:order-first lg:sticky lg:top-22">
        <CreateStage
          editor={editor}
          models={models}
          jobId={jobId}
          onShow={(id) => setSearch(id ? { job: id } : {})}
        />
        <RecentResults without={jobId} />
      </div>
    </div>
  );
}
