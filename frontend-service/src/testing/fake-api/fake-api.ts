/**
 * Reelwork's API in memory, after the same contract: for whole-route tests (behind msw) and for looking at the page
 * without a server (`npm run dev:fake`). It moves a job only when told to, by `start`, `report`, `complete`, `fail`.
 */
import type { AssetView, JobBody, JobErrorView, JobView, ModelView, Problem } from "@/schema/api.gen";
import { EventFeed } from "./event-feed.ts";
import { MODELS } from "./models.ts";
import { newAsset, newJob, newOutput, newProblem } from "./records.ts";

interface FakeApiOptions {
  readonly key?: string;
  /** Whether `/app-config.json` tells the key, as a development server does. */
  readonly givesKey?: boolean;
  readonly models?: readonly ModelView[];
}

interface Fault {
  readonly method: string;
  readonly path: RegExp;
  readonly problem: Problem;
  readonly once: boolean;
}

export class FakeApi {
  readonly key: string;
  givesKey: boolean;
  models: readonly ModelView[];
  readonly jobs = new Map<string, JobView>();
  readonly assets = new Map<string, AssetView>();
  readonly uploads = new Map<string, Blob>();
  readonly submitted: JobBody[] = [];
  readonly onSubmit: ((job: JobView) => void)[] = [];
  private readonly feeds = new Map<string, EventFeed>();
  private faults: Fault[] = [];

  constructor({ key = "rw_dev_test", givesKey = true, models = MODELS }: FakeApiOptions = {}) {
    this.key = key;
    this.givesKey = givesKey;
    this.models = models;
  }

  /** From now on (or once) these requests are answered with this problem. */
  failOn(method: string, path: RegExp, problem: Problem, { once = false } = {}): void {
    this.faults.push({ method, path, problem, once });
  }

  heal(): void {
    this.faults = [];
  }

  feed(id: string): EventFeed {
    const feed = this.feeds.get(id) ?? new EventFeed();
    this.feeds.set(id, feed);
    return feed;
  }

  add(job: JobView): JobView {
    this.jobs.set(job.id, job);
    return job;
  }

  start(id: string): void {
    const attempt = this.job(id).attempt + 1;
    const metrics = { queue_seconds: 0.4, run_seconds: null };
    this.change(id, { status: "processing", attempt, started_at: now(), metrics }, "job.processing");
  }

  report(id: string, progress: number, stage: string, message = ""): void {
    const detail = { stage, message, step: null, steps: null };
    this.jobs.set(id, { ...this.job(id), progress, progress_detail: { ...detail, updated_at: now() } });
    this.feed(id).progress({ progress, ...detail });
  }

  complete(id: string): void {
    const job = this.job(id);
    const model = this.models.find(({ name }) => name === job.model);
    if (!model) throw new Error(`${job.model} is not a model here`);
    const output = newOutput(model);
    const asset = newAsset({ name: output.name, type: output.content_type, size: output.bytes });
    this.assets.set(output.asset_id, { ...asset, id: output.asset_id, purpose: "output", job_id: id });
    this.end(id, { status: "completed", is_success: true, progress: 1, outputs: [output] }, "job.completed");
  }

  fail(id: string, error: Partial<JobErrorView> = {}): void {
    const { attempt } = this.job(id);
    const whole = {
      code: "out_of_resources",
      message: "The worker ran out of memory.",
      retryable: true,
      attempt,
    };
    this.end(id, { status: "failed", is_success: false, error: { ...whole, ...error } }, "job.failed");
  }

