import type { ReactNode } from "react";
import { useId } from "react";
import { classes } from "@/lib/classes";

export interface Segment<T extends string> {
  readonly value: T;
  readonly label: ReactNode;
}

interface SegmentedProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly segments: readonly Segment<T>[];
  readonly onChange: (value: T) => void;
}

/** One of a few, side by side. Radio buttons underneath, so arrows and screen readers work as they always do. */
export function Segmented<T extends string>({ label, value, segments, onChange }: SegmentedProps<T>) {
  const name = useId();
  return (
    <fieldset data-slot="segmented" className="flex min-w-0 rounded-md bg-sunken p-1">
      <legend className="sr-only">{label}</legend>
      {segments.map((segment) => (
        <label
          key={segment.value}
          className={classes(
            "flex h-8 min-w-0 flex-1 cursor-pointer items-center justify-center gap-2 rounded-sm px-3 font-medium transition-colors",
            "has-focus-visible:outline-2 has-focus-visible:outline-offset-1 has-focus-visible:outline-accent",
            segment.value === value ? "bg-raised text-text shadow-card" : "text-muted hover:text-text",
          )}
        >
          <input
            type="radio"
            name={name}
            value={segment.value}
            checked={segment.value === value}
            onChange={() => onChange(segment.value)}
            className="sr-only"
          />
          {segment.label}
        </label>
      ))}
    </fieldset>
  );
}
