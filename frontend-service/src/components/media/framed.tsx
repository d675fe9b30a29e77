import type { ReactNode } from "react";
import { classes } from "@/lib/classes";

interface FramedProps {
  /** Width over height of the result; null shows the picture whole. */
  readonly ratio: number | null;
  readonly children: ReactNode;
}

/** A picture on the stage, cut to the shape of what is made from it. */
export function Framed({ ratio, children }: FramedProps) {
  return (
    <div className="grid size-full place-items-center">
      <div
        className={classes(
          "overflow-hidden [&_img]:size-full",
          ratio === null ? "size-full [&_img]:object-contain" : "[&_img]:object-cover",
        )}
        style={ratio === null ? undefined : { aspectRatio: ratio, width: `min(100cqw, 100cqh * ${ratio})` }}
      >
        {children}
      </div>
    </div>
  );
}
