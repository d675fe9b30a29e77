import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import { FakeApi } from "@/testing/fake-api/fake-api";
import { CAMERA_MOVE, PARALLAX } from "@/testing/fake-api/models";
import { newProblem } from "@/testing/fake-api/records";
import { address, expectAccessible, openPage, picture } from "@/testing/open-page";

const makeFilm = () => screen.findByRole("button", { name: "Make the film" });
const dropZone = () => screen.findByLabelText(/Add a picture/);

describe("the form", () => {
  test("offers the models that start from a picture, AI first, with what they make and how long it takes", async () => {
    openPage("/");

    const group = await screen.findByRole("group", { name: "How" });
    const cards = within(group).getAllByRole("radio");

    expect(cards.map((card) => card.getAttribute("value"))).toEqual([
      "builtin/parallax",
      "builtin/camera-move",
    ]);
    expect(within(group).getByText("AI")).toBeTruthy();
    expect(within(group).getByText("Procedural, not AI")).toBeTruthy();
    expect(within(group).getByText("about 2 seconds")).toBeTruthy();
    await expectAccessible();
  });

  test("tells what a job of a model costs, unless it is free", async () => {
    const pricing = { ...PARALLAX.pricing, base: "0.1000", amount: "0.0200", unit: "second" };
    openPage("/", new FakeApi({ models: [{ ...PARALLAX, pricing }, CAMERA_MOVE] }));

    const group = await screen.findByRole("group", { name: "How" });

    expect(within(group).getByText("$0.10 + $0.02 per second")).toBeTruthy();
    expect(within(group).getAllByText(/\$/)).toHaveLength(1);
  });

  test("has one widget for each field of the model's schema, in its order", async () => {
    const { user } = openPage("/");

    const form = await screen.findByRole("form", { name: "What to make" });
    const labels = ["Movement", "Depth", "Length", "Shape", "Seed"].map(
      (label) => within(form).getAllByText(label)[0],
    );
    const isInOrder = labels.every(
      (label, place) =>
        place === 0 ||
        (labels[place - 1] as Node).compareDocumentPosition(label as Node) & Node.DOCUMENT_POSITION_FOLLOWING,
    );
    await user.click(screen.getByRole("radio", { name: /Camera move/ }));

    expect(isInOrder).toBe(true);
    expect(screen.queryByLabelText("Movement")).toBeNull();
    expect(screen.getByLabelText("Length").getAttribute("max")).toBe("10");
  });

  test("says what is missing beside the field instead of sending", async () => {
    const { user, api } = openPage("/");

    await user.click(await makeFilm());

    expect(await screen.findByText("Add a picture first.")).toBeTruthy();
    expect(api.submitted).toEqual([]);
    await expectAccessible();
  });

  test("takes the complaint away as soon as something is changed", async () => {
    const { user } = openPage("/");
    await user.click(await makeFilm());

    await user.upload(await dropZone(), picture());

    expect(screen.queryByText("Add a picture first.")).toBeNull();
  });

  test("sends exactly what was chosen, leaving out an empty seed", async () => {
    const { user, api } = openPage("/");
    await user.upload(await dropZone(), picture());
    await user.click(screen.getByRole("radio", { name: "1:1" }));
    await user.selectOptions(screen.getByLabelText("Movement"), "Pan left");
    await screen.findByText(/1680 × 1050/);

    await user.click(await makeFilm());

    await waitFor(() => expect(api.submitted).toHaveLength(1));
    expect(api.submitted[0]).toEqual({
      model: "builtin/parallax",
      input: {
        image: [...api.assets.keys()][0],
        motion: "pan_left",
        strength: 0.5,
        duration_seconds: 4,
        aspect: "1:1",
      },
    });
  });

  test("keeps the picture when another model is chosen", async () => {
    const { user, api } = openPage("/");
    await user.upload(await dropZone(), picture());
    await screen.findByText(/1680 × 1050/);

    await user.click(screen.getByRole("radio", { name: /Camera move/ }));
    await user.click(await makeFilm());

    await waitFor(() => expect(api.submitted[0]?.model).toBe("builtin/camera-move"));
    expect(api.submitted[0]?.input?.image).toBe([...api.assets.keys()][0]);
  });

  test("fills the prompt from an example and sends it with Ctrl and Enter", async () => {
    const { user, api } = openPage("/");
    await user.click(await screen.findByRole("radio", { name: /From words/ }));
    await user.click(screen.getByRole("button", { name: "A sunset over mountains" }));

    await user.type(screen.getByLabelText("Prompt"), "{Control>}{Enter}{/Control}");

    await waitFor(() => expect(api.submitted).toHaveLength(1));
    expect(api.submitted[0]).toEqual({
      model: "builtin/landscape",
      input: { prompt: "A sunset over mountains", aspect: "16:9" },
    });
  });

  test("asks for a film where the model takes films", async () => {
    const image = { ...(CAMERA_MOVE.input_schema.properties as { image: object }).image };
    const film = { ...image, title: "Film", "x-accept": ["video/mp4", "video/webm"] };
    const input_schema = { ...CAMERA_MOVE.input_schema, properties: { image: film } };
    openPage("/", new FakeApi({ models: [{ ...CAMERA_MOVE, input_schema }] }));

    expect(await screen.findByLabelText(/Add a film/)).toBeTruthy();
    expect(screen.queryByLabelText(/Add a picture/)).toBeNull();
  });
});

