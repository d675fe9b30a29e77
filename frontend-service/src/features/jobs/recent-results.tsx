import { Link } from "wouter";
import { AssetThumbnail, thumbnailKindOf } from "@/components/media/asset-thumbnail";
import { useJobs } from "@/requests/jobs";
import { JobName } from "./job-name";
import { modelWords, primaryOutput } from "./job-words";

const SHOWN = 6;
const DONE = { status: ["completed"], model: null } as const;

/** The latest results as a strip, to go back to one. Nothing while there is none: an extra must not ask for attention. */
export function RecentResults({ without }: { readonly without: string | null }) {
  const jobs = useJobs(DONE);
  const shown = (jobs.data ?? [])
    .filter(({ id, outputs }) => id !== without && outputs.length > 0)
    .slice(0, SHOWN);
  if (shown.length === 0) return null;
  return (
    <section aria-label="Recent results" className="lg:mt-8">
      <div className="mb-2.5 flex items-baseline justify-between">
        <h2 className="font-medium">Recent</h2>
        <Link href="/jobs" className="rounded-sm text-muted transition-colors hover:text-text">
          All jobs
        </Link>
      </div>
      <ul className="grid grid-cols-3 gap-2 sm:grid-cols-6 sm:gap-3">
        {shown.map((job) => {
          const output = primaryOutput(job);
          if (!output) return null;
          return (
            <li key={job.id}>
              <Link
                href={`/jobs/${job.id}`}
                className="block aspect-video overflow-hidden rounded-md border border-line bg-sunken transition-opacity hover:opacity-85"
              >
                <AssetThumbnail assetId={output.asset_id} kind={thumbnailKindOf(output.content_type)} />
                <span className="sr-only">
                  <JobName job={job} modelTitle={modelWords(job.model)} />
                </span>
              </Link>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