  async handle(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/app-config.json") {
      return Response.json({ api_key: this.givesKey ? this.key : null, version: "0.1.0" });
    }
    const fault = this.faults.find(({ method, path }) => method === request.method && path.test(pathname));
    if (fault?.once) this.faults = this.faults.filter((one) => one !== fault);
    if (fault) return refuse(fault.problem);
    if (request.headers.get("authorization") !== `Bearer ${this.key}`) {
      return refuse(newProblem(401, "invalid_api_key", "The API key is not valid"));
    }
    return this.route(request, pathname.replace(/^\/v1/, ""), searchParams);
  }

  private async route(request: Request, path: string, search: URLSearchParams): Promise<Response> {
    const post = request.method === "POST";
    if (path === "/models") return Response.json({ items: this.models, next_cursor: null, has_more: false });
    if (path === "/jobs") return post ? this.submit((await request.json()) as JobBody) : this.list(search);
    if (path === "/assets" && post) return this.store(await request.formData());
    const [, kind, id, rest] = /^\/(jobs|assets)\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
    if (kind === "jobs" && id) return this.onJob(request, id, rest);
    if (kind === "assets" && id) return this.onAsset(id, rest, search);
    return refuse(newProblem(404, "route_not_found", "No such address"));
  }

  private onJob(request: Request, id: string, rest: string | undefined): Response {
    const job = this.jobs.get(id);
    if (!job)
      return refuse(
        newProblem(404, "job_not_found", "No such job", { hint: "It may belong to another key." }),
      );
    if (rest === "cancel") {
      if (!job.is_terminal) this.end(id, { status: "cancelled", is_success: false }, "job.cancelled");
      return Response.json(this.jobs.get(id));
    }
    if (rest !== "events") return Response.json(job);
    if (request.headers.get("accept") !== "text/event-stream")
      return Response.json({ items: this.feed(id).history });
    return this.feed(id).open(job, request.headers.get("last-event-id"), request.signal);
  }

  private onAsset(id: string, rest: string | undefined, search: URLSearchParams): Response {
    const asset = this.assets.get(id);
    if (!asset) return refuse(newProblem(404, "asset_not_found", "No such asset"));
    if (rest !== "content") return Response.json(asset);
    if (search.get("redirect") === "false") {
      const expires = new Date(Date.now() + 900_000).toISOString();
      return Response.json({ url: `/fake-media/${id}`, expires_at: expires });
    }
    return new Response(this.uploads.get(id) ?? new Blob(["bytes"]), {
      headers: { "Content-Type": asset.content_type },
    });
  }

  private submit(body: JobBody): Response {
    const model = this.models.find(({ name }) => name === body.model);
    if (!model) return refuse(newProblem(404, "model_not_found", "No such model"));
    this.submitted.push(body);
    const job = this.add(newJob(model, body.input ?? {}));
    this.feed(job.id).record(job, "job.queued");
    for (const hook of this.onSubmit) hook(job);
    return Response.json(job, { status: 202 });
  }

  private store(form: FormData): Response {
    const file = form.get("file");
    if (!(file instanceof Blob))
      return refuse(newProblem(400, "invalid_request", "There is no part named file"));
    const asset = newAsset({
      name: "name" in file ? String(file.name) : "file",
      type: file.type,
      size: file.size,
    });
    this.assets.set(asset.id, asset);
    this.uploads.set(asset.id, file);
    return Response.json(asset, { status: 201 });
  }

  private list(search: URLSearchParams): Response {
    const [statuses, model] = [search.getAll("status"), search.get("model")];
    const [limit, from] = [Number(search.get("limit") ?? 20), Number(search.get("cursor") ?? 0)];
    const all = [...this.jobs.values()]
      .filter((job) => statuses.length === 0 || statuses.includes(job.status))
      .filter((job) => model === null || job.model === model)
      .sort((one, other) => other.created_at.localeCompare(one.created_at));
    const more = from + limit < all.length;
    const items = all.slice(from, from + limit);
    return Response.json({ items, next_cursor: more ? String(from + limit) : null, has_more: more });
  }

  private end(id: string, changes: Partial<JobView>, event: string): void {
    const { metrics, started_at } = this.job(id);
    const ran = started_at ? Math.max(0.1, (Date.now() - Date.parse(started_at)) / 1000) : null;
    const over = { is_terminal: true, completed_at: now(), metrics: { ...metrics, run_seconds: ran } };
    this.change(id, { ...over, ...changes }, event);
  }

  private change(id: string, changes: Partial<JobView>, event: string): void {
    const before = this.job(id);
    const job = { ...before, ...changes, version: before.version + 1 };
    this.jobs.set(id, job);
    this.feed(id).record(job, event);
  }

  private job(id: string): JobView {
    const job = this.jobs.get(id);
    if (!job) throw new Error(`${id} is not a job here`);
    return job;
  }
}

function refuse(problem: Problem): Response {
  return Response.json(problem, {
    status: problem.status,
    headers: { "Content-Type": "application/problem+json", "X-Request-ID": problem.request_id },
  });
}

function now(): string {
  return new Date().toISOString();
}
