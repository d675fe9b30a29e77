/** The event streams of one job: keeps what is durable, sends it to whoever listens. */

import type { ProgressFrame } from "@/lib/progress-frame";
import type { EventView, JobView } from "@/schema/api.gen";

type Listener = ReadableStreamDefaultController<Uint8Array>;

const bytes = new TextEncoder();

export class EventFeed {
  readonly history: EventView[] = [];
  /** `Last-Event-ID` of each connection that was made, in order; null for a first one. */
  readonly connections: (string | null)[] = [];
  private readonly listeners = new Set<Listener>();

  open(job: JobView, lastId: string | null, signal: AbortSignal): Response {
    this.connections.push(lastId);
    let listener: Listener;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        listener = controller;
        controller.enqueue(frame("snapshot", job, null));
        const seen = lastId === null ? Number.POSITIVE_INFINITY : Number(lastId);
        for (const event of this.history)
          if (event.seq > seen) controller.enqueue(frame(event.type, event, event.seq));
        if (job.is_terminal) controller.close();
        else this.listeners.add(controller);
        signal.addEventListener("abort", () => this.listeners.delete(controller));
      },
      cancel: () => {
        this.listeners.delete(listener);
      },
    });
    return new Response(body, {
      headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-store" },
    });
  }

  get listening(): number {
    return this.listeners.size;
  }

  record(job: JobView, type: string): void {
    const seq = this.history.length + 1;
    const { status, attempt, error } = job;
    const event: EventView = { seq, at: new Date().toISOString(), type, status, attempt, error };
    this.history.push(event);
    this.send(frame(type, event, seq));
    if (job.is_terminal) this.hangUp();
  }

  progress(report: ProgressFrame): void {
    this.send(frame("progress", report, null));
  }

  /** Ends every connection, as a restart of the gateway or the end of a stream's life does. */
  hangUp(): void {
    for (const listener of this.listeners) listener.close();
    this.listeners.clear();
  }

  private send(chunk: Uint8Array): void {
    for (const listener of this.listeners) listener.enqueue(chunk);
  }
}

function frame(event: string, data: unknown, id: number | null): Uint8Array {
  return bytes.encode(
    `${id === null ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
  );
}
