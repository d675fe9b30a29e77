import { useState } from "react";
import { classes } from "@/lib/classes";
import type { JsonValue } from "@/schema/api.gen";
import { CONTROL, FieldRow } from "./field-row";
import type { OtherField, TextField } from "./schema-fields";

interface InputProps<F> {
  readonly field: F;
  readonly id: string;
  readonly value: JsonValue | undefined;
  readonly problem: string | undefined;
  readonly onChange: (value: JsonValue) => void;
}

export function TextInput({ field, id, value, problem, onChange }: InputProps<TextField>) {
  const shared = {
    id,
    value: typeof value === "string" ? value : "",
    "aria-invalid": problem !== undefined,
    ...(field.maxLength === null ? {} : { maxLength: field.maxLength }),
  };
  return (
    <FieldRow id={id} label={field.label} help={field.help} problem={problem}>
      {({ describedBy }) =>
        field.kind === "prompt" ? (
          <textarea
            {...shared}
            rows={3}
            aria-describedby={describedBy}
            onChange={(event) => onChange(event.target.value)}
            className={classes(CONTROL, "field-sizing-content min-h-20 py-2")}
          />
        ) : (
          <input
            {...shared}
            aria-describedby={describedBy}
            onChange={(event) => onChange(event.target.value)}
            className={classes(CONTROL, "h-10")}
          />
        )
      }
    </FieldRow>
  );
}

export function ToggleInput({ field, id, value, problem, onChange }: InputProps<OtherField>) {
  const box = (
    <input
      id={id}
      type="checkbox"
      role="switch"
      checked={value === true}
      aria-checked={value === true}
      onChange={(event) => onChange(event.target.checked)}
      className={classes(
        "relative h-6 w-10 cursor-pointer appearance-none rounded-full bg-line-strong transition-colors checked:bg-accent",
        "before:absolute before:top-0.5 before:left-0.5 before:size-5 before:rounded-full before:bg-surface before:transition-transform checked:before:translate-x-4",
      )}
    />
  );
  return (
    <FieldRow id={id} label={field.label} help={field.help} problem={problem} aside={box}>
      {() => null}
    </FieldRow>
  );
}

/** Objects and lists that no widget knows: JSON, taken as soon as it can be read. */
export function JsonInput({ field, id, value, problem, onChange }: InputProps<OtherField>) {
  const [text, setText] = useState(() => (value === undefined ? "" : JSON.stringify(value, null, 2)));
  const [unreadable, setUnreadable] = useState(false);

  const take = (next: string) => {
    setText(next);
    try {
      onChange(next.trim() === "" ? null : (JSON.parse(next) as JsonValue));
      setUnreadable(false);
    } catch {
      // Half-typed JSON: keep the last good value and say so below the field.
      setUnreadable(true);
    }
  };

  return (
    <FieldRow
      id={id}
      label={field.label}
      help={field.help}
      problem={unreadable ? "This is not JSON yet; the last readable value is used." : problem}
    >
      {({ describedBy }) => (
        <textarea
          id={id}
          rows={4}
          spellCheck={false}
          value={text}
          aria-invalid={unreadable || problem !== undefined}
          aria-describedby={describedBy}
          onChange={(event) => take(event.target.value)}
          className={classes(CONTROL, "py-2 font-mono text-xs")}
        />
      )}
    </FieldRow>
  );
}
