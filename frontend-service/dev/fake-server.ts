/**
 * `npm run dev:fake`: the page on the fake API, with jobs that move by themselves, to look at every state without a
 * server. Words steer it: a prompt (or a file name) with `fail` fails, with `slow` never ends, with `wait` stays queued.
 * FAKE_MEDIA names a folder with film.mp4 and picture.png to be shown as results.
 */
import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { Plugin } from "vite";
import type { JobView } from "../src/schema/api.gen";
import { FakeApi } from "../src/testing/fake-api/fake-api.ts";

const PATHS = /^\/(v1\/|app-config\.json|fake-media\/)/;
const STAGES = ["preparing", "generating", "generating", "generating", "uploading_result"] as const;
const STEPS = 24;

export function fakeServer(mediaFolder: string | undefined): Plugin {
  const api = new FakeApi();
  api.onSubmit.push((job) => live(api, job));

  const middleware = (incoming: IncomingMessage, outgoing: ServerResponse, next: () => void) => {
    if (!PATHS.test(incoming.url ?? "")) return next();
    const request = requestOf(incoming);
    const answer = request.url.includes("/fake-media/")
      ? media(api, request, mediaFolder)
      : api.handle(request);
    void Promise.resolve(answer).then((response) => send(response, outgoing));
  };

  return {
    name: "reelwork-fake-server",
    configureServer: ({ middlewares }) => void middlewares.use(middleware),
    configurePreviewServer: ({ middlewares }) => void middlewares.use(middleware),
  };
}

/** Moves a job as a worker would. */
function live(api: FakeApi, job: JobView): void {
  const words = steeringWords(api, job);
  if (words.includes("wait")) return;
  let step = 0;
  setTimeout(() => {
    if (api.jobs.get(job.id)?.is_terminal) return;
    api.start(job.id);
    const timer = setInterval(() => {
      step += 1;
      if (api.jobs.get(job.id)?.is_terminal) return clearInterval(timer);
      if (words.includes("slow") && step > 10) return;
      if (words.includes("fail") && step > 10) api.fail(job.id);
      else if (step >= STEPS) api.complete(job.id);
      else {
        const stage = STAGES[Math.floor((step / STEPS) * STAGES.length)] ?? "generating";
        api.report(job.id, step / STEPS, stage, `frame ${step * 5} of ${STEPS * 5}`);
      }
    }, 120);
  }, 500);
}

function steeringWords(api: FakeApi, job: JobView): string {
  const inputs = Object.values(job.input).map(
    (value) => api.assets.get(String(value))?.filename ?? String(value),
  );
  return inputs.join(" ");
}

function media(api: FakeApi, request: Request, folder: string | undefined): Response {
  const id = new URL(request.url).pathname.split("/").at(-1) ?? "";
  const upload = api.uploads.get(id);
  if (upload) return new Response(upload);
  const asset = api.assets.get(id);
  const path = folder && asset ? join(folder, asset.kind === "video" ? "film.mp4" : asset.filename) : null;
  if (!path || !existsSync(path)) return new Response("no media", { status: 404 });
  return ranged(readFileSync(path), request.headers.get("range"), asset?.content_type ?? "");
}

function ranged(bytes: Buffer, range: string | null, type: string): Response {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
  const headers = { "Content-Type": type, "Accept-Ranges": "bytes" };
  if (from === undefined) return new Response(new Uint8Array(bytes), { headers });
  const [start, end] = [Number(from), to ? Number(to) : bytes.length - 1];
  const part = new Uint8Array(bytes.subarray(start, end + 1));
  return new Response(part, {
    status: 206,
    headers: { ...headers, "Content-Range": `bytes ${start}-${end}/${bytes.length}` },
  });
}

function requestOf(incoming: IncomingMessage): Request {
  const method = incoming.method ?? "GET";
  const headers = Object.entries(incoming.headers).flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value] as [string, string]] : [],
  );
  const hasBody = method !== "GET" && method !== "HEAD";
  const init = { method, headers, ...(hasBody ? { body: Readable.toWeb(incoming), duplex: "half" } : {}) };
  return new Request(`http://fake.invalid${incoming.url}`, init as RequestInit);
}

function send(response: Response, outgoing: ServerResponse): void {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (!response.body) return void outgoing.end();
  const body = Readable.fromWeb(response.body as NodeReadableStream);
  outgoing.on("close", () => body.destroy());
  body.pipe(outgoing);
}
