/** What a person can do about a job that failed. Codes are the API's; one without a row gets the general cure. */
import type { JobErrorView } from "@/schema/api.gen";

const CURES: Readonly<Record<string, string>> = {
  invalid_input: "Change the input and make it again.",
  input_missing: "The picture is not stored any more. Add it again.",
  content_policy_violation: "Say it in other words, or choose another picture.",
  run_timeout: "Ask for less: a shorter film or a smaller picture.",
  worker_lost: "The machine that made it went away. Try again.",
  out_of_resources: "The machine had too little memory. Try again later, or with a smaller picture.",
  model_unavailable: "No worker runs this model now. Try again in a moment, or choose another one.",
  output_upload_failed: "The result could not be stored. Try again.",
  provider_unavailable: "The service behind this model did not answer. Try again in a moment.",
  rate_limited: "The service behind this model is busy. Try again in a moment.",
  insufficient_credit: "The account at the service behind this model is used up.",
};

export function cureOf({ code, retryable }: JobErrorView): string {
  return CURES[code] ?? (retryable ? "Try again." : "Change the input, or choose another model.");
}
