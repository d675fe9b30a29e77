import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { FakeApi } from "@/testing/fake-api/fake-api";
import { LANDSCAPE } from "@/testing/fake-api/models";
import { newJob } from "@/testing/fake-api/records";
import { address, expectAccessible, openPage } from "@/testing/open-page";

test("shows the job with its facts, its input in the form's words, and its history", async () => {
  const api = new FakeApi();
  const job = api.add(newJob(LANDSCAPE, { aspect: "9:16", prompt: "A calm sea" }));
  api.start(job.id);
  api.complete(job.id);

  openPage(`/jobs/${job.id}`, api);

  expect(await screen.findByRole("heading", { level: 1, name: "A calm sea" })).toBeTruthy();
  expect(await screen.findByText("A worker began")).toBeTruthy();
  expect(screen.getByText("The result is ready")).toBeTruthy();
  expect(screen.getByText("Shape")).toBeTruthy();
  expect(screen.getByText(job.id)).toBeTruthy();
  await expectAccessible();
});

test("is live", async () => {
  const api = new FakeApi();
  const job = api.add(newJob(LANDSCAPE, { prompt: "A calm sea" }));
  openPage(`/jobs/${job.id}`, api);
  await waitFor(() => expect(api.feed(job.id).listening).toBe(1));

  api.start(job.id);
  api.complete(job.id);

  expect(await screen.findByRole("img", { name: "Your picture: A calm sea" })).toBeTruthy();
  expect(within(screen.getByRole("region", { name: "Result" })).getByText("Done")).toBeTruthy();
});

const PRICE = {
  currency: "USD",
  estimated: "0.1800",
  reserved: "0.1800",
  charged: null,
  refunded: "0.0000",
} as const;
const CHARGED = { ...PRICE, reserved: "0.0000", charged: "0.1800" };
const DONE = { status: "completed", is_terminal: true, is_success: true } as const;
const FAILED = { status: "failed", is_terminal: true, is_success: false } as const;

test.each([
  ["while it waits", { cost: PRICE }, "$0.18, reserved"],
  ["when it is done and not yet charged", { ...DONE, cost: PRICE }, "$0.18"],
  ["when it is charged", { ...DONE, cost: CHARGED }, "$0.18"],
  ["when a part came back", { ...DONE, cost: { ...CHARGED, refunded: "0.0500" } }, "$0.18, $0.05 refunded"],
  ["when it failed a moment ago", { ...FAILED, cost: PRICE }, "Nothing"],
  ["when it failed", { ...FAILED, cost: { ...CHARGED, charged: "0.0000" } }, "Nothing"],
])("tells what it costs %s", async (_, changes, words) => {
  const api = new FakeApi();
  const job = api.add(newJob(LANDSCAPE, { prompt: "A dear sea" }, changes));

  openPage(`/jobs/${job.id}`, api);

  expect((await screen.findByText("Cost")).nextElementSibling?.textContent).toBe(words);
});

test("that is free says nothing of cost", async () => {
  const api = new FakeApi();
  const job = api.add(newJob(LANDSCAPE, { prompt: "A calm sea" }));

  openPage(`/jobs/${job.id}`, api);

  expect(await screen.findByText("Tries")).toBeTruthy();
  expect(screen.queryByText("Cost")).toBeNull();
});

test("that waits tells its place and when its turn is expected", async () => {
  const api = new FakeApi();
  const turn = new Date(Date.now() + 125_000).toISOString();
  const queue = {
    position: 3,
    ahead: 2,
    starts_at: { p50: turn, p90: turn },
    completes_at: null,
    samples: 9,
    reason: "behind_own_jobs",
  };
  const job = api.add(newJob(LANDSCAPE, { prompt: "A calm sea" }, { queue }));

  openPage(`/jobs/${job.id}`, api);

  expect(await screen.findByText(/Number 3 in your queue. It starts in about 2 minutes./)).toBeTruthy();
});

test("says why nothing moves instead of when its turn comes", async () => {
  const api = new FakeApi();
  const queue = {
    position: 1,
    ahead: 0,
    starts_at: null,
    completes_at: null,
    samples: 0,
    reason: "pool_held",
  };
  const job = api.add(newJob(LANDSCAPE, { prompt: "A calm sea" }, { queue }));

  openPage(`/jobs/${job.id}`, api);

  expect(
    await screen.findByText(/Number 1 in your queue. Nothing starts at the moment: its pool is held/),
  ).toBeTruthy();
});

test("tells a screen reader each state once and progress in quarters", async () => {
  const api = new FakeApi();
  const job = api.add(newJob(LANDSCAPE, { prompt: "A calm sea" }));
  openPage(`/jobs/${job.id}`, api);
  await waitFor(() => expect(api.feed(job.id).listening).toBe(1));
  const region = screen.getByRole("status");
  expect(region.textContent).toBe("In the queue");

  api.start(job.id);
  api.report(job.id, 0.61, "painting");

  await waitFor(() => expect(region.textContent).toBe("Working: Painting, 50 percent"));
});

test("lists the tries of a job that needed more than one", async () => {
  const api = new FakeApi();
  const started_at = "2026-11-21T08:00:00.000Z";
  const lost = { code: "worker_lost", message: "The worker went away.", retryable: true, attempt: 1 };
  const attempts = [
    {
      n: 1,
      model: null,
      worker: "cpu-1@host",
      started_at,
      ended_at: "2026-11-21T08:00:03.000Z",
      outcome: "worker_lost",
      error: lost,
    },
    { n: 2, model: null, worker: "cpu-2@host", started_at, ended_at: null, outcome: null, error: null },
  ];
  const job = api.add(
    newJob(LANDSCAPE, { prompt: "A calm sea" }, { status: "processing", attempt: 2, attempts }),
  );

  openPage(`/jobs/${job.id}`, api);

  expect(await screen.findByText("Try 1: worker lost")).toBeTruthy();
  expect(screen.getByText("The worker went away.")).toBeTruthy();
  expect(screen.getByText("Try 2: running")).toBeTruthy();
});

test("goes back to the form, filled, for another try with changes", async () => {
  const api = new FakeApi();
  const job = api.add(newJob(LANDSCAPE, { prompt: "A calm sea", aspect: "4:5" }));
  api.start(job.id);
  api.complete(job.id);
  const { user } = openPage(`/jobs/${job.id}`, api);

  await user.click(await screen.findByRole("button", { name: "Again with changes" }));

  expect((await screen.findByLabelText<HTMLTextAreaElement>("Prompt")).value).toBe("A calm sea");
  expect(screen.getByRole<HTMLInputElement>("radio", { name: "4:5" }).checked).toBe(true);
  await waitFor(() => expect(address()).toBe("/"));
});

test("a job that does not exist is told of, without a retry that cannot help", async () => {
  openPage("/jobs/job_gone");

  const alert = await screen.findByRole("alert");

  expect(alert.textContent).toContain("no such job");
  expect(within(alert).queryByRole("button")).toBeNull();
  await expectAccessible();
});

test("an address that leads nowhere offers the way back", async () => {
  const { user } = openPage("/nowhere");

  await user.click(await screen.findByRole("link", { name: "Make something" }));

  expect(await screen.findByRole("form", { name: "What to make" })).toBeTruthy();
});
