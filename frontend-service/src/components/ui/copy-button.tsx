import { Check, Copy, type LucideIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { Button, type ButtonLook, type ButtonSize } from "@/components/ui/button";

interface CopyButtonProps {
  readonly label: string;
  readonly text: string;
  readonly icon?: LucideIcon;
  readonly look?: ButtonLook;
  readonly size?: ButtonSize;
}

const SHOWN_MS = 1_800;

/** Copies and says so in its own place. Where the clipboard is closed to the page, it says that instead. */
export function CopyButton({ label, text, icon: Icon = Copy, look, size = "sm" }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<"copied" | "refused" | null>(null);

  useEffect(() => {
    if (outcome === null) return;
    const timer = window.setTimeout(() => setOutcome(null), SHOWN_MS);
    return () => window.clearTimeout(timer);
  }, [outcome]);

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome("copied");
    } catch {
      // No permission, or not a secure context: nothing to do but to say so.
      setOutcome("refused");
    }
  };

  const said = outcome === "copied" ? "Copied" : outcome === "refused" ? "Copying is blocked" : label;
  const Shown = outcome === "copied" ? Check : Icon;
  return (
    <Button {...(look ? { look } : {})} size={size} onClick={() => void copy()}>
      <Shown aria-hidden="true" className="size-4" />
      <span aria-live="polite">{said}</span>
    </Button>
  );
}
