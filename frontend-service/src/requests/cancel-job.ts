import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ask } from "@/lib/api";
import { jobKey } from "@/requests/job";
import { jobsKey } from "@/requests/jobs";
import type { JobView } from "@/schema/api.gen";

/** Asks for a job to stop. A job that is over already comes back unchanged. */
export function useCancelJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => ask<JobView>(`/v1/jobs/${id}/cancel`, { method: "POST" }),
    onSuccess: (job) => {
      client.setQueryData(jobKey(job.id), job);
      return client.invalidateQueries({ queryKey: jobsKey });
    },
  });
}
