import { Monitor, Moon, Sun } from "lucide-react";
import { Button } from "@/components/ui/button";
import { useStore } from "@/lib/store";
import { chooseTheme, type Theme, theme } from "./theme";

const NEXT = {
  system: { icon: Monitor, label: "Theme: as the system", next: "light" },
  light: { icon: Sun, label: "Theme: light", next: "dark" },
  dark: { icon: Moon, label: "Theme: dark", next: "system" },
} as const satisfies Record<Theme, { icon: typeof Sun; label: string; next: Theme }>;

export function ThemeSwitch() {
  const { icon: Icon, label, next } = NEXT[useStore(theme)];
  return (
    <Button look="quiet" size="icon" aria-label={label} title={label} onClick={() => chooseTheme(next)}>
      <Icon aria-hidden="true" className="size-4" />
    </Button>
  );
}
