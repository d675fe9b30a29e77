import type { ReactNode } from "react";

export interface FieldIds {
  readonly control: string;
  readonly describedBy: string | undefined;
}

interface FieldRowProps {
  readonly id: string;
  readonly label: string;
  readonly help: string | null;
  readonly problem: string | undefined;
  /** Shown at the right of the label: the value of a slider, for one. */
  readonly aside?: ReactNode;
  /** False where the control brings its own name (a group of radio buttons). */
  readonly labelled?: boolean;
  readonly children: (ids: FieldIds) => ReactNode;
}

/** Label, control, help and what is wrong, tied together for screen readers. */
export function FieldRow({ id, label, help, problem, aside, labelled = true, children }: FieldRowProps) {
  const helpId = help ? `${id}-help` : null;
  const problemId = problem ? `${id}-problem` : null;
  const describedBy = [problemId, helpId].filter(Boolean).join(" ") || undefined;
  return (
    <div data-slot="field" data-field={id}>
      <div className="mb-1.5 flex min-h-6 items-center justify-between gap-3">
        {labelled ? (
          <label htmlFor={id} className="font-medium">
            {label}
          </label>
        ) : (
          <span aria-hidden="true" className="font-medium">
            {label}
          </span>
        )}
        {aside}
      </div>
      {children({ control: id, describedBy })}
      {help && (
        <p id={helpId ?? undefined} className="mt-1.5 text-xs text-muted">
          {help}
        </p>
      )}
      {problem && (
        <p id={problemId ?? undefined} className="mt-1.5 font-medium text-bad">
          {problem}
        </p>
      )}
    </div>
  );
}

export const CONTROL =
  "w-full rounded-md border border-line bg-surface px-3 text-text transition-colors hover:border-line-strong focus:border-accent focus-visible:-outline-offset-1 aria-invalid:border-bad";
