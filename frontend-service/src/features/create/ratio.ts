import type { JsonValue } from "@/schema/api.gen";

/** `16:9` or `1280x720` as width over height; null for words such as "as the picture". */
export function ratioOf(value: JsonValue | undefined): number | null {
  const parts = typeof value === "string" ? /^(\d+(?:\.\d+)?)\s*[:x×/]\s*(\d+(?:\.\d+)?)$/.exec(value) : null;
  if (!parts) return null;
  const ratio = Number(parts[1]) / Number(parts[2]);
  return Number.isFinite(ratio) && ratio > 0 ? ratio : null;
}
