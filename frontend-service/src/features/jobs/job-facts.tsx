import type { ReactNode } from "react";
import { Age } from "@/components/ui/age";
import { formatSeconds } from "@/lib/format";
import type { JobView } from "@/schema/api.gen";

interface JobFactsProps {
  readonly job: JobView;
  readonly modelTitle: string;
}

/** What a job is, as a list of terms. */
export function JobFacts({ job, modelTitle }: JobFactsProps) {
  const { queue_seconds: waited, run_seconds: ran } = job.metrics;
  return (
    <dl className="grid grid-cols-[7rem_minmax(0,1fr)] gap-y-2.5">
      <Fact term="Model">
        {modelTitle} <span className="text-muted">{job.model_version}</span>
      </Fact>
      <Fact term="Started">
        <Age moment={job.created_at} />
      </Fact>
      {waited !== null && <Fact term="Waited">{formatSeconds(waited)}</Fact>}
      {ran !== null && <Fact term="Took">{formatSeconds(ran)}</Fact>}
      <Fact term="Tries">
        {job.attempt} of {job.max_attempts}
      </Fact>
      <Fact term="Seed">{job.seed}</Fact>
      {job.tags.length > 0 && <Fact term="Tags">{job.tags.join(", ")}</Fact>}
      <Fact term="Id">
        <span className="font-mono text-xs [overflow-wrap:anywhere]">{job.id}</span>
      </Fact>
    </dl>
  );
}

/** What was asked for, as it was sent. */
export function JobInput({ input }: Pick<JobView, "input">) {
  const entries = Object.entries(input);
  if (entries.length === 0) return <p className="text-muted">The model's own defaults.</p>;
  return (
    <dl className="grid grid-cols-[7rem_minmax(0,1fr)] gap-y-2.5">
      {entries.map(([name, value]) => (
        <Fact key={name} term={name}>
          <span className="[overflow-wrap:anywhere]">
            {typeof value === "string" ? value : JSON.stringify(value)}
          </span>
        </Fact>
      ))}
    </dl>
  );
}

function Fact({ term, children }: { readonly term: string; readonly children: ReactNode }) {
  return (
    <>
      <dt className="truncate text-muted">{term}</dt>
      <dd className="tabular min-w-0">{children}</dd>
    </>
  );
}
