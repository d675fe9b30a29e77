import { send } from "@/lib/api";
import { asApiError } from "@/lib/api-error";
import { blocks, type StreamEvent } from "@/lib/event-stream";

export interface Following {
  /** True when this was the last event and the stream is not to be opened again. */
  readonly onEvent: (event: StreamEvent) => boolean;
  readonly onLink: (state: "open" | "lost") => void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
// A stream that says nothing for three heartbeats (15 s each) is dead, whatever TCP thinks.
const SILENCE_MS = 45_000;

/**
 * Follows an event stream until it says it is over or `stop` is called. When the connection ends it connects again
 * with Last-Event-ID, waiting longer each time nothing came. Gives up only on answers that cannot get better (4xx).
 */
export function follow(path: string, { onEvent, onLink }: Following): () => void {
  const ended = new AbortController();
  let lastId: string | null = null;
  let wait = FIRST_WAIT_MS;

  const once = async (): Promise<boolean> => {
    const link = new AbortController();
    const stopLink = () => link.abort();
    ended.signal.addEventListener("abort", stopLink, { once: true });
    let silence = window.setTimeout(stopLink, SILENCE_MS);
    try {
      const answer = await send(path, {
        headers: { Accept: "text/event-stream", ...(lastId === null ? {} : { "Last-Event-ID": lastId }) },
        signal: link.signal,
      });
      if (!answer.body) return true;
      onLink("open");
      for await (const { event, retry } of blocks(answer.body)) {
        window.clearTimeout(silence);
        silence = window.setTimeout(stopLink, SILENCE_MS);
        if (ended.signal.aborted) return true;
        wait = retry ?? FIRST_WAIT_MS;
        if (event?.id) lastId = event.id;
        if (event && onEvent(event)) return true;
      }
      return false;
    } finally {
      window.clearTimeout(silence);
      ended.signal.removeEventListener("abort", stopLink);
      link.abort();
    }
  };

  const run = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      try {
        if (await once()) return;
      } catch (error) {
        const { status } = asApiError(error);
        if (ended.signal.aborted || (status >= 400 && status < 500 && status !== 429)) {
          onLink("lost");
          return;
        }
      }
      if (ended.signal.aborted) return;
      onLink("lost");
      await pause(wait, ended.signal);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  };

  void run();
  return () => ended.abort();
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = window.setTimeout(done, milliseconds);
    signal.addEventListener("abort", () => {
      window.clearTimeout(timer);
      done();
    });
  });
}
