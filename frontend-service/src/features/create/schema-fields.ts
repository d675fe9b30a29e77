/** Reads a model's input schema (JSON Schema 2020-12 with `x-` hints) as the fields of a form. */
import { sentence } from "@/lib/format";
import type { JsonValue, ModelView } from "@/schema/api.gen";

interface FieldBase {
  readonly name: string;
  readonly label: string;
  readonly help: string | null;
  readonly required: boolean;
  readonly initial: JsonValue | undefined;
}

export interface Option {
  readonly value: JsonValue;
  readonly label: string;
}

export interface AssetField extends FieldBase {
  readonly kind: "asset";
  readonly accept: readonly string[];
}

export interface TextField extends FieldBase {
  readonly kind: "prompt" | "text";
  readonly maxLength: number | null;
}

export interface ChoiceField extends FieldBase {
  readonly kind: "choice";
  readonly look: "aspect" | "segments" | "select";
  readonly options: readonly Option[];
}

export interface NumberField extends FieldBase {
  readonly kind: "number" | "slider" | "seed";
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly step: number;
  readonly unit: string | null;
}

export interface OtherField extends FieldBase {
  readonly kind: "toggle" | "json";
}

export type Field = AssetField | TextField | ChoiceField | NumberField | OtherField;

type Schema = Readonly<Record<string, unknown>>;

/** The fields in the order to show them (`x-order`, else as declared). */
export function fieldsOf(model: ModelView): readonly Field[] {
  const root: Schema = model.input_schema;
  const required = list(root.required);
  return Object.entries(object(root.properties))
    .map(([name, raw]) => ({
      order: number(object(raw)["x-order"]) ?? Number.MAX_SAFE_INTEGER,
      name,
      raw: object(raw),
    }))
    .sort((one, other) => one.order - other.order)
    .map(({ name, raw }) => fieldOf(name, resolve(raw, root), required.includes(name)));
}

/** A file or words: what a person must bring to a model. */
export type Source = "picture" | "words";

export function sourceOf(model: ModelView): Source {
  return primaryAsset(fieldsOf(model)) ? "picture" : "words";
}

/** The picture that the whole thing is about: the first required asset field. */
export function primaryAsset(fields: readonly Field[]): AssetField | null {
  return fields.find((field): field is AssetField => field.kind === "asset" && field.required) ?? null;
}

/** True for a place for films; every other file is called a picture. */
export function takesFilms({ accept }: AssetField): boolean {
  return accept.some((type) => type.startsWith("video/"));
}

/** The words that the whole thing is about, for models that start from words. */
export function primaryPrompt(fields: readonly Field[]): TextField | null {
  if (primaryAsset(fields)) return null;
  return fields.find((field): field is TextField => field.kind === "prompt") ?? null;
}

function fieldOf(name: string, schema: Schema, required: boolean): Field {
  const base: FieldBase = {
    name,
    label: text(schema.title) ?? sentence(name),
    help: text(schema.description),
    required,
    initial: schema.default as JsonValue | undefined,
  };
  const widget = text(schema["x-widget"]);
  const types = list(schema.type);
  if (schema.format === "asset") return { ...base, kind: "asset", accept: list(schema["x-accept"]) };
  if ("const" in schema) return choice(base, { ...schema, enum: [schema.const] }, widget);
  if (Array.isArray(schema.enum)) return choice(base, schema, widget);
  if (types.includes("boolean")) return { ...base, kind: "toggle" };
  if (types.includes("integer") || types.includes("number")) return numeric(base, schema, types, widget);
  if (types.includes("string")) {
    const maxLength = number(schema.maxLength);
    return { ...base, kind: widget === "prompt" || name === "prompt" ? "prompt" : "text", maxLength };
  }
  return { ...base, kind: "json" };
}

function choice(base: FieldBase, schema: Schema, widget: string | null): ChoiceField {
  const labels = object(schema["x-enum-labels"]);
  const options = (schema.enum as readonly JsonValue[])
    .filter((value) => value !== null)
    .map((value) => ({ value, label: text(labels[String(value)]) ?? spoken(value) }));
  const isShort = options.length <= 4 && options.every(({ label }) => label.length <= 12);
  // Only a list can also show that nothing is chosen.
  const isList = widget === "select" || !isShort || base.initial === null || base.initial === undefined;
  const look = widget === "aspect" ? "aspect" : isList ? "select" : "segments";
  return { ...base, kind: "choice", look, options };
}

function numeric(
  base: FieldBase,
  schema: Schema,
  types: readonly string[],
  widget: string | null,
): NumberField {
  const minimum = number(schema.minimum) ?? number(schema.exclusiveMinimum);
  const maximum = number(schema.maximum) ?? number(schema.exclusiveMaximum);
  const isWhole = types.includes("integer");
  const isBounded = minimum !== null && maximum !== null;
  const kind = widget === "seed" ? "seed" : widget === "slider" && isBounded ? "slider" : "number";
  const step = number(schema.multipleOf) ?? (isWhole ? 1 : isBounded ? niceStep(maximum - minimum) : 0.1);
  return { ...base, kind, minimum, maximum, step, unit: text(schema["x-unit"]) };
}

/** About a hundred stops, on a round number. */
function niceStep(range: number): number {
  return 10 ** Math.floor(Math.log10(range / 20));
}

/** Follows `$ref`, and looks through "this or null", which is how optional values are written. */
function resolve(schema: Schema, root: Schema): Schema {
  const { $ref, anyOf, oneOf, allOf, ...own } = schema;
  if (typeof $ref === "string") return { ...resolve(target($ref, root), root), ...own };
  const variants = [anyOf, oneOf, allOf]
    .find(Array.isArray)
    ?.map((variant) => resolve(object(variant), root));
  const real = variants?.filter((variant) => variant.type !== "null") ?? [];
  if (real.length === 1) return { ...real[0], ...own };
  const isChoice = real.length > 0 && real.every((variant) => valuesOf(variant).length > 0);
  return isChoice ? { ...own, enum: real.flatMap(valuesOf) } : own;
}

/** The values that a variant lists; none for a variant that lists none, which makes the union no choice. */
function valuesOf(variant: Schema): readonly unknown[] {
  if (Array.isArray(variant.enum)) return variant.enum;
  return "const" in variant ? [variant.const] : [];
}

function target(pointer: string, root: Schema): Schema {
  return pointer
    .replace(/^#\//, "")
    .split("/")
    .reduce<Schema>((inside, name) => object(inside[name]), root);
}

function spoken(value: JsonValue): string {
  return typeof value === "string" && /^[a-z_ -]+$/.test(value) ? sentence(value) : String(value);
}

function object(value: unknown): Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Schema) : {};
}

function list(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((item) => typeof item === "string");
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
