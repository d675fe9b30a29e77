/** Server-sent events over fetch, because EventSource cannot send the key. Format: WHATWG HTML, section 9.2. */

export interface StreamEvent {
  readonly event: string;
  readonly data: string;
  /** The id on this very event; null where it carried none. */
  readonly id: string | null;
}

export interface ParsedBlock {
  readonly event: StreamEvent | null;
  /** Milliseconds the server asks us to wait before we connect again; null where it said nothing. */
  readonly retry: number | null;
}

/** Cuts a byte stream into events. Comments (heartbeats) give a block without an event. */
export async function* blocks(body: ReadableStream<Uint8Array>): AsyncGenerator<ParsedBlock> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += value.replaceAll("\r\n", "\n");
      for (let end = rest.indexOf("\n\n"); end !== -1; end = rest.indexOf("\n\n")) {
        yield parseBlock(rest.slice(0, end));
        rest = rest.slice(end + 2);
      }
    }
  } finally {
    // Ends the request when the reader stops early; a stream that is already over has nothing to cancel.
    await reader.cancel().catch(() => undefined);
  }
}

export function parseBlock(text: string): ParsedBlock {
  const data: string[] = [];
  let event = "message";
  let id: string | null = null;
  let retry: number | null = null;
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") event = value;
    else if (name === "data") data.push(value);
    else if (name === "id") id = value;
    else if (name === "retry" && /^\d+$/.test(value)) retry = Number(value);
  }
  return { event: data.length > 0 ? { event, data: data.join("\n"), id } : null, retry };
}
