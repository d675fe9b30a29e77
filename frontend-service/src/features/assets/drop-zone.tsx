import { ImagePlus } from "lucide-react";
import { type DragEvent, type ReactNode, useId, useRef, useState } from "react";
import { classes } from "@/lib/classes";

interface DropZoneProps {
  readonly label: string;
  readonly accept: readonly string[];
  readonly problem: string | undefined;
  readonly onFile: (file: File) => void;
  /** What is attached already, in place of the invitation. */
  readonly children?: ReactNode;
  readonly size?: "hand" | "row";
}

/** A place for one file: drop on it, or open the chooser by click, Enter or Space. Pasting is the page's business. */
export function DropZone({ label, accept, problem, onFile, children, size = "hand" }: DropZoneProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);

  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) onFile(file);
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the drop is an extra; the file input inside is the control.
    <div
      data-slot="drop-zone"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={classes(
        "relative overflow-hidden rounded-lg border-2 transition-colors",
        "has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
        isOver ? "border-accent bg-accent-soft" : problem ? "border-bad" : "border-line",
        children
          ? "border-solid bg-surface"
          : "border-dashed bg-surface hover:border-accent hover:bg-accent-soft/50",
      )}
    >
      {children}
      <label
        htmlFor={id}
        className={classes(
          children ? "sr-only" : "flex cursor-pointer items-center gap-3 px-4",
          !children && size === "hand" && "min-h-44 flex-col justify-center py-6 text-center",
          !children && size === "row" && "min-h-14 py-3",
        )}
      >
        <span className="grid size-10 shrink-0 place-items-center rounded-full bg-accent-soft text-accent">
          <ImagePlus aria-hidden="true" className="size-5" />
        </span>
        <span>
          <span className="block font-medium">{isOver ? "Let go to add it" : label}</span>
          <span className="mt-0.5 block text-xs text-muted">
            {size === "hand"
              ? "Drop it here, paste it, or click to choose. Up to 32 MB."
              : "Drop or choose a file."}
          </span>
        </span>
      </label>
      <input
        ref={input}
        id={id}
        type="file"
        accept={accept.join(",")}
        aria-invalid={problem !== undefined}
        aria-describedby={problem ? `${id}-problem` : undefined}
        className="sr-only"
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) onFile(file);
          // The same file chosen again must count as a choice.
          event.target.value = "";
        }}
      />
      {problem && (
        <p id={`${id}-problem`} className="px-4 pb-3 text-center font-medium text-bad">
          {problem}
        </p>
      )}
    </div>
  );
}
