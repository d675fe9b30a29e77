import type { JobView, ProgressDetail } from "@/schema/api.gen";

/** The data of a `progress` event: a job's progress without the moment, which is the moment it comes. */
export type ProgressFrame = Pick<JobView, "progress"> & Omit<ProgressDetail, "updated_at">;
