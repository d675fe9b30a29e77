import { Clapperboard } from "lucide-react";
import type { ReactNode } from "react";
import { Framed } from "@/components/media/framed";

interface PreviewStageProps {
  /** The chosen picture, or null. */
  readonly picture: ReactNode | null;
  /** Width over height of the result, where the form says it. */
  readonly ratio: number | null;
  readonly prompt: string;
  readonly source: "picture" | "words";
}

/** What the input looks like before anything is made. */
export function PreviewStage({ picture, ratio, prompt, source }: PreviewStageProps) {
  if (source === "picture" && picture) return <Framed ratio={ratio}>{picture}</Framed>;
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
      <p className="mt-1 max-w-xs text-balance">
        {source === "picture"
          ? "Start with a picture: drop it, paste it, or choose one."
          : "Start with a few words, or take an example."}
      </p>
    </div>
  );
}
