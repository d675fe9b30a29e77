import { useClock } from "@/lib/clock";
import { formatAge, formatMoment } from "@/lib/format";

/** How long ago, kept true while it is looked at; the exact moment is in its title. */
export function Age({ moment }: { readonly moment: string }) {
  const now = useClock();
  return (
    <time dateTime={moment} title={formatMoment(moment)}>
      {formatAge(moment, now)}
    </time>
  );
}
