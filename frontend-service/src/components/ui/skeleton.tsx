import { classes } from "@/lib/classes";

/** The place of something that is still on its way. Hidden from screen readers: the view says that it loads. */
export function Skeleton({ className }: { readonly className?: string }) {
  return (
    <div
      data-slot="skeleton"
      aria-hidden="true"
      className={classes("animate-breathe rounded-md bg-sunken", className)}
    />
  );
}
