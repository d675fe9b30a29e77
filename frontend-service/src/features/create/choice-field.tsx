import { Segmented } from "@/components/ui/segmented";
import { classes } from "@/lib/classes";
import type { JsonValue } from "@/schema/api.gen";
import { CONTROL, FieldRow } from "./field-row";
import { ratioOf } from "./ratio";
import type { ChoiceField } from "./schema-fields";

interface ChoiceInputProps {
  readonly field: ChoiceField;
  readonly id: string;
  readonly value: JsonValue | undefined;
  readonly problem: string | undefined;
  readonly onChange: (value: JsonValue) => void;
}

/** One of a few values: proportions as tiles, short words side by side, anything longer as a list. */
export function ChoiceInput(props: ChoiceInputProps) {
  const { field, id, problem } = props;
  return (
    <FieldRow
      id={id}
      label={field.label}
      help={field.help}
      problem={problem}
      labelled={field.look === "select"}
    >
      {({ describedBy }) => {
        if (field.look === "aspect") return <AspectTiles {...props} />;
        if (field.look === "segments") return <Segments {...props} />;
        return <ChoiceList {...props} describedBy={describedBy} />;
      }}
    </FieldRow>
  );
}

function Segments({ field, value, onChange }: ChoiceInputProps) {
  return (
    <Segmented
      label={field.label}
      value={String(value)}
      segments={field.options.map((option) => ({ value: String(option.value), label: option.label }))}
      onChange={(text) => onChange(original(field, text))}
    />
  );
}

function ChoiceList({
  field,
  id,
  value,
  problem,
  describedBy,
  onChange,
}: ChoiceInputProps & { describedBy: string | undefined }) {
  return (
    <select
      id={id}
      value={String(value ?? "")}
      aria-invalid={problem !== undefined}
      aria-describedby={describedBy}
      onChange={(event) => onChange(event.target.value === "" ? null : original(field, event.target.value))}
      className={classes(CONTROL, "choice-list h-10")}
    >
      {(field.initial === null || value === undefined) && (
        <option value="">{field.required ? "Choose…" : "None"}</option>
      )}
      {field.options.map((option) => (
        <option key={String(option.value)} value={String(option.value)}>
          {option.label}
        </option>
      ))}
    </select>
  );
}

function AspectTiles({ field, id, value, onChange }: ChoiceInputProps) {
  return (
    <fieldset className="grid grid-cols-[repeat(auto-fill,minmax(4.75rem,1fr))] gap-2">
      <legend className="sr-only">{field.label}</legend>
      {field.options.map((option) => {
        const isChosen = option.value === value;
        return (
          <label
            key={String(option.value)}
            className={classes(
              "flex h-19 cursor-pointer flex-col items-center justify-between gap-1 rounded-md border px-1 pt-3 pb-1.5 text-center text-xs transition-colors",
              "has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
              isChosen
                ? "border-accent bg-accent-soft font-medium text-text"
                : "border-line bg-surface text-muted hover:border-line-strong hover:text-text",
            )}
          >
            <input
              type="radio"
              name={id}
              className="sr-only"
              checked={isChosen}
              onChange={() => onChange(option.value)}
            />
            <span aria-hidden="true" className="grid h-9 place-items-center">
              <Shape ratio={ratioOf(option.value)} isChosen={isChosen} />
            </span>
            {option.label}
          </label>
        );
      })}
    </fieldset>
  );
}

const SHAPE_PX = 32;

function Shape({ ratio, isChosen }: { readonly ratio: number | null; readonly isChosen: boolean }) {
  const size =
    ratio === null
      ? { width: SHAPE_PX, height: 24 }
      : ratio >= 1
        ? { width: SHAPE_PX, height: SHAPE_PX / ratio }
        : { width: SHAPE_PX * ratio, height: SHAPE_PX };
  return (
    <span
      style={size}
      className={classes(
        "block rounded-[3px] border-2",
        ratio === null && "border-dashed",
        isChosen ? "border-accent" : "border-line-strong",
      )}
    />
  );
}

/** The control knows texts only; the schema's own value (a number, say) goes into the job. */
function original(field: ChoiceField, text: string): JsonValue {
  return field.options.find((option) => String(option.value) === text)?.value ?? text;
}
