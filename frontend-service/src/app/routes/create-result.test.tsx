import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import { FakeApi } from "@/testing/fake-api/fake-api";
import { LANDSCAPE, PARALLAX } from "@/testing/fake-api/models";
import { newJob, newProblem } from "@/testing/fake-api/records";
import { address, expectAccessible, openPage, picture } from "@/testing/open-page";

const makeFilm = () => screen.findByRole("button", { name: "Make the film" });

describe("the result", () => {
  test("is followed live and played in place", async () => {
    const { user, api } = openPage("/");
    await user.upload(await screen.findByLabelText(/Add a picture/), picture());
    await screen.findByText(/1680 × 1050/);
    await user.click(await makeFilm());
    const [id] = await waitForJob(api);
    await waitFor(() => expect(api.feed(id).listening).toBe(1));

    api.start(id);
    api.report(id, 0.42, "generating", "frame 50 of 120");
    const bar = await screen.findByRole("progressbar", { name: "Progress" });
    await waitFor(() => expect(bar.getAttribute("aria-valuenow")).toBe("42"));
    expect(screen.getByText("frame 50 of 120")).toBeTruthy();
    await expectAccessible();
    api.complete(id);

    const film = await screen.findByLabelText<HTMLVideoElement>("Your film");
    expect(film.muted && film.loop && film.controls).toBe(true);
    expect(film.getAttribute("src")).toContain("/fake-media/");
    expect(screen.getByRole("button", { name: "Download" })).toBeTruthy();
    expect(screen.getByText("1280 × 720")).toBeTruthy();
    await expectAccessible();
  });

  test("survives a reload in mid-job: the address carries the job, the form what made it", async () => {
    const api = new FakeApi();
    const job = api.add(newJob(LANDSCAPE, { prompt: "A calm sea", aspect: "9:16" }));
    api.start(job.id);
    api.report(job.id, 0.3, "painting");

    openPage(`/?job=${job.id}`, api);

    const bar = await screen.findByRole("progressbar", { name: "Progress" });
    await waitFor(() => expect(bar.getAttribute("aria-valuenow")).toBe("30"));
    expect(screen.getByLabelText<HTMLTextAreaElement>("Prompt").value).toBe("A calm sea");
    expect(screen.getByRole<HTMLInputElement>("radio", { name: "9:16" }).checked).toBe(true);
    await waitFor(() => expect(api.feed(job.id).listening).toBe(1));
    api.complete(job.id);
    expect(await screen.findByRole("img", { name: "Your picture: A calm sea" })).toBeTruthy();
  });

  test("goes on after the stream was cut, from the last event it has seen", async () => {
    const api = new FakeApi();
    const job = api.add(newJob(LANDSCAPE, { prompt: "A calm sea" }));
    openPage(`/?job=${job.id}`, api);
    await waitFor(() => expect(api.feed(job.id).listening).toBe(1));
    api.start(job.id);
    await screen.findByText("Working");

    api.feed(job.id).hangUp();
    await waitFor(() => expect(api.feed(job.id).connections).toEqual([null, "1"]), { timeout: 5_000 });
    api.complete(job.id);

    expect(await screen.findByText("Done")).toBeTruthy();
  });

  test("says when the server is away, and picks the job up when it is back", async () => {
    const api = new FakeApi();
    const job = api.add(newJob(LANDSCAPE, { prompt: "A calm sea" }));
    openPage(`/?job=${job.id}`, api);
    await waitFor(() => expect(api.feed(job.id).listening).toBe(1));

    api.failOn("GET", /^\/v1\/jobs\//, newProblem(502, "http_502", "Bad gateway"));
    api.feed(job.id).hangUp();
    expect(await screen.findByText(/The server does not answer/, {}, { timeout: 10_000 })).toBeTruthy();
    api.heal();
    api.start(job.id);
    api.complete(job.id);

    expect(await screen.findByText("Done", {}, { timeout: 10_000 })).toBeTruthy();
    expect(screen.queryByText(/The server does not answer/)).toBeNull();
  });

  test("closes the stream when the page goes", async () => {
    const api = new FakeApi();
    const job = api.add(newJob(LANDSCAPE, { prompt: "A calm sea" }));
    const { close } = openPage(`/?job=${job.id}`, api);
    await waitFor(() => expect(api.feed(job.id).listening).toBe(1));

    close();

    await waitFor(() => expect(api.feed(job.id).listening).toBe(0));
    expect(api.feed(job.id).connections).toHaveLength(1);
  });

  test("can be cancelled while it is made", async () => {
    const api = new FakeApi();
    const job = api.add(newJob(LANDSCAPE, { prompt: "A calm sea" }));
    const { user } = openPage(`/?job=${job.id}`, api);

    await user.click(await screen.findByRole("button", { name: "Cancel" }));

    expect(await screen.findAllByText("Cancelled")).not.toHaveLength(0);
    expect(api.jobs.get(job.id)?.status).toBe("cancelled");
    expect(screen.queryByRole("button", { name: "Cancel" })).toBeNull();
  });

  test("that failed says why, what helps, and is made again with one click", async () => {
    const api = new FakeApi();
    const job = api.add(newJob(LANDSCAPE, { prompt: "A calm sea" }));
    api.start(job.id);
    api.fail(job.id, { code: "run_timeout", message: "It took longer than 300 s." });
    const { user } = openPage(`/?job=${job.id}`, api);
    expect(await screen.findAllByText(/It took longer than 300 s/)).not.toHaveLength(0);
    expect(screen.getByText(/Ask for less/)).toBeTruthy();
    await expectAccessible();

    await user.click(screen.getByRole("button", { name: "Make it again" }));

    await waitFor(() =>
      expect(api.submitted).toEqual([{ model: "builtin/landscape", input: { prompt: "A calm sea" } }]),
    );
    await waitFor(() => expect(address()).not.toContain(job.id));
  });

  test("of words becomes the picture of a film", async () => {
    const api = new FakeApi();
    const job = api.add(newJob(LANDSCAPE, { prompt: "A calm sea" }));
    api.start(job.id);
    api.complete(job.id);
    const { user } = openPage(`/?job=${job.id}`, api);

    await user.click(await screen.findByRole("button", { name: "Make a film of it" }));
    await user.click(await makeFilm());

    await waitFor(() => expect(api.submitted[0]?.model).toBe("builtin/parallax"));
    expect(api.submitted[0]?.input?.image).toBe(api.jobs.get(job.id)?.outputs[0]?.asset_id);
  });

  test("is shown as code in three languages, without the key", async () => {
    const api = new FakeApi();
    const job = api.add(newJob(PARALLAX, { image: "asset_x", aspect: "1:1" }));
    const { user } = openPage(`/?job=${job.id}`, api);

    await user.click(await screen.findByRole("button", { name: "Show as code" }));
    const dialog = await screen.findByRole("dialog", { name: "The same job as code" });
    const curl = within(dialog).getByRole("tabpanel").textContent;
    within(dialog).getByRole("tab", { name: "curl" }).focus();
    await user.keyboard("{ArrowRight}");

    expect(curl).toContain('"aspect": "1:1"');
    expect(within(dialog).getByRole("tabpanel").textContent).toContain("import httpx");
    expect(dialog.textContent).not.toContain(api.key);
    await expectAccessible();
  });
});

async function waitForJob(api: FakeApi): Promise<[id: string]> {
  await waitFor(() => expect(api.jobs.size).toBe(1));
  return [[...api.jobs.keys()][0] as string];
}