describe("the upload", () => {
  test("refuses a file above the limit at once, and says the limit", async () => {
    const { user, api } = openPage("/");

    await user.upload(await dropZone(), picture("huge.jpg", 33 * 1024 * 1024));

    expect(await screen.findByText(/up to 32 MB/)).toBeTruthy();
    expect(api.assets.size).toBe(0);
  });

  test("shows the server's reason when the file is not a picture", async () => {
    const api = new FakeApi();
    const reason = { detail: "fake.jpg is text, not a picture.", hint: "Send a JPEG, PNG or WebP." };
    api.failOn("POST", /^\/v1\/assets$/, newProblem(415, "unsupported_media_type", "Not accepted", reason));
    const { user } = openPage("/", api);

    await user.upload(await dropZone(), picture("fake.jpg"));

    expect(await screen.findByText("fake.jpg is text, not a picture.")).toBeTruthy();
    expect(screen.getByText("Send a JPEG, PNG or WebP.")).toBeTruthy();
    await expectAccessible();
  });

  test("shows a good picture that takes the place of a file that could not be drawn", async () => {
    const { user } = openPage("/");
    const undrawn = () => screen.queryAllByRole("img", { name: "No preview of this file." });
    const local = () => [...document.querySelectorAll<HTMLImageElement>("img[src^='blob:']")];
    await user.upload(await dropZone(), picture("text.png"));
    await screen.findByText("text.png");
    const shown = local().length;
    for (const image of local()) fireEvent.error(image);
    expect(undrawn()).toHaveLength(shown);

    await user.upload(await dropZone(), picture("good.jpg"));

    expect(await screen.findByText("good.jpg")).toBeTruthy();
    expect(undrawn()).toEqual([]);
    expect(local()).toHaveLength(shown);
    expect(shown).toBeGreaterThan(0);
  });

  test("can be taken out again", async () => {
    const { user } = openPage("/");
    await user.upload(await dropZone(), picture());
    await screen.findByText(/1680 × 1050/);

    await user.click(screen.getByRole("button", { name: "Remove the picture" }));

    expect(screen.queryByText("dunes.jpg")).toBeNull();
    expect(await dropZone()).toBeTruthy();
  });

  test("takes a picture that is pasted anywhere", async () => {
    openPage("/");
    await makeFilm();

    const paste = new Event("paste", { bubbles: true, cancelable: true });
    Object.assign(paste, { clipboardData: { files: [picture("pasted.png")] } });
    window.dispatchEvent(paste);

    expect(await screen.findByText("pasted.png")).toBeTruthy();
  });
});

describe("when there is nothing to show", () => {
  test("a server without models says so and looks again by itself", async () => {
    const api = new FakeApi({ models: [] });
    openPage("/", api);
    expect(await screen.findByText("No model is ready yet")).toBeTruthy();
    await expectAccessible();

    api.models = [CAMERA_MOVE];

    expect(await screen.findByRole("button", { name: "Make the film" }, { timeout: 10_000 })).toBeTruthy();
  });

  test("a model on its way out says until when, and what to use instead", async () => {
    const lifecycle = {
      status: "deprecated",
      deprecated_at: null,
      sunset_at: "2027-05-04T12:00:00.000Z",
      replacement: "builtin/parallax",
    } as const;
    openPage("/", new FakeApi({ models: [PARALLAX, { ...CAMERA_MOVE, lifecycle }] }));

    expect(await screen.findByText("Goes on May 4, 2027; use builtin/parallax")).toBeTruthy();
  });

  test("a model that takes no more jobs cannot be chosen and says why", async () => {
    const lifecycle = { ...PARALLAX.lifecycle, status: "retired" } as const;
    openPage("/", new FakeApi({ models: [{ ...PARALLAX, lifecycle, available: false }, CAMERA_MOVE] }));

    const card = await screen.findByRole("radio", { name: /Parallax/ });

    expect((card as HTMLInputElement).disabled).toBe(true);
    expect(screen.getByText("Takes no more jobs")).toBeTruthy();
  });

  test("a model that nobody runs cannot be chosen", async () => {
    openPage("/", new FakeApi({ models: [{ ...PARALLAX, available: false }, CAMERA_MOVE] }));

    const card = await screen.findByRole("radio", { name: /Parallax/ });

    expect((card as HTMLInputElement).disabled).toBe(true);
    expect(screen.getByText("No worker runs it now")).toBeTruthy();
  });

  test("a job that does not exist is told of, and the form still works", async () => {
    const { user } = openPage("/?job=job_gone");

    const alert = await screen.findByRole("alert");
    await user.click(screen.getByRole("button", { name: "Start a new one" }));

    expect(alert.textContent).toContain("no such job");
    expect(address()).toBe("/");
    expect(await makeFilm()).toBeTruthy();
  });
});
