import { classes } from "@/lib/classes";
import { STATUSES, type Status } from "@/lib/status";
import type { JobFilter } from "@/requests/jobs";
import type { ModelView } from "@/schema/api.gen";

interface JobFiltersProps {
  readonly filter: JobFilter;
  readonly models: readonly ModelView[];
  readonly onChange: (filter: JobFilter) => void;
}

// States that last only a moment are found under "Working" and "In the queue".
const OFFERED: readonly { readonly label: string; readonly statuses: readonly Status[] }[] = [
  { label: STATUSES.queued.label, statuses: ["pending", "queued"] },
  { label: STATUSES.processing.label, statuses: ["processing", "cancelling"] },
  { label: STATUSES.completed.label, statuses: ["completed"] },
  { label: STATUSES.failed.label, statuses: ["failed", "expired"] },
  { label: STATUSES.cancelled.label, statuses: ["cancelled"] },
];

export function JobFilters({ filter, models, onChange }: JobFiltersProps) {
  const toggle = (statuses: readonly Status[]) => {
    const isOn = statuses.every((status) => filter.status.includes(status));
    const others = filter.status.filter((status) => !statuses.includes(status));
    onChange({ ...filter, status: isOn ? others : [...others, ...statuses] });
  };

  return (
    <div data-slot="job-filters" className="flex flex-wrap items-center gap-2">
      <fieldset className="flex flex-wrap gap-1.5">
        <legend className="sr-only">Show only</legend>
        {OFFERED.map(({ label, statuses }) => {
          const isOn = statuses.every((status) => filter.status.includes(status));
          return (
            <button
              key={label}
              type="button"
              aria-pressed={isOn}
              onClick={() => toggle(statuses)}
              className={classes(
                "h-8 rounded-full border px-3 text-xs font-medium transition-colors",
                isOn
                  ? "border-accent bg-accent-soft text-text"
                  : "border-line bg-surface text-muted hover:border-line-strong hover:text-text",
              )}
            >
              {label}
            </button>
          );
        })}
      </fieldset>
      <select
        aria-label="Model"
        value={filter.model ?? ""}
        onChange={(event) => onChange({ ...filter, model: event.target.value || null })}
        className="choice-list h-8 max-w-full rounded-full border border-line bg-surface px-3 text-xs font-medium text-muted transition-colors hover:border-line-strong hover:text-text sm:ml-auto"
      >
        <option value="">Every model</option>
        {models.map(({ name, title }) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </select>
    </div>
  );
}
