import { cleanup } from "@testing-library/react";
import { afterAll, afterEach, beforeAll, beforeEach, vi } from "vitest";
import { session } from "@/lib/session";
import { server } from "./server";

beforeAll(() => server.listen({ onUnhandledRequest: "error" }));

beforeEach(() => {
  // jsdom-like environments have no layout, so nothing ever comes near the screen by itself: everything is near.
  vi.stubGlobal("IntersectionObserver", EverythingIsNear);
});

afterEach(() => {
  cleanup();
  server.resetHandlers();
  sessionStorage.clear();
  localStorage.clear();
  session.set({ phase: "starting" });
});

afterAll(() => server.close());

class EverythingIsNear {
  private readonly report: IntersectionObserverCallback;

  constructor(report: IntersectionObserverCallback) {
    this.report = report;
  }

  observe(): void {
    this.report(
      [{ isIntersecting: true } as IntersectionObserverEntry],
      this as unknown as IntersectionObserver,
    );
  }

  disconnect(): void {}
}
