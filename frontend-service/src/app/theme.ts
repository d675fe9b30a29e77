import { Store } from "@/lib/store";

export type Theme = "system" | "light" | "dark";

// public/theme.js reads the same entry before the first paint.
const STORAGE_NAME = "reelwork.theme";

export const theme = new Store<Theme>(stored());

export function chooseTheme(next: Theme): void {
  if (next === "system") localStorage.removeItem(STORAGE_NAME);
  else localStorage.setItem(STORAGE_NAME, next);
  theme.set(next);
  apply();
}

/** Keeps the page in step with the system until the returned function is called. */
export function followSystemTheme(): () => void {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  apply();
  system.addEventListener("change", apply);
  return () => system.removeEventListener("change", apply);
}

function apply(): void {
  const chosen = theme.get();
  const isDark =
    chosen === "dark" || (chosen === "system" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
}

function stored(): Theme {
  const value = localStorage.getItem(STORAGE_NAME);
  return value === "light" || value === "dark" ? value : "system";
}
