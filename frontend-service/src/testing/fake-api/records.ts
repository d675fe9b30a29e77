/** Plausible records as the API would write them, for tests and for the page without a server behind it. */
import type { AssetView, JobView, ModelView, OutputView, Problem } from "@/schema/api.gen";

let counter = 0;

export function newId(prefix: string): string {
  counter += 1;
  return `${prefix}_06k${Date.now().toString(36)}${counter.toString(36).padStart(6, "0")}q7`;
}

export function newJob(
  model: ModelView,
  input: Record<string, unknown>,
  changes: Partial<JobView> = {},
): JobView {
  const id = changes.id ?? newId("job");
  const now = new Date().toISOString();
  return {
    id,
    object: "job",
    model: model.name,
    model_version: model.version,
    status: "queued",
    substatus: null,
    is_terminal: false,
    is_success: null,
    version: 1,
    attempt: 0,
    max_attempts: 3,
    created_at: now,
    queued_at: now,
    started_at: null,
    completed_at: null,
    not_before: null,
    deadline_at: null,
    run_timeout_seconds: null,
    progress: 0,
    progress_detail: { stage: "", message: "", step: null, steps: null, updated_at: null },
    priority: "normal",
    input,
    seed: typeof input.seed === "number" ? input.seed : 2_819_004_117,
    outputs: [],
    error: null,
    attempts: [],
    cancel: null,
    tags: [],
    metadata: {},
    batch_id: null,
    cost: { currency: "USD", estimated: "0.0000", reserved: "0.0000", charged: null, refunded: "0.0000" },
    cache: { hit: false, source_job_id: null },
    expires_at: null,
    inputs_removed: false,
    data_removed: false,
    queue: null,
    metrics: { queue_seconds: null, run_seconds: null },
    warnings: [],
    urls: {
      self: `/v1/jobs/${id}`,
      events: `/v1/jobs/${id}/events`,
      cancel: `/v1/jobs/${id}/cancel`,
      explain: `/v1/jobs/${id}/explain`,
    },
    poll_after_ms: 1000,
    ...changes,
  };
}

export function newOutput(model: ModelView): OutputView {
  const isVideo = model.produces[0]?.startsWith("video/") ?? false;
  const assetId = newId("asset");
  return {
    index: 0,
    asset_id: assetId,
    name: isVideo ? "film.mp4" : "picture.png",
    role: "primary",
    type: isVideo ? "video" : "image",
    content_type: isVideo ? "video/mp4" : "image/png",
    bytes: isVideo ? 588_000 : 1_240_000,
    sha256: "0".repeat(64),
    width: 1280,
    height: 720,
    duration_seconds: isVideo ? 4 : null,
    meta: {},
    url: `/v1/assets/${assetId}/content`,
  };
}

export function newAsset(file: { name: string; type: string; size: number }): AssetView {
  const id = newId("asset");
  return {
    id,
    object: "asset",
    kind: "image",
    purpose: "input",
    content_type: file.type,
    filename: file.name,
    bytes: file.size,
    sha256: "0".repeat(64),
    width: 1680,
    height: 1050,
    duration_seconds: null,
    job_id: null,
    created_at: new Date().toISOString(),
    expires_at: null,
    url: `/v1/assets/${id}/content`,
  };
}

export function newProblem(
  status: number,
  code: string,
  title: string,
  changes: Partial<Problem> = {},
): Problem {
  return {
    type: `https://reelwork.invalid/errors/${code}`,
    title,
    status,
    code,
    detail: title,
    instance: "/v1",
    request_id: newId("req"),
    timestamp: new Date().toISOString(),
    retryable: status >= 500,
    retry_after: null,
    hint: null,
    errors: [],
    ...changes,
  };
}
