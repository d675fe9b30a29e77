import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ask } from "@/lib/api";
import { jobKey } from "@/requests/job";
import { jobsKey } from "@/requests/jobs";
import type { JobView, JsonValue } from "@/schema/api.gen";

/** What a person asks for; everything else of a job has a default. */
export interface Order {
  readonly model: string;
  readonly input: Readonly<Record<string, JsonValue>>;
}

export function useSubmitJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (order: Order) => ask<JobView>("/v1/jobs", { method: "POST", body: order }),
    onSuccess: (job) => {
      client.setQueryData(jobKey(job.id), job);
      return client.invalidateQueries({ queryKey: jobsKey });
    },
  });
}
