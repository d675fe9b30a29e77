import type { ReactNode } from "react";

/** The place of the hero: always the same size, so that nothing jumps when a preview becomes a result. */
export function Stage({ children }: { readonly children: ReactNode }) {
  return (
    <div
      data-slot="stage"
      className="@container-[size] relative flex aspect-video w-full overflow-hidden rounded-lg border border-line bg-stage"
    >
      {children}
    </div>
  );
}
