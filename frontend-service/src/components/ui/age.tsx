import { useSyncExternalStore } from "react";
import { formatAge, formatMoment } from "@/lib/format";

/** How long ago, kept true while it is looked at; the exact moment is in its title. */
export function Age({ moment }: { readonly moment: string }) {
  const now = useSyncExternalStore(everyTenSeconds, tenSeconds);
  return (
    <time dateTime={moment} title={formatMoment(moment)}>
      {formatAge(moment, now)}
    </time>
  );
}

const STEP_MS = 10_000;

function everyTenSeconds(changed: () => void): () => void {
  const timer = window.setInterval(changed, STEP_MS);
  return () => window.clearInterval(timer);
}

function tenSeconds(): number {
  return Math.ceil(Date.now() / STEP_MS) * STEP_MS;
}
