import type { ModelView } from "@/schema/api.gen";

const COMMON = {
  object: "model",
  version: "1.0.0",
  pool: "cpu",
  deterministic: true,
  capabilities: { progress: true, cancel: true, seed: true },
  versions: ["1.0.0"],
  aliases: [],
  limits: { run_timeout_seconds: 300, max_duration_seconds: null, max_input_bytes: null, by_tier: [] },
  min_tier: "developer",
  rate_units: 1,
  lifecycle: { status: "active", deprecated_at: null, sunset_at: null, replacement: null },
  stats: {
    p50_run_seconds: null,
    p90_run_seconds: null,
    p50_queue_seconds: null,
    success_rate_24h: null,
    warm_workers: 1,
  },
  pricing: { currency: "USD", base: "0.0000", amount: "0.0000", unit: "job", formula: "0.0000" },
  available: true,
  seen_at: "2026-11-21T08:00:00.000Z",
} as const satisfies Partial<ModelView>;

const SEED = {
  type: ["integer", "null"],
  minimum: 0,
  maximum: 4294967295,
  default: null,
  title: "Seed",
  description: "The same seed gives the same result. Empty: a new one for each job.",
  "x-widget": "seed",
};

const IMAGE = {
  type: "string",
  format: "asset",
  pattern: "^asset_[0-9A-Za-z_-]{1,64}$",
  title: "Picture",
  "x-accept": ["image/*"],
  "x-widget": "file",
  "x-order": 0,
};

const ASPECT = {
  enum: ["16:9", "1:1", "9:16", "4:5"],
  type: "string",
  default: "16:9",
  title: "Shape",
  "x-widget": "aspect",
};

const DURATION = {
  type: "number",
  minimum: 1,
  maximum: 10,
  multipleOf: 0.5,
  default: 4,
  title: "Length",
  "x-widget": "slider",
  "x-unit": "s",
};

export const PARALLAX: ModelView = {
  ...COMMON,
  name: "builtin/parallax",
  task: "image-to-video",
  title: "Parallax",
  description:
    "Finds the subject and moves it apart from its background, so that a still picture gets depth.",
  produces: ["video/mp4"],
  is_ai: true,
  seconds_hint: 2,
  examples: [],
  input_schema: {
    type: "object",
    additionalProperties: false,
    required: ["image"],
    properties: {
      image: IMAGE,
      motion: {
        enum: ["push_in", "pull_out", "pan_left", "pan_right"],
        type: "string",
        default: "push_in",
        title: "Movement",
        "x-widget": "select",
        "x-enum-labels": {
          push_in: "Push in",
          pull_out: "Pull out",
          pan_left: "Pan left",
          pan_right: "Pan right",
        },
        "x-order": 1,
      },
      strength: {
        type: "number",
        minimum: 0,
        maximum: 1,
        default: 0.5,
        title: "Depth",
        description: "How far subject and background move apart.",
        "x-widget": "slider",
        "x-order": 2,
      },
      duration_seconds: { ...DURATION, "x-order": 3 },
      aspect: { ...ASPECT, "x-order": 4 },
      seed: { ...SEED, "x-order": 5 },
    },
  },
};

export const CAMERA_MOVE: ModelView = {
  ...COMMON,
  name: "builtin/camera-move",
  task: "image-to-video",
  title: "Camera move",
  description: "A calm move of the camera over the picture: eased, sub-pixel smooth, never shaky.",
  produces: ["video/mp4"],
  is_ai: false,
  seconds_hint: 1,
  examples: [],
  input_schema: {
    type: "object",
    additionalProperties: false,
    required: ["image"],
    properties: {
      image: IMAGE,
      duration_seconds: { ...DURATION, "x-order": 1 },
      aspect: { ...ASPECT, "x-order": 2 },
      seed: { ...SEED, "x-order": 3 },
    },
  },
};

export const LANDSCAPE: ModelView = {
  ...COMMON,
  name: "builtin/landscape",
  task: "text-to-image",
  title: "Landscape painter",
  description: "Reads time of day, terrain and colours from your words and paints a landscape by rules.",
  produces: ["image/png"],
  is_ai: false,
  seconds_hint: 1.2,
  examples: [
    { title: "Sunset", input: { prompt: "A sunset over mountains" } },
    { title: "Night", input: { prompt: "A clear night over snowy peaks" } },
    { title: "Morning", input: { prompt: "Misty hills on a cold morning" } },
  ],
  input_schema: {
    type: "object",
    additionalProperties: false,
    required: ["prompt"],
    properties: {
      prompt: {
        type: "string",
        minLength: 1,
        maxLength: 1000,
        title: "Prompt",
        "x-widget": "prompt",
        "x-order": 0,
      },
      aspect: { ...ASPECT, "x-order": 1 },
      seed: { ...SEED, "x-order": 2 },
    },
  },
};

export const MODELS: readonly ModelView[] = [CAMERA_MOVE, LANDSCAPE, PARALLAX];
