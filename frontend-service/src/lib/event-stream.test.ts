import { expect, test } from "vitest";
import { blocks, parseBlock } from "./event-stream";

function streamOf(...chunks: readonly string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
}

async function eventsOf(...chunks: readonly string[]) {
  const found = [];
  for await (const block of blocks(streamOf(...chunks))) found.push(block);
  return found;
}

test("an event is whole however the network cuts it", async () => {
  const [block] = await eventsOf("id: 1", "7\nevent: job.pro", 'cessing\ndata: {"a":', "1}\n", "\n");

  expect(block?.event).toEqual({ id: "17", event: "job.processing", data: '{"a":1}' });
});

test("a letter of several bytes survives a cut in its middle", async () => {
  const bytes = new TextEncoder().encode("data: ü\n\n");
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes.slice(0, 7));
      controller.enqueue(bytes.slice(7));
      controller.close();
    },
  });
  const found = [];

  for await (const { event } of blocks(body)) found.push(event?.data);

  expect(found).toEqual(["ü"]);
});

test("a comment is no event, and a synthetic event has no id", async () => {
  const found = await eventsOf(": keep-alive\n\n", "event: progress\ndata: {}\n\n");

  expect(found.map(({ event }) => event)).toEqual([null, { event: "progress", data: "{}", id: null }]);
});

test("lines may end with carriage return and line feed", async () => {
  expect((await eventsOf("event: snapshot\r\ndata: {}\r\n\r\n"))[0]?.event?.event).toBe("snapshot");
});

test("several data lines are one text, and a wait is read where it is given", () => {
  expect(parseBlock("retry: 3000\ndata: one\ndata:two")).toEqual({
    event: { event: "message", data: "one\ntwo", id: null },
    retry: 3000,
  });
});
