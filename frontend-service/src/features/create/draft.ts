/** What a person has put together so far, apart from how it is shown. Everything here is a pure decision. */
import { type Attachment, assetIdOf } from "@/lib/attachment";
import type { FieldProblem, JobView, JsonValue, ModelView } from "@/schema/api.gen";
import { ratioOf } from "./ratio";
import {
  type Field,
  fieldsOf,
  primaryAsset,
  primaryPrompt,
  type Source,
  sourceOf,
  takesFilms,
} from "./schema-fields";

export type Values = Readonly<Record<string, JsonValue>>;

/** Picture and prompt are kept apart from the values: they stay when another model is chosen. */
export interface Draft {
  readonly source: Source;
  readonly model: string;
  readonly picture: Attachment | null;
  readonly prompt: string;
  readonly values: Values;
  readonly attachments: Readonly<Record<string, Attachment>>;
}

/** The models that start from this source; what nobody runs now last, then what takes no prompt, real AI first. */
export function modelsFor(source: Source, models: readonly ModelView[]): readonly ModelView[] {
  const isForm = (model: ModelView) => source === "words" && !primaryPrompt(fieldsOf(model));
  const rank = (model: ModelView) =>
    (model.available ? 0 : 4) + (isForm(model) ? 2 : 0) + (model.is_ai ? 0 : 1);
  return models.filter((model) => sourceOf(model) === source).sort((one, other) => rank(one) - rank(other));
}

export function freshDraft(models: readonly ModelView[]): Draft {
  const source: Source = modelsFor("picture", models).length > 0 ? "picture" : "words";
  const model = modelsFor(source, models)[0]?.name ?? "";
  return { source, model, picture: null, prompt: "", values: {}, attachments: {} };
}

/** The draft that would make this job again. A model that is gone leaves picture and words to start from. */
export function draftOf(job: JobView, models: readonly ModelView[]): Draft {
  const model = models.find(({ name }) => name === job.model);
  if (!model) return freshDraft(models);
  const fields = fieldsOf(model);
  const [asset, prompt] = [primaryAsset(fields), primaryPrompt(fields)];
  const input = job.input as Values;
  const values: Record<string, JsonValue> = {};
  const attachments: Record<string, Attachment> = {};
  for (const { name, kind } of fields) {
    const value = input[name];
    if (value === undefined || name === asset?.name || name === prompt?.name) continue;
    if (kind === "asset") attachments[name] = { kind: "stored", assetId: String(value) };
    else values[name] = value;
  }
  const pictureId = asset && input[asset.name];
  const words = prompt && input[prompt.name];
  return {
    source: sourceOf(model),
    model: model.name,
    picture: typeof pictureId === "string" ? { kind: "stored", assetId: pictureId } : null,
    prompt: typeof words === "string" ? words : "",
    values,
    attachments,
  };
}

/** The same draft from the other source, with a model that takes it. */
export function withSource(draft: Draft, source: Source, models: readonly ModelView[]): Draft {
  if (draft.source === source) return draft;
  return { ...draft, source, model: modelsFor(source, models)[0]?.name ?? draft.model };
}

/** The value to show in a field: what was set, if this model allows it, else the model's own default. */
export function shownValue(field: Field, values: Values): JsonValue | undefined {
  const value = values[field.name];
  return value !== undefined && allows(field, value) ? value : field.initial;
}

function allows(field: Field, value: JsonValue): boolean {
  if (value === null) return true;
  switch (field.kind) {
    case "choice":
      return field.options.some((option) => option.value === value);
    case "number":
    case "slider":
    case "seed":
      return (
        typeof value === "number" && value >= (field.minimum ?? value) && value <= (field.maximum ?? value)
      );
    case "toggle":
      return typeof value === "boolean";
    case "prompt":
    case "text":
      return typeof value === "string";
    default:
      return true;
  }
}

/** A job's input, or what is still missing for it in words: name of the field to what to do. */
export type Readiness =
  | { readonly ready: true; readonly input: Values }
  | { readonly ready: false; readonly missing: Readonly<Record<string, string>> };

export function inputOf(draft: Draft, fields: readonly Field[]): Readiness {
  const [asset, prompt] = [primaryAsset(fields), primaryPrompt(fields)];
  const input: Record<string, JsonValue> = {};
  const missing: Record<string, string> = {};
  for (const field of fields) {
    const value = draftValue(field, draft, { isPicture: field === asset, isPrompt: field === prompt });
    if (value !== undefined && value !== null && value !== "") input[field.name] = value;
    else if (field.required) missing[field.name] = cure(field);
  }
  return Object.keys(missing).length === 0 ? { ready: true, input } : { ready: false, missing };
}

function draftValue(
  field: Field,
  draft: Draft,
  { isPicture, isPrompt }: { isPicture: boolean; isPrompt: boolean },
): JsonValue | undefined {
  if (isPrompt) return draft.prompt.trim();
  if (field.kind !== "asset") return shownValue(field, draft.values);
  const attachment = isPicture ? draft.picture : draft.attachments[field.name];
  return attachment ? (assetIdOf(attachment) ?? undefined) : undefined;
}

function cure(field: Field): string {
  if (field.kind === "asset") return takesFilms(field) ? "Add a film first." : "Add a picture first.";
  if (field.kind === "prompt") return "Say in a few words what you want to see.";
  return `${field.label} is needed.`;
}

/** The server's complaints by field: `#/input/duration_seconds` belongs to `duration_seconds`. */
export function complaintsByField(errors: readonly FieldProblem[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { pointer, detail } of errors) {
    const name = fieldAt(pointer);
    if (name) found[name] ??= detail;
  }
  return found;
}

/** The complaints that stand beside none of these fields. */
export function complaintsBesides(
  fields: readonly Field[],
  errors: readonly FieldProblem[],
): readonly FieldProblem[] {
  return errors.filter(({ pointer }) => !fields.some(({ name }) => name === fieldAt(pointer)));
}

function fieldAt(pointer: string): string | undefined {
  return /^#\/input\/([^/]+)/.exec(pointer)?.[1];
}

/** Width over height of what these values make; null where the model does not let one choose. */
export function shapeOf(fields: readonly Field[], values: Values): number | null {
  const aspect = fields.find((field) => field.kind === "choice" && field.look === "aspect");
  return aspect ? ratioOf(shownValue(aspect, values)) : null;
}

export function jobShape(job: Pick<JobView, "model" | "input">, models: readonly ModelView[]): number | null {
  const model = models.find(({ name }) => name === job.model);
  return model ? shapeOf(fieldsOf(model), job.input as Values) : null;
}

/** A job's input in the words of its form; names and values as they were sent where the form does not know them. */
export function spokenInput(
  job: Pick<JobView, "model" | "input">,
  models: readonly ModelView[],
): readonly { readonly label: string; readonly value: JsonValue }[] {
  const model = models.find(({ name }) => name === job.model);
  const fields = model ? fieldsOf(model) : [];
  const order = (name: string) => fields.findIndex((field) => field.name === name);
  return Object.entries(job.input as Values)
    .sort(([one], [other]) => order(one) - order(other))
    .map(([name, value]) => {
      const field = fields.find((one) => one.name === name);
      return { label: field?.label ?? name, value: spokenValue(field, value) };
    });
}

function spokenValue(field: Field | undefined, value: JsonValue): JsonValue {
  if (field?.kind === "choice") return field.options.find((option) => option.value === value)?.label ?? value;
  if (field && "unit" in field && field.unit) return `${value} ${field.unit}`;
  return value;
}
