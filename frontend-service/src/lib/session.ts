/**
 * Who we are to the API. The key lives in memory and in sessionStorage (so that a reload keeps it and closing the
 * tab forgets it), never in localStorage. In development the server hands its key to the page in `/app-config.json`.
 */
import { ApiError, problemFrom } from "@/lib/api-error";
import { Store } from "@/lib/store";

const STORAGE_NAME = "reelwork.key";

/** `/app-config.json`: for this page alone, so it is no part of the published API that types are generated from. */
interface AppConfig {
  readonly api_key: string | null;
  readonly version: string;
}

export type Session =
  | { readonly phase: "starting" }
  | { readonly phase: "unreachable"; readonly error: ApiError }
  | { readonly phase: "locked"; readonly refused: boolean }
  | { readonly phase: "open"; readonly key: string; readonly given: boolean };

export const session = new Store<Session>({ phase: "starting" });

/** The key to send, or null while there is none. */
export function currentKey(): string | null {
  const now = session.get();
  return now.phase === "open" ? now.key : null;
}

/** Finds a key: the one the server gives in development, else the one typed earlier in this tab. */
export async function startSession(): Promise<void> {
  session.set({ phase: "starting" });
  try {
    const given = await fetchGivenKey();
    const key = given ?? sessionStorage.getItem(STORAGE_NAME);
    session.set(key ? { phase: "open", key, given: given !== null } : { phase: "locked", refused: false });
  } catch (error) {
    session.set({
      phase: "unreachable",
      error: error instanceof ApiError ? error : ApiError.unreachable(error),
    });
  }
}

/** Takes a key that a person typed. Whether it is a good one shows with the first request. */
export function unlock(key: string): void {
  sessionStorage.setItem(STORAGE_NAME, key);
  session.set({ phase: "open", key, given: false });
}

/** Forgets the key, for "use another key". */
export function lock(): void {
  sessionStorage.removeItem(STORAGE_NAME);
  session.set({ phase: "locked", refused: false });
}

let asking = false;

/**
 * The API refused our key. A development server that was set up anew has a new key, so ask it first; else the person
 * must. Several requests are refused at once as a rule: only the first one asks.
 */
export async function keyRefused(): Promise<void> {
  const refused = currentKey();
  if (asking || refused === null) return;
  asking = true;
  sessionStorage.removeItem(STORAGE_NAME);
  const given = await fetchGivenKey().catch(() => null);
  asking = false;
  const isNew = given !== null && given !== refused;
  session.set(isNew ? { phase: "open", key: given, given: true } : { phase: "locked", refused: true });
}

async function fetchGivenKey(): Promise<string | null> {
  const answer = await fetch("/app-config.json", { cache: "no-store" });
  if (answer.status === 404) return null;
  if (!answer.ok) throw problemFrom(answer.status, await answer.text(), answer.headers.get("x-request-id"));
  const config = (await answer.json()) as AppConfig;
  return config.api_key;
}
