/** Numbers and moments in a person's words. */

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`;
}

/** `0.8 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1).replace(/\.0$/, "")} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}

/** `about 2 seconds`, for an estimate that must not look exact. */
export function roughSeconds(seconds: number): string {
  if (seconds < 1.5) return "about a second";
  if (seconds < 60) return `about ${Math.round(seconds)} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes === 1 ? "about a minute" : `about ${minutes} minutes`;
}

const AGES: readonly [limitSeconds: number, unitSeconds: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [3600, 60, "minute"],
  [86_400, 3600, "hour"],
  [7 * 86_400, 86_400, "day"],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" });
const calendar = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric" });
const precise = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });

/** `just now`, `3 min. ago`, and after a week the date. */
export function formatAge(moment: string, now: number): string {
  const seconds = (now - Date.parse(moment)) / 1000;
  if (seconds < 45) return "just now";
  for (const [limit, unitSeconds, unit] of AGES) {
    if (seconds < limit)
      return relative.format(-Math.max(1, Math.round(seconds / unitSeconds)), unit).replace(".", "");
  }
  return calendar.format(Date.parse(moment));
}

/** `4 May 2027`, as the reader's locale writes it. */
export function formatDay(moment: string): string {
  return calendar.format(Date.parse(moment));
}

export function formatMoment(moment: string): string {
  return precise.format(Date.parse(moment));
}

/** `0.1800` dollars as `$0.18`: cents at least, and ten-thousandths where they count. */
export function formatDollars(amount: string): string {
  return `$${amount.replace(/(\.\d\d)0{1,2}$/, "$1").replace(/(\.\d{3})0$/, "$1")}`;
}

export function isNothing(amount: string): boolean {
  return Number(amount) === 0;
}

/** `camera_position` and `cameraPosition` as `Camera position`, for schemas without titles. */
export function sentence(name: string): string {
  const words = name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll(/[_-]+/g, " ")
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
