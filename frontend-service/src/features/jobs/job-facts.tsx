import type { ReactNode } from "react";
import { AssetThumbnail } from "@/components/media/asset-thumbnail";
import { Age } from "@/components/ui/age";
import { formatDollars, formatSeconds, isNothing } from "@/lib/format";
import { useAsset } from "@/requests/asset";
import type { JobView, JsonValue } from "@/schema/api.gen";
import { isAssetId } from "./job-words";

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
        {modelTitle} <span className="text-muted">version {job.model_version}</span>
      </Fact>
      <Fact term="Sent">
        <Age moment={job.created_at} />
      </Fact>
      {waited !== null && <Fact term="Waited">{formatSeconds(waited)}</Fact>}
      {ran !== null && <Fact term="Took">{formatSeconds(ran)}</Fact>}
      {!isNothing(job.cost.estimated) && <Fact term="Cost">{costWords(job)}</Fact>}
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

/** A job that has just ended will be charged its price if it is done, and else nothing. */
function costWords({ cost, is_success }: JobView): string {
  const { estimated, refunded } = cost;
  if (is_success === null) return `${formatDollars(estimated)}, reserved`;
  const charged = cost.charged ?? (is_success ? estimated : "0");
  if (isNothing(charged)) return "Nothing";
  const given = isNothing(refunded) ? "" : `, ${formatDollars(refunded)} refunded`;
  return `${formatDollars(charged)}${given}`;
}

interface JobInputProps {
  readonly entries: readonly { readonly label: string; readonly value: JsonValue }[];
}

/** What was asked for. */
export function JobInput({ entries }: JobInputProps) {
  if (entries.length === 0) return <p className="text-muted">The model's own defaults.</p>;
  return (
    <dl className="grid grid-cols-[7rem_minmax(0,1fr)] gap-y-2.5">
      {entries.map(({ label, value }) => (
        <Fact key={label} term={label}>
          {isAssetId(value) ? <AssetFact assetId={value} /> : <Plain value={value} />}
        </Fact>
      ))}
    </dl>
  );
}

function Plain({ value }: { readonly value: JsonValue }) {
  return (
    <span className="[overflow-wrap:anywhere]">
      {typeof value === "string" ? value : JSON.stringify(value)}
    </span>
  );
}

function AssetFact({ assetId }: { readonly assetId: string }) {
  const asset = useAsset(assetId);
  return (
    <span className="flex items-center gap-2.5">
      <span className="block size-10 shrink-0 overflow-hidden rounded-sm bg-sunken">
        <AssetThumbnail assetId={assetId} kind="image" />
      </span>
      <span className="min-w-0 truncate">{asset.data?.filename ?? assetId}</span>
    </span>
  );
}

function Fact({ term, children }: { readonly term: string; readonly children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{term}</dt>
      <dd className="tabular min-w-0">{children}</dd>
    </>
  );
}
