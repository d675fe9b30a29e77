import { Clapperboard } from "lucide-react";
import type { ReactNode } from "react";
import { classes } from "@/lib/classes";

interface PreviewStageProps {
  /** The chosen picture, or null. */
  readonly picture: ReactNode | null;
  /** Width over height of the result, where the form says it: the picture is shown cut to it. */
  readonly ratio: number | null;
  readonly prompt: string;
  readonly source: "picture" | "words";
}

/** What the input looks like before anything is made. */
export function PreviewStage({ picture, ratio, prompt, source }: PreviewStageProps) {
  if (source === "picture" && picture) {
    return (
      <figure className="grid size-full place-items-center">
        <div
          className={classes(
            "overflow-hidden [&_img]:size-full",
            ratio === null ? "size-full [&_img]:object-contain" : "[&_img]:object-cover",
          )}
          style={ratio === null ? undefined : { aspectRatio: ratio, width: `min(100cqw, 100cqh * ${ratio})` }}
        >
          {picture}
        </div>
        <figcaption className="sr-only">Your picture, as it will be framed</figcaption>
      </figure>
    );
  }
  if (source === "words" && prompt.trim()) {
    return (
      <p className="m-auto max-w-xl px-8 text-center text-lg font-medium text-balance">
        <span className="sr-only">Your words: </span>
        {prompt.trim()}
      </p>
    );
  }
  return (
    <div className="m-auto flex flex-col items-center px-6 text-center text-muted">
      <Clapperboard aria-hidden="true" className="size-8 opacity-70" strokeWidth={1.25} />
      <p className="mt-3 font-medium text-text">Your result appears here</p>
      <p className="mt-1 max-w-xs">
        {source === "picture"
          ? "Start with a picture: drop it, paste it, or choose one."
          : "Start with a few words, or take an example."}
      </p>
    </div>
  );
}
