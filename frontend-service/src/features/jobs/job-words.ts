/** What a job is called and what belongs to it, read from its record. */
import type { JobView, OutputView } from "@/schema/api.gen";

/** The words it was made from; null for a job that started from something else. */
export function promptOf({ input }: Pick<JobView, "input">): string | null {
  const words = input.prompt;
  return typeof words === "string" && words.trim() ? words.trim() : null;
}

/** `Camera move` for `builtin/camera-move`, where the model itself is not known any more. */
export function modelWords(name: string): string {
  const last = name.split("/").at(-1) ?? name;
  return last.charAt(0).toUpperCase() + last.slice(1).replaceAll("-", " ");
}

/** The first stored asset among a job's inputs. */
export function inputAssetOf({ input }: Pick<JobView, "input">): string | null {
  return Object.values(input).find(isAssetId) ?? null;
}

export function isAssetId(value: unknown): value is string {
  return typeof value === "string" && /^asset_[0-9A-Za-z_-]+$/.test(value);
}

/** The result to show; the others (a still, subtitles) belong to it. */
export function primaryOutput(job: Pick<JobView, "outputs">): OutputView | null {
  return job.outputs.find(({ role }) => role === "primary") ?? job.outputs[0] ?? null;
}
