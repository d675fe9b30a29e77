// Sets the theme before the first paint; src/app/theme.ts changes it afterwards. Keep the name of the entry in step.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("reelwork.theme");
  } catch {
    // Storage is closed to this page: the system decides.
  }
  const dark =
    chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
