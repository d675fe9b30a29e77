import { describe, expect, test } from "vitest";
import { PARALLAX } from "@/testing/fake-api/models";
import { newJob } from "@/testing/fake-api/records";
import { complaintsByField, draftOf, freshDraft, inputOf, shownValue } from "./draft";
import { ratioOf } from "./ratio";
import { fieldsOf, sourceOf } from "./schema-fields";

function modelWith(properties: Record<string, unknown>, extra: Record<string, unknown> = {}) {
  return { ...PARALLAX, name: "acme/odd", input_schema: { type: "object", properties, ...extra } };
}

describe("reading a schema", () => {
  test("fields come in the order of x-order, not of the keys", () => {
    const model = modelWith({ b: { type: "string", "x-order": 1 }, a: { type: "string", "x-order": 0 } });

    expect(fieldsOf(model).map(({ name }) => name)).toEqual(["a", "b"]);
  });

  test("references and optional values are looked through", () => {
    const model = modelWith(
      {
        mood: { $ref: "#/$defs/Mood", default: "calm" },
        speed: {
          anyOf: [{ type: "number", minimum: 0, maximum: 2 }, { type: "null" }],
          default: null,
          title: "Speed",
        },
      },
      { $defs: { Mood: { type: "string", enum: ["calm", "wild"], title: "Mood" } } },
    );

    expect(fieldsOf(model)).toMatchObject([
      { kind: "choice", label: "Mood", initial: "calm" },
      { kind: "number", label: "Speed", minimum: 0, maximum: 2 },
    ]);
  });

  test("a union of fixed values is one choice; a union of other things is not", () => {
    const model = modelWith({
      motion: {
        anyOf: [
          { enum: ["zoom", "pan"], type: "string" },
          { const: "surprise", type: "string" },
        ],
      },
      odd: { anyOf: [{ const: "auto" }, { type: "object" }] },
    });

    expect(fieldsOf(model)).toMatchObject([
      { kind: "choice", options: [{ value: "zoom" }, { value: "pan" }, { value: "surprise" }] },
      { kind: "json" },
    ]);
  });

  test("an asset field tells which files it takes and makes the model start from a picture", () => {
    const model = modelWith(
      { image: { type: "string", format: "asset", "x-accept": ["image/*"] } },
      { required: ["image"] },
    );

    expect(fieldsOf(model)[0]).toMatchObject({ kind: "asset", accept: ["image/*"], required: true });
    expect(sourceOf(model)).toBe("picture");
  });

  test("labels of an enum are used, and plain values are put into words", () => {
    const model = modelWith({ move: { enum: ["push_in", "pan"], "x-enum-labels": { pan: "Pan slowly" } } });

    expect(fieldsOf(model)[0]).toMatchObject({ options: [{ label: "Push in" }, { label: "Pan slowly" }] });
  });

  test("a few short values stand side by side, but an optional one is a list that can say none", () => {
    const model = modelWith({
      pace: { enum: ["slow", "fast"], default: "slow" },
      fail: { anyOf: [{ enum: ["soft", "hard"] }, { type: "null" }], default: null },
    });

    expect(fieldsOf(model)).toMatchObject([{ look: "segments" }, { look: "select", initial: null }]);
  });

  test("what no widget knows can still be given as JSON", () => {
    expect(fieldsOf(modelWith({ points: { type: "array", items: { type: "number" } } }))[0]?.kind).toBe(
      "json",
    );
  });

  test("a field without a title is named after itself", () => {
    expect(fieldsOf(modelWith({ duration_seconds: { type: "number" } }))[0]?.label).toBe("Duration seconds");
  });
});

describe("a draft", () => {
  const fields = fieldsOf(PARALLAX);

  test("made from a job would make that job again", () => {
    const input = {
      image: "asset_1",
      motion: "pan_left",
      strength: 0.2,
      duration_seconds: 6,
      aspect: "1:1",
      seed: 7,
    };

    const draft = draftOf(newJob(PARALLAX, input), [PARALLAX]);

    expect(inputOf(draft, fields)).toEqual({ ready: true, input });
  });

  test("from a job whose model is gone is a fresh one", () => {
    const job = newJob({ ...PARALLAX, name: "gone/model" }, { image: "asset_1" });

    expect(draftOf(job, [PARALLAX])).toEqual(freshDraft([PARALLAX]));
  });

  test("does not carry a value into a model that does not allow it", () => {
    const strength = fields.find(({ name }) => name === "strength");

    expect(strength && shownValue(strength, { strength: 9 })).toBe(0.5);
    expect(strength && shownValue(strength, { strength: 0.9 })).toBe(0.9);
  });
});

test("the server's pointers are matched to fields", () => {
  const errors = [
    { pointer: "#/input/aspect", code: "invalid", detail: "one" },
    { pointer: "#/input/aspect/0", code: "invalid", detail: "two" },
    { pointer: "#/model", code: "invalid", detail: "three" },
  ];

  expect(complaintsByField(errors)).toEqual({ aspect: "one" });
});

test("proportions are read from the usual spellings", () => {
  expect([ratioOf("16:9"), ratioOf("1280x720"), ratioOf("as the picture"), ratioOf("1:0")]).toEqual([
    16 / 9,
    16 / 9,
    null,
    null,
  ]);
});
