import { render } from "@testing-library/react";
import { type UserEvent, userEvent } from "@testing-library/user-event";
import axe from "axe-core";
import { expect } from "vitest";
import { App } from "@/app/app";
import { FakeApi } from "./fake-api/fake-api";
import { serve } from "./server";

export interface OpenPage {
  readonly api: FakeApi;
  readonly user: UserEvent;
  /** Takes the page away, as closing the tab does. */
  readonly close: () => void;
}

/** The whole page at an address, as a person sees it, on a fake API. */
export function openPage(path: string, api: FakeApi = new FakeApi()): OpenPage {
  serve(api);
  window.history.replaceState(null, "", path);
  const { unmount } = render(<App />);
  return { api, user: userEvent.setup(), close: unmount };
}

/** Where the page is now. */
export function address(): string {
  return window.location.pathname + window.location.search;
}

/** No violation of the rules that need no layout; contrast is checked in a real browser. */
export async function expectAccessible(): Promise<void> {
  const { violations } = await axe.run(document.body, { rules: { "color-contrast": { enabled: false } } });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
}

export function picture(name = "dunes.jpg", bytes = 2_000): File {
  return new File([new Uint8Array(bytes)], name, { type: "image/jpeg" });
}
