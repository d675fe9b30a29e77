import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { FakeApi } from "@/testing/fake-api/fake-api";
import { newProblem } from "@/testing/fake-api/records";
import { expectAccessible, openPage } from "@/testing/open-page";

test("a development server's key is used without asking", async () => {
  openPage("/");

  expect(await screen.findByRole("form", { name: "What to make" })).toBeTruthy();
  expect(sessionStorage.length).toBe(0);
});

test("asks for a key where the server gives none, and keeps it for this tab only", async () => {
  const { user, api } = openPage("/", new FakeApi({ givesKey: false }));
  const field = await screen.findByLabelText("API key");
  await expectAccessible();

  await user.type(field, `${api.key}{Enter}`);

  expect(await screen.findByRole("form", { name: "What to make" })).toBeTruthy();
  expect(sessionStorage.getItem("reelwork.key")).toBe(api.key);
  expect(localStorage.length).toBe(0);
});

test("a reload in the same tab does not ask again", async () => {
  const api = new FakeApi({ givesKey: false });
  sessionStorage.setItem("reelwork.key", api.key);

  openPage("/", api);

  expect(await screen.findByRole("form", { name: "What to make" })).toBeTruthy();
});

test("a refused key is forgotten and asked for again, with the reason", async () => {
  const { user } = openPage("/", new FakeApi({ givesKey: false }));

  await user.type(await screen.findByLabelText("API key"), "rw_wrong{Enter}");

  expect(await screen.findByText(/That key was not accepted/)).toBeTruthy();
  expect(sessionStorage.length).toBe(0);
});

test("a development server that was set up anew brings its new key by itself", async () => {
  const { user, api } = openPage("/", new FakeApi({ key: "rw_dev_old" }));
  await screen.findByRole("form", { name: "What to make" });

  Object.assign(api, { key: "rw_dev_new" });
  await user.click(screen.getByRole("link", { name: "Jobs" }));

  expect(await screen.findByText("No jobs yet")).toBeTruthy();
});

test("a server that does not answer is told of, and asked again on demand", async () => {
  const api = new FakeApi();
  const handle = api.handle.bind(api);
  api.handle = () =>
    Promise.resolve(Response.json(newProblem(502, "http_502", "Bad gateway"), { status: 502 }));
  const { user } = openPage("/", api);
  const retry = await screen.findByRole("button", { name: "Try again" });

  api.handle = handle;
  await user.click(retry);

  expect(await screen.findByRole("form", { name: "What to make" })).toBeTruthy();
});

test("the theme follows the system until one is chosen, and the choice is kept", async () => {
  const { user } = openPage("/");
  expect(document.documentElement.dataset.theme).toBe("light");

  await user.click(screen.getByRole("button", { name: "Theme: as the system" }));
  await user.click(screen.getByRole("button", { name: "Theme: light" }));

  expect(document.documentElement.dataset.theme).toBe("dark");
  expect(localStorage.getItem("reelwork.theme")).toBe("dark");
  await user.click(screen.getByRole("button", { name: "Theme: dark" }));
  expect(document.documentElement.dataset.theme).toBe("light");
});
