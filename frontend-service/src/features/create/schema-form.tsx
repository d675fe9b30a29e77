import { ChevronRight } from "lucide-react";
import { type ReactNode, useId } from "react";
import type { JsonValue } from "@/schema/api.gen";
import { ChoiceInput } from "./choice-field";
import { shownValue, type Values } from "./draft";
import { NumberInput } from "./number-field";
import { JsonInput, TextInput, ToggleInput } from "./other-fields";
import type { AssetField, Field } from "./schema-fields";

interface SchemaFormProps {
  readonly fields: readonly Field[];
  readonly values: Values;
  readonly problems: Readonly<Record<string, string>>;
  readonly onChange: (name: string, value: JsonValue) => void;
  readonly renderAsset: (field: AssetField, problem: string | undefined) => ReactNode;
}

// More fields than this are too many to look at: the first ones stay, the rest waits behind one line.
const SHOWN_AT_ONCE = 5;
const SHOWN_FIRST = 3;

/** The settings of a model, one widget for each field of its schema; a long form shows its first fields only. */
export function SchemaForm({ fields, ...rest }: SchemaFormProps) {
  const form = useId();
  const cut = fields.length > SHOWN_AT_ONCE ? SHOWN_FIRST : fields.length;
  const later = fields.slice(cut);
  const needsLook = later.some(({ name, required }) => required || rest.problems[name] !== undefined);
  return (
    <div data-slot="schema-form" className="space-y-5">
      {fields.slice(0, cut).map((field) => (
        <Widget key={field.name} form={form} field={field} {...rest} />
      ))}
      {later.length > 0 && (
        <details className="group" open={needsLook || undefined}>
          <summary className="inline-flex list-none items-center gap-1.5 rounded-sm font-medium text-muted transition-colors hover:text-text [&::-webkit-details-marker]:hidden">
            <ChevronRight aria-hidden="true" className="size-4 transition-transform group-open:rotate-90" />
            More settings
          </summary>
          <div className="mt-5 space-y-5">
            {later.map((field) => (
              <Widget key={field.name} form={form} field={field} {...rest} />
            ))}
          </div>
        </details>
      )}
    </div>
  );
}

interface WidgetProps extends Omit<SchemaFormProps, "fields"> {
  readonly form: string;
  readonly field: Field;
}

function Widget({ form, field, values, problems, onChange, renderAsset }: WidgetProps) {
  const shared = {
    id: `${form}-${field.name}`,
    value: shownValue(field, values),
    problem: problems[field.name],
    onChange: (value: JsonValue) => onChange(field.name, value),
  };
  switch (field.kind) {
    case "asset":
      return renderAsset(field, problems[field.name]);
    case "choice":
      return <ChoiceInput field={field} {...shared} />;
    case "number":
    case "slider":
    case "seed":
      return <NumberInput field={field} {...shared} />;
    case "prompt":
    case "text":
      return <TextInput field={field} {...shared} />;
    case "toggle":
      return <ToggleInput field={field} {...shared} />;
    case "json":
      return <JsonInput field={field} {...shared} />;
    default:
      return field satisfies never;
  }
}
