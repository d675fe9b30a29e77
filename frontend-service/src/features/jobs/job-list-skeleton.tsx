import { Skeleton } from "@/components/ui/skeleton";

const ROWS = ["w-2/5", "w-3/5", "w-1/3", "w-1/2", "w-2/5", "w-1/3"] as const;

export function JobListSkeleton() {
  return (
    <div
      role="status"
      aria-label="Loading the jobs"
      className="divide-y divide-line rounded-lg border border-line bg-surface"
    >
      {ROWS.map((width, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: six fixed rows that never move.
        <div key={place} className="flex items-center gap-4 px-3 py-2.5">
          <Skeleton className="h-10 w-14 shrink-0" />
          <div className="min-w-0 flex-1 space-y-2">
            <Skeleton className={`h-3.5 ${width}`} />
            <Skeleton className="h-3 w-24" />
          </div>
          <Skeleton className="h-3.5 w-20" />
        </div>
      ))}
    </div>
  );
}
