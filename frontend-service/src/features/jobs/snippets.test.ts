import { expect, test } from "vitest";
import { snippetsOf } from "./snippets";

const JOB = { model: "acme/odd", input: { prompt: "It's null, isn't it?", loop: true, seed: null } };

function code(name: string): string {
  return snippetsOf(JOB, "https://reelwork.test").find((snippet) => snippet.name === name)?.code ?? "";
}

test("the shell's quotes survive an apostrophe in the prompt", () => {
  expect(code("curl")).toContain(String.raw`It'\''s null, isn'\''t it?`);
});

test("Python gets its own words for true and null, but not inside of texts", () => {
  expect(code("Python")).toContain('"loop": True');
  expect(code("Python")).toContain('"seed": None');
  expect(code("Python")).toContain("It's null, isn't it?");
});

test("every language asks this server and takes the key from the environment", () => {
  for (const { code } of snippetsOf(JOB, "https://reelwork.test")) {
    expect(code).toContain("https://reelwork.test");
    expect(code).toContain("REELWORK_API_KEY");
  }
});
