import { queryOptions, useQuery } from "@tanstack/react-query";
import { ask } from "@/lib/api";
import type { ModelPage, ModelView } from "@/schema/api.gen";

async function fetchModels(signal: AbortSignal): Promise<readonly ModelView[]> {
  const page = await ask<ModelPage>("/v1/models", { signal });
  return page.items;
}

/** What can be made. Workers come and go, so it is looked at again now and then. */
export const modelsOptions = queryOptions({
  queryKey: ["models"],
  queryFn: ({ signal }) => fetchModels(signal),
  staleTime: 30_000,
  // Nothing announced yet means that workers are still starting: look again soon.
  refetchInterval: ({ state }) => (state.data?.length === 0 ? 3_000 : false),
});

export function useModels() {
  return useQuery(modelsOptions);
}
