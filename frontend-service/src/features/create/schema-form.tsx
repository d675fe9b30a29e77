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

/** The settings of a model, one widget for each field of its schema. */
export function SchemaForm({ fields, values, problems, onChange, renderAsset }: SchemaFormProps) {
  const form = useId();
  return (
    <div data-slot="schema-form" className="space-y-5">
      {fields.map((field) => {
        const shared = {
          id: `${form}-${field.name}`,
          value: shownValue(field, values),
          problem: problems[field.name],
          onChange: (value: JsonValue) => onChange(field.name, value),
        };
        switch (field.kind) {
          case "asset":
            return <div key={field.name}>{renderAsset(field, problems[field.name])}</div>;
          case "choice":
            return <ChoiceInput key={field.name} field={field} {...shared} />;
          case "number":
          case "slider":
          case "seed":
            return <NumberInput key={field.name} field={field} {...shared} />;
          case "prompt":
          case "text":
            return <TextInput key={field.name} field={field} {...shared} />;
          case "toggle":
            return <ToggleInput key={field.name} field={field} {...shared} />;
          case "json":
            return <JsonInput key={field.name} field={field} {...shared} />;
          default:
            return field satisfies never;
        }
      })}
    </div>
  );
}
