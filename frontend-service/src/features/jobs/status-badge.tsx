import { CircleCheck, CircleDashed, CircleSlash, CircleX, LoaderCircle, type LucideIcon } from "lucide-react";
import { classes } from "@/lib/classes";
import { STATUSES, type Status, type Tone } from "@/lib/status";

const LOOKS: Readonly<Record<Tone, { readonly icon: LucideIcon; readonly colour: string }>> = {
  waiting: { icon: CircleDashed, colour: "text-waiting" },
  active: { icon: LoaderCircle, colour: "text-accent" },
  good: { icon: CircleCheck, colour: "text-good" },
  bad: { icon: CircleX, colour: "text-bad" },
  quiet: { icon: CircleSlash, colour: "text-muted" },
};

/** A state as icon and word; the colour only helps the eye. */
export function StatusBadge({ status }: { readonly status: Status }) {
  const { label, tone } = STATUSES[status];
  const { icon: Icon, colour } = LOOKS[tone];
  return (
    <span
      data-slot="status-badge"
      className={classes("inline-flex items-center gap-1.5 font-medium whitespace-nowrap", colour)}
    >
      <Icon
        aria-hidden="true"
        className={classes("size-4", tone === "active" && "animate-spin [animation-duration:1.6s]")}
      />
      {label}
    </span>
  );
}
