/** One way to ask the API: adds the key, turns every failure into an ApiError. Decides nothing about the page. */
import { ApiError, problemFrom } from "@/lib/api-error";
import { currentKey } from "@/lib/session";

interface Ask {
  readonly method?: "GET" | "POST";
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** The parsed JSON answer. Raises ApiError for every answer but 2xx and for no answer; an abort stays an abort. */
export async function ask<T>(path: string, options: Ask = {}): Promise<T> {
  const answer = await send(path, {
    ...options,
    headers: { Accept: "application/json", ...options.headers },
  });
  return (await answer.json()) as T;
}

/** The answer itself, for streams and downloads. Raises as `ask` does. */
export async function send(path: string, options: Ask = {}): Promise<Response> {
  const { method = "GET", body, headers, signal } = options;
  const json: Record<string, string> = body === undefined ? {} : { "Content-Type": "application/json" };
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers: { ...credentials(), ...json, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw ApiError.unreachable(error);
  }
  if (!answer.ok) throw problemFrom(answer.status, await answer.text(), answer.headers.get("x-request-id"));
  return answer;
}

export function credentials(): Record<string, string> {
  const key = currentKey();
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

/** `?a=1&b=2&b=3`, leaving out what is empty. */
export function query(
  values: Readonly<Record<string, string | number | readonly string[] | null | undefined>>,
): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}
