import { http } from "msw";
import { setupServer } from "msw/node";
import type { FakeApi } from "./fake-api/fake-api";

export const server = setupServer();

/** Puts this fake API behind the page until the test is over. */
export function serve(api: FakeApi): FakeApi {
  server.use(http.all("*", ({ request }) => api.handle(request)));
  return api;
}
