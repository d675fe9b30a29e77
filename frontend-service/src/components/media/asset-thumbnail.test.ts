import { expect, test } from "vitest";
import { thumbnailKindOf } from "./asset-thumbnail";

test("only pictures and films have a still", () => {
  expect(["image/png", "video/mp4", "application/json", "text/markdown"].map(thumbnailKindOf)).toEqual([
    "image",
    "video",
    "file",
    "file",
  ]);
});
