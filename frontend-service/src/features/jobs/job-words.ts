/** What a person calls a job: the words it was made from, else its model. */
import type { JobView } from "@/schema/api.gen";

export function promptOf({ input }: Pick<JobView, "input">): string | null {
  const words = input.prompt;
  return typeof words === "string" && words.trim() ? words.trim() : null;
}

/** `Camera move` for `builtin/camera-move`, where the model itself is not known any more. */
export function modelWords(name: string): string {
  const last = name.split("/").at(-1) ?? name;
  return last.charAt(0).toUpperCase() + last.slice(1).replaceAll("-", " ");
}

/** The first stored picture among a job's inputs. */
export function inputAssetOf({ input }: Pick<JobView, "input">): string | null {
  const found = Object.values(input).find(
    (value) => typeof value === "string" && /^asset_[0-9A-Za-z_-]+$/.test(value),
  );
  return typeof found === "string" ? found : null;
}
