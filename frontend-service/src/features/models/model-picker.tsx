import { Clock, Coins, FileText, Film, Hourglass, Image, Shapes, Sparkles } from "lucide-react";
import { useId } from "react";
import { classes } from "@/lib/classes";
import { formatDay, formatDollars, isNothing, roughSeconds } from "@/lib/format";
import type { ModelLifecycle, ModelView, PricingView } from "@/schema/api.gen";

interface ModelPickerProps {
  readonly models: readonly ModelView[];
  readonly chosen: string;
  readonly onChoose: (name: string) => void;
}

/** The ways to make it, as cards: what comes out, about how long, and whether a learned model is at work. */
export function ModelPicker({ models, chosen, onChoose }: ModelPickerProps) {
  const name = useId();
  return (
    <fieldset data-slot="model-picker" className="grid gap-2">
      <legend className="mb-1.5 font-medium">How</legend>
      {models.map((model) => (
        <label
          key={model.name}
          className={classes(
            "group relative flex gap-3 rounded-lg border p-3 transition-colors",
            "has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
            model.available ? "cursor-pointer" : "cursor-not-allowed",
            model.name === chosen
              ? "border-accent bg-accent-soft"
              : "border-line bg-surface hover:border-line-strong",
          )}
        >
          <input
            type="radio"
            name={name}
            value={model.name}
            checked={model.name === chosen}
            disabled={!model.available}
            aria-labelledby={`${name}-${model.name}-title`}
            aria-describedby={`${name}-${model.name}`}
            onChange={() => onChoose(model.name)}
            className="sr-only"
          />
          <Dot isChosen={model.name === chosen} />
          <span className="min-w-0 flex-1">
            <span
              id={`${name}-${model.name}-title`}
              className={classes("font-semibold", !model.available && "text-muted")}
            >
              {model.title}
            </span>
            <span id={`${name}-${model.name}`} className="block">
              <span
                className={classes(
                  "mt-0.5 block text-xs text-muted",
                  model.name !== chosen && "line-clamp-2",
                )}
              >
                {model.description}
              </span>
              <Facts model={model} />
            </span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function Dot({ isChosen }: { readonly isChosen: boolean }) {
  return (
    <span
      aria-hidden="true"
      className={classes(
        "mt-0.5 size-4 shrink-0 rounded-full border-2 transition-[border-width,border-color]",
        isChosen ? "border-[5px] border-accent" : "border-line-strong",
      )}
    />
  );
}

function Facts({ model }: { readonly model: ModelView }) {
  const product = productOf(model);
  const price = priceWords(model.pricing);
  const Kind = model.is_ai ? Sparkles : Shapes;
  return (
    <span className="mt-2 flex flex-wrap gap-x-3.5 gap-y-1 text-xs text-muted">
      <Fact icon={product.icon}>{product.word}</Fact>
      <Fact icon={Clock}>
        {model.available ? roughSeconds(model.stats.p50_run_seconds ?? model.seconds_hint) : absence(model)}
      </Fact>
      <Fact icon={Kind}>{model.is_ai ? "AI" : "Procedural, not AI"}</Fact>
      {price !== null && <Fact icon={Coins}>{price}</Fact>}
      {model.lifecycle.status === "deprecated" && <Fact icon={Hourglass}>{farewell(model.lifecycle)}</Fact>}
    </span>
  );
}

function absence({ lifecycle }: ModelView): string {
  return lifecycle.status === "retired" ? "Takes no more jobs" : "No worker runs it now";
}

/** `Goes on 4 May 2027; use builtin/parallax`. */
function farewell({ sunset_at, replacement }: ModelLifecycle): string {
  const end = sunset_at === null ? "Deprecated" : `Goes on ${formatDay(sunset_at)}`;
  return replacement === null ? end : `${end}; use ${replacement}`;
}

/** `$0.10 + $0.02 per second`; null for what is free. */
function priceWords({ base, amount, unit }: PricingView): string | null {
  const parts = [
    ...(isNothing(base) ? [] : [formatDollars(base)]),
    ...(isNothing(amount) ? [] : [`${formatDollars(amount)} per ${unit}`]),
  ];
  return parts.length === 0 ? null : parts.join(" + ");
}

function productOf({ produces }: ModelView): { icon: typeof Film; word: string } {
  const makes = (kind: string) => produces.some((type) => type.startsWith(`${kind}/`));
  if (makes("video")) return { icon: Film, word: "Film" };
  if (makes("image")) return { icon: Image, word: "Picture" };
  return { icon: FileText, word: makes("text") ? "Text" : "File" };
}

function Fact({ icon: Icon, children }: { readonly icon: typeof Film; readonly children: string }) {
  return (
    <span className="inline-flex items-center gap-1.5">
      <Icon aria-hidden="true" className="size-3.5" /> {children}
    </span>
  );
}
