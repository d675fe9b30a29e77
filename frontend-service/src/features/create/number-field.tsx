import { Dices, X } from "lucide-react";
import type { CSSProperties } from "react";
import { Button } from "@/components/ui/button";
import { classes } from "@/lib/classes";
import type { JsonValue } from "@/schema/api.gen";
import { CONTROL, FieldRow } from "./field-row";
import type { NumberField } from "./schema-fields";

interface NumberInputProps {
  readonly field: NumberField;
  readonly id: string;
  readonly value: JsonValue | undefined;
  readonly problem: string | undefined;
  readonly onChange: (value: JsonValue) => void;
}

export function NumberInput(props: NumberInputProps) {
  if (props.field.kind === "slider") return <Slider {...props} />;
  if (props.field.kind === "seed") return <Seed {...props} />;
  return <PlainNumber {...props} />;
}

function Slider({ field, id, value, problem, onChange }: NumberInputProps) {
  const minimum = field.minimum ?? 0;
  const maximum = field.maximum ?? 1;
  const shown = typeof value === "number" ? value : minimum;
  const fill = `${((shown - minimum) / (maximum - minimum)) * 100}%`;
  const output = (
    <output htmlFor={id} className="tabular text-muted">
      {shown}
      {field.unit && ` ${field.unit}`}
    </output>
  );
  return (
    <FieldRow id={id} label={field.label} help={field.help} problem={problem} aside={output}>
      {({ describedBy }) => (
        <input
          id={id}
          type="range"
          min={minimum}
          max={maximum}
          step={field.step}
          value={shown}
          aria-describedby={describedBy}
          aria-valuetext={field.unit ? `${shown} ${field.unit}` : undefined}
          onChange={(event) => onChange(event.target.valueAsNumber)}
          className="slider block w-full rounded-full"
          style={{ "--fill": fill } as CSSProperties}
        />
      )}
    </FieldRow>
  );
}

function PlainNumber({ field, id, value, problem, onChange }: NumberInputProps) {
  return (
    <FieldRow id={id} label={field.label} help={field.help} problem={problem}>
      {({ describedBy }) => (
        <input
          id={id}
          type="number"
          {...(field.minimum === null ? {} : { min: field.minimum })}
          {...(field.maximum === null ? {} : { max: field.maximum })}
          step={field.step}
          value={typeof value === "number" ? value : ""}
          aria-invalid={problem !== undefined}
          aria-describedby={describedBy}
          onChange={(event) => onChange(numberOrNull(event.target.valueAsNumber))}
          className={classes(CONTROL, "tabular h-10")}
        />
      )}
    </FieldRow>
  );
}

function Seed({ field, id, value, problem, onChange }: NumberInputProps) {
  const hasSeed = typeof value === "number";
  const roll = () => onChange(Math.floor(Math.random() * ((field.maximum ?? 999_999) + 1)));
  return (
    <FieldRow id={id} label={field.label} help={field.help} problem={problem}>
      {({ describedBy }) => (
        <div className="flex gap-2">
          <input
            id={id}
            inputMode="numeric"
            value={hasSeed ? value : ""}
            placeholder="Random"
            aria-invalid={problem !== undefined}
            aria-describedby={describedBy}
            onChange={(event) => onChange(numberOrNull(Number.parseInt(event.target.value, 10)))}
            className={classes(CONTROL, "tabular h-10 min-w-0 flex-1")}
          />
          {hasSeed && (
            <Button
              look="secondary"
              size="icon"
              className="size-10"
              aria-label="Random again"
              onClick={() => onChange(null)}
            >
              <X aria-hidden="true" className="size-4" />
            </Button>
          )}
          <Button look="secondary" size="icon" className="size-10" aria-label="Roll a seed" onClick={roll}>
            <Dices aria-hidden="true" className="size-4" />
          </Button>
        </div>
      )}
    </FieldRow>
  );
}

function numberOrNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
