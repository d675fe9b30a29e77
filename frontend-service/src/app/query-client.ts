import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError, asApiError } from "@/lib/api-error";
import { keyRefused } from "@/lib/session";

const TRIES = 2;

/** The cache of one key's answers. A refused key closes the session, wherever it was refused. */
export function newQueryClient(): QueryClient {
  const onError = (error: unknown) => {
    if (error instanceof ApiError && error.status === 401) void keyRefused();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // Only what may go better next time: a server that was away, not an answer that says no.
        retry: (failures, error) => failures < TRIES && asApiError(error).retryable,
        retryDelay: (failures) => 400 * 2 ** failures,
      },
    },
  });
}
