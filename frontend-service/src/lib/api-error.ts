import type { FieldProblem, Problem } from "@/schema/api.gen";

/** What went wrong with a request, in words for the person who looks at the page. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status; 0 when no answer came at all. */
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly hint: string | null;
  readonly requestId: string | null;
  readonly retryable: boolean;
  readonly fields: readonly FieldProblem[];

  constructor(problem: Partial<Problem> & { status: number; title: string }, options?: ErrorOptions) {
    super(problem.detail ?? problem.title, options);
    this.status = problem.status;
    this.code = problem.code ?? "unknown";
    this.title = problem.title;
    this.hint = problem.hint ?? null;
    this.requestId = problem.request_id ?? null;
    this.retryable = problem.retryable ?? problem.status >= 500;
    this.fields = problem.errors ?? [];
  }

  /** The same words for every request that got no answer: server stopped, no network, connection cut. */
  static unreachable(cause?: unknown): ApiError {
    return new ApiError(
      {
        status: 0,
        code: "unreachable",
        title: "The server cannot be reached",
        detail: "No answer came back. It may be restarting, or this device may be offline.",
        hint: "Check that Reelwork is running, then try again.",
        retryable: true,
      },
      { cause },
    );
  }
}

/** Reads an error answer; one that is not problem+json (a proxy's page) still gets honest words. */
export function problemFrom(status: number, body: string, requestId: string | null): ApiError {
  const parsed = parseProblem(body);
  if (parsed) return new ApiError({ ...parsed, status });
  return new ApiError({
    status,
    code: `http_${status}`,
    title: `The server answered ${status}`,
    detail: status >= 500 ? "Something went wrong on our side." : "The request was not accepted.",
    hint: status >= 500 ? "Try again in a moment." : null,
    ...(requestId ? { request_id: requestId } : {}),
  });
}

function parseProblem(body: string): (Partial<Problem> & { title: string }) | null {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === "object" && value !== null && "title" in value && typeof value.title === "string") {
      return value as Partial<Problem> & { title: string };
    }
  } catch {
    // Not JSON: the caller words it by the status.
  }
  return null;
}

/** Any thrown value as an ApiError, so that views have one shape to show. */
export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : ApiError.unreachable(error);
}
