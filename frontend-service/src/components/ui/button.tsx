import type { ComponentProps } from "react";
import { classes } from "@/lib/classes";

const LOOKS = {
  primary:
    "bg-accent text-on-accent hover:bg-accent-strong disabled:bg-sunken disabled:text-muted shadow-[inset_0_1px_0_rgb(255_255_255/0.16)] disabled:shadow-none",
  secondary:
    "border border-line bg-surface text-text hover:border-line-strong hover:bg-sunken disabled:text-muted",
  quiet: "text-muted hover:bg-sunken hover:text-text",
  danger: "border border-line bg-surface text-bad hover:border-bad hover:bg-bad-soft",
} as const;

const SIZES = {
  sm: "h-8 gap-1.5 rounded-md px-2.5",
  md: "h-10 gap-2 rounded-md px-3.5",
  lg: "h-12 gap-2 rounded-lg px-5 text-base",
  icon: "size-9 justify-center rounded-md",
} as const;

export type ButtonLook = keyof typeof LOOKS;
export type ButtonSize = keyof typeof SIZES;

/** The look of a button, for links that lead somewhere. */
export function buttonClasses(look: ButtonLook = "secondary", size: ButtonSize = "md"): string {
  return classes(
    "inline-flex shrink-0 select-none items-center justify-center whitespace-nowrap font-medium transition-colors",
    "disabled:cursor-not-allowed aria-disabled:cursor-not-allowed",
    LOOKS[look],
    SIZES[size],
  );
}

interface ButtonProps extends ComponentProps<"button"> {
  readonly look?: ButtonLook;
  readonly size?: ButtonSize;
}

export function Button({ look, size, className, type = "button", ...rest }: ButtonProps) {
  return (
    <button
      data-slot="button"
      type={type}
      className={classes(buttonClasses(look, size), className)}
      {...rest}
    />
  );
}
