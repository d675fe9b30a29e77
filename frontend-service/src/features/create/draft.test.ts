import { expect, test } from "vitest";
import { LANDSCAPE } from "@/testing/fake-api/models";
import { modelsFor } from "./draft";

const NUMBERS = {
  name: "builtin/kalman",
  input_schema: { type: "object", properties: { values: { type: "array" } } },
};

test("who starts from words is offered what takes a prompt before what is a form of numbers", () => {
  const numbers = { ...LANDSCAPE, ...NUMBERS };

  expect(modelsFor("words", [numbers, LANDSCAPE]).map(({ name }) => name)).toEqual([
    LANDSCAPE.name,
    numbers.name,
  ]);
});
