import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import type { FieldProblem } from "@/schema/api.gen";
import { FakeApi } from "@/testing/fake-api/fake-api";
import { newProblem } from "@/testing/fake-api/records";
import { openPage, picture } from "@/testing/open-page";

const makeFilm = () => screen.findByRole("button", { name: "Make the film" });
const dropZone = () => screen.findByLabelText(/Add a picture/);

/** A film of a picture is asked for, and refused with these complaints. */
async function submitted(errors: readonly FieldProblem[]): Promise<void> {
  const api = new FakeApi();
  api.failOn("POST", /^\/v1\/jobs$/, newProblem(422, "invalid_input", "The input is not valid", { errors }));
  const { user } = openPage("/", api);
  await user.upload(await dropZone(), picture());
  await screen.findByText(/1680 × 1050/);

  await user.click(await makeFilm());
}

describe("a job that the server refuses", () => {
  test("shows the server's complaint beside the field it names", async () => {
    const errors = [
      { pointer: "#/input/strength", code: "too_large", detail: "At most 0.4 for this picture." },
    ];

    await submitted(errors);

    expect(await screen.findByText("At most 0.4 for this picture.")).toBeTruthy();
    expect(screen.queryByRole("alert")).toBeNull();
  });

  test("tells a complaint that no field of the form shows, with what it is about", async () => {
    const errors = [
      { pointer: "#/input/values/3", code: "not_finite", detail: "NaN is not a number here; use null." },
      { pointer: "#/input", code: "ambiguous", detail: "Give values or a series, not both." },
    ];

    await submitted(errors);

    const told = within(await screen.findByRole("alert")).getAllByRole("listitem");
    expect(told.map((item) => item.textContent)).toEqual([
      "values/3: NaN is not a number here; use null.",
      "Give values or a series, not both.",
    ]);
  });

  test("says each sentence once, also where the cure is the complaint", async () => {
    const api = new FakeApi();
    const cure = "NaN is not a number here; use null.";
    const errors = [
      { pointer: "#/input/values/3", code: "not_finite", detail: cure },
      { pointer: "#/input", code: "ambiguous", detail: "Give values or a series, not both." },
    ];
    const refusal = newProblem(422, "invalid_input", "The input is not valid", {
      detail: "Give values or a series, not both.",
      hint: cure,
      errors,
    });
    api.failOn("POST", /^\/v1\/jobs$/, refusal);
    const { user } = openPage("/", api);
    await user.upload(await dropZone(), picture());
    await screen.findByText(/1680 × 1050/);

    await user.click(await makeFilm());

    const paragraphs = [...(await screen.findByRole("alert")).querySelectorAll("p, li")];
    expect(paragraphs.map((paragraph) => paragraph.textContent)).toEqual([
      "It could not be sent: the input is not valid.",
      `values/3: ${cure}`,
      "Give values or a series, not both.",
      `Request ${refusal.request_id}`,
    ]);
  });

  test("tells why it could not be sent, with the id to quote, and sends again on demand", async () => {
    const api = new FakeApi();
    const down = newProblem(503, "store_unavailable", "The store is away", {
      hint: "Try again in a moment.",
    });
    api.failOn("POST", /^\/v1\/jobs$/, down, { once: true });
    const { user } = openPage("/", api);
    await user.upload(await dropZone(), picture());
    await screen.findByText(/1680 × 1050/);
    await user.click(await makeFilm());
    const alert = await screen.findByRole("alert");
    const text = alert.textContent;

    await user.click(within(alert).getByRole("button", { name: "Try again" }));

    expect(text).toContain("Try again in a moment.");
    expect(text).toContain(down.request_id);
    await waitFor(() => expect(api.submitted).toHaveLength(1));
  });
});
