import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { STATUS_NAMES, STATUSES } from "@/lib/status";
import { FakeApi } from "@/testing/fake-api/fake-api";
import { LANDSCAPE, PARALLAX } from "@/testing/fake-api/models";
import { newAsset, newJob, newProblem } from "@/testing/fake-api/records";
import { address, expectAccessible, openPage } from "@/testing/open-page";

function apiWithJobs(...prompts: readonly string[]): FakeApi {
  const api = new FakeApi();
  prompts.forEach((prompt, place) => {
    const created_at = new Date(Date.UTC(2026, 10, 21, 8, 0, -place)).toISOString();
    api.add(newJob(LANDSCAPE, { prompt }, { created_at }));
  });
  return api;
}

const lines = () => within(screen.getByRole("list", { name: "Jobs" })).getAllByRole("listitem");

test("lists the jobs, newest first, with name, model and status", async () => {
  const api = apiWithJobs("First", "Second");
  const asset = newAsset({ name: "dunes.jpg", type: "image/jpeg", size: 2_000 });
  api.assets.set(asset.id, asset);
  api.add(newJob(PARALLAX, { image: asset.id }));

  openPage("/jobs", api);

  expect(await screen.findByRole("link", { name: "dunes.jpg" })).toBeTruthy();
  const texts = lines().map((line) => line.textContent);
  expect(texts[0]).toContain("Parallax");
  expect(texts[1]).toContain("First");
  expect(texts[2]).toContain("Landscape painter");
  expect(texts[2]).toContain("In the queue");
  await expectAccessible();
});

test("every state has an icon and a word of its own", async () => {
  const api = new FakeApi();
  for (const status of STATUS_NAMES) {
    api.add(newJob(LANDSCAPE, { prompt: status }, { status, is_terminal: STATUSES[status].terminal }));
  }

  openPage("/jobs", api);

  await screen.findByRole("list", { name: "Jobs" });
  for (const line of lines()) {
    const name = within(line).getByRole("link").textContent ?? "";
    const badge = line.querySelector("[data-slot=status-badge]");
    expect(badge?.textContent).toBe(STATUSES[name as keyof typeof STATUSES].label);
    expect(badge?.querySelector("svg")).toBeTruthy();
  }
});

test("moves with the jobs, without a reload", async () => {
  const api = apiWithJobs("A calm sea");
  const id = [...api.jobs.keys()][0] as string;
  openPage("/jobs", api);
  await screen.findByText("A calm sea");

  api.start(id);
  api.report(id, 0.5, "painting");
  const bar = await screen.findByRole("progressbar", {}, { timeout: 5_000 });
  api.complete(id);

  expect(bar.getAttribute("aria-valuenow")).toBe("50");
  await waitFor(() => expect(within(lines()[0] as HTMLElement).getByText("Done")).toBeTruthy(), {
    timeout: 5_000,
  });
});

test("filters by status and keeps the choice in the address", async () => {
  const api = apiWithJobs("Waiting", "Stopped");
  const stopped = [...api.jobs.values()].find(({ input }) => input.prompt === "Stopped");
  api.jobs.set(stopped?.id ?? "", {
    ...(stopped as NonNullable<typeof stopped>),
    status: "cancelled",
    is_terminal: true,
  });
  const { user } = openPage("/jobs", api);

  await user.click(await screen.findByRole("button", { name: "Cancelled" }));

  await waitFor(() => expect(screen.queryByText("Waiting")).toBeNull());
  expect(await screen.findByText("Stopped")).toBeTruthy();
  expect(address()).toBe("/jobs?status=cancelled");
  expect(screen.getByRole("button", { name: "Cancelled", pressed: true })).toBeTruthy();
});

test("an address with a filter opens with it", async () => {
  const api = apiWithJobs("A calm sea");
  api.add(newJob(PARALLAX, { image: "asset_gone" }));

  openPage("/jobs?model=builtin%2Fparallax", api);

  await waitFor(() => expect(lines()).toHaveLength(1));
  expect(screen.getByLabelText<HTMLSelectElement>("Model").value).toBe("builtin/parallax");
});

test("a filter that nothing fits says so and can be cleared", async () => {
  const { user } = openPage("/jobs?status=failed", apiWithJobs("A calm sea"));

  await user.click(await screen.findByRole("button", { name: "Show every job" }));

  expect(await screen.findByText("A calm sea")).toBeTruthy();
  expect(address()).toBe("/jobs");
});

test("walks through the lines with the arrows and opens one with Enter", async () => {
  const api = apiWithJobs("First", "Second", "Third");
  const { user } = openPage("/jobs", api);
  (await screen.findByRole("link", { name: "First" })).focus();

  await user.keyboard("{ArrowDown}j{ArrowUp}");
  expect(document.activeElement?.textContent).toBe("Second");
  await user.keyboard("{End}");
  expect(document.activeElement?.textContent).toBe("Third");
  await user.keyboard("{Enter}");

  expect(await screen.findByRole("heading", { name: "Third" })).toBeTruthy();
  expect(address()).toMatch(/^\/jobs\/job_/);
});

test("cancels one job from its line", async () => {
  const api = apiWithJobs("First", "Second");
  const { user } = openPage("/jobs", api);

  await user.click(await screen.findByRole("button", { name: "Cancel Second" }));

  await waitFor(() => expect(within(lines()[1] as HTMLElement).getByText("Cancelled")).toBeTruthy());
  expect(within(lines()[0] as HTMLElement).getByText("In the queue")).toBeTruthy();
});

test("shows older jobs on demand", async () => {
  const api = apiWithJobs(...Array.from({ length: 35 }, (_, place) => `Job ${place}`));
  const { user } = openPage("/jobs", api);

  await user.click(await screen.findByRole("button", { name: "Show older jobs" }));

  expect(await screen.findByText("Job 34")).toBeTruthy();
  expect(lines()).toHaveLength(35);
  expect(screen.queryByRole("button", { name: "Show older jobs" })).toBeNull();
});

test("without jobs it says how to get one", async () => {
  openPage("/jobs");

  expect(await screen.findByText("No jobs yet")).toBeTruthy();
  expect(screen.getByRole("link", { name: "Make the first one" }).getAttribute("href")).toBe("/");
  await expectAccessible();
});

test("an error says what happened, with cure and request id, and tries again on demand", async () => {
  const api = apiWithJobs("A calm sea");
  const hint = "Wait a moment; the store is starting.";
  const away = newProblem(503, "store_unavailable", "The store is away", { hint, retryable: false });
  api.failOn("GET", /^\/v1\/jobs$/, away);
  const { user } = openPage("/jobs", api);
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain(hint);
  expect(alert.textContent).toContain(away.request_id);
  await expectAccessible();

  api.heal();
  await user.click(within(alert).getByRole("button", { name: "Try again" }));

  expect(await screen.findByText("A calm sea")).toBeTruthy();
});

test("a list that cannot be refreshed stays, and says that it may be old", async () => {
  const api = apiWithJobs("A calm sea");
  openPage("/jobs", api);
  await screen.findByText("A calm sea");

  api.failOn(
    "GET",
    /^\/v1\/jobs$/,
    newProblem(503, "store_unavailable", "The store is away", { retryable: false }),
  );

  expect((await screen.findByRole("alert", {}, { timeout: 5_000 })).textContent).toContain(
    "may be out of date",
  );
  expect(screen.getByText("A calm sea")).toBeTruthy();
});
