import { useId } from "react";
import { classes } from "@/lib/classes";
import type { ModelView } from "@/schema/api.gen";
import { CONTROL } from "./field-row";
import type { TextField } from "./schema-fields";

interface PromptBoxProps {
  readonly field: TextField;
  readonly model: ModelView;
  readonly value: string;
  readonly problem: string | undefined;
  readonly onChange: (text: string) => void;
  readonly onSubmit: () => void;
}

// Shown where a model brings fewer examples than three.
const STARTERS = [
  "A sunset over mountains",
  "Misty pine forest at dawn",
  "Stars over a quiet desert",
] as const;

/** The words to start from, with three examples to begin with. Ctrl or Cmd with Enter sends. */
export function PromptBox({ field, model, value, problem, onChange, onSubmit }: PromptBoxProps) {
  const id = useId();
  return (
    <div data-slot="prompt-box">
      <label htmlFor={id} className="sr-only">
        {field.label}
      </label>
      <textarea
        id={id}
        rows={4}
        value={value}
        placeholder="Describe what you want to see"
        aria-invalid={problem !== undefined}
        aria-describedby={problem ? `${id}-problem` : undefined}
        {...(field.maxLength === null ? {} : { maxLength: field.maxLength })}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) onSubmit();
        }}
        className={classes(
          CONTROL,
          "field-sizing-content min-h-32 resize-none rounded-lg px-4 py-3 text-base",
        )}
      />
      {problem && (
        <p id={`${id}-problem`} className="mt-1.5 font-medium text-bad">
          {problem}
        </p>
      )}
      <fieldset className="mt-2.5 flex flex-wrap gap-2">
        <legend className="sr-only">Examples</legend>
        {starters(model, field.name).map((example) => (
          <button
            key={example}
            type="button"
            onClick={() => onChange(example)}
            className="rounded-full border border-line bg-surface px-3 py-1.5 text-left text-xs text-muted transition-colors hover:border-line-strong hover:text-text"
          >
            {example}
          </button>
        ))}
      </fieldset>
    </div>
  );
}

function starters(model: ModelView, field: string): readonly string[] {
  const own = model.examples.map(({ input }) => input[field]).filter((words) => typeof words === "string");
  return [...new Set([...own, ...STARTERS])].slice(0, 3);
}
