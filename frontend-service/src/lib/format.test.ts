import { expect, test } from "vitest";
import { formatAge, formatBytes, formatDollars, formatSeconds, roughSeconds, sentence } from "./format";

test("durations are said in the units a person would use", () => {
  expect([0.84, 2, 12.4, 59.6, 60, 200, 7_500].map(formatSeconds)).toEqual([
    "0.8 s",
    "2 s",
    "12 s",
    "1 min",
    "1 min",
    "3 min 20 s",
    "2 h 5 min",
  ]);
});

test("money has cents, and more places only where they count", () => {
  expect(["0.0000", "0.1800", "12.5000", "0.1230", "0.0001", "1.0500"].map(formatDollars)).toEqual([
    "$0.00",
    "$0.18",
    "$12.50",
    "$0.123",
    "$0.0001",
    "$1.05",
  ]);
});

test("estimates do not look exact", () => {
  expect([0.4, 2, 42, 61, 200].map(roughSeconds)).toEqual([
    "about a second",
    "about 2 seconds",
    "about 42 seconds",
    "about a minute",
    "about 3 minutes",
  ]);
});

test("sizes are short", () => {
  expect([12, 1_500, 2_500_000, 31_900_000].map(formatBytes)).toEqual(["12 B", "2 kB", "2.5 MB", "32 MB"]);
});

test("ages grow coarser, and after a week they are a date", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  const ages = ["11:59:50", "11:57:00", "09:00:00"].map((time) => formatAge(`2026-11-21T${time}Z`, now));

  expect(ages).toEqual(["just now", "3 min ago", "3 hr ago"]);
  expect(formatAge("2026-11-01T12:00:00Z", now)).toBe("Nov 1, 2026");
});

test("a clock that is behind the server's does not show the future", () => {
  expect(formatAge("2026-11-21T12:00:05Z", Date.parse("2026-11-21T12:00:00Z"))).toBe("just now");
});

test("names from schemas read as words", () => {
  expect([sentence("camera_position"), sentence("cameraPosition")]).toEqual([
    "Camera position",
    "Camera position",
  ]);
});
