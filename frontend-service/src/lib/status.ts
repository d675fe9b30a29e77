/** The one table of job states: word, tone, whether it is over. Icons hang on the tone's row in `status-badge`. */
import type { JobView } from "@/schema/api.gen";

export type Status = JobView["status"];
export type Tone = "waiting" | "active" | "good" | "bad" | "quiet";

interface StatusRow {
  readonly label: string;
  readonly tone: Tone;
  readonly terminal: boolean;
  /** What a person is told while the job is in this state. */
  readonly meaning: string;
}

export const STATUSES: Readonly<Record<Status, StatusRow>> = {
  pending: {
    label: "Preparing",
    tone: "waiting",
    terminal: false,
    meaning: "Accepted; something else must happen first.",
  },
  queued: {
    label: "In the queue",
    tone: "waiting",
    terminal: false,
    meaning: "It starts as soon as its turn comes.",
  },
  processing: { label: "Working", tone: "active", terminal: false, meaning: "A worker is making it." },
  cancelling: {
    label: "Stopping",
    tone: "quiet",
    terminal: false,
    meaning: "The worker has been asked to stop.",
  },
  completed: { label: "Done", tone: "good", terminal: true, meaning: "The result is ready." },
  failed: { label: "Failed", tone: "bad", terminal: true, meaning: "It could not be made." },
  cancelled: {
    label: "Cancelled",
    tone: "quiet",
    terminal: true,
    meaning: "It was stopped before it was done.",
  },
  expired: {
    label: "Expired",
    tone: "quiet",
    terminal: true,
    meaning: "It waited longer than allowed and never started.",
  },
};

export const STATUS_NAMES = Object.keys(STATUSES) as readonly Status[];

export function isStatus(value: string): value is Status {
  return Object.hasOwn(STATUSES, value);
}
