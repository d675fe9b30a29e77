import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { Route, Switch } from "wouter";
import { Skeleton } from "@/components/ui/skeleton";
import { KeyGate } from "./key-gate";
import { newQueryClient } from "./query-client";
import { CreateRoute } from "./routes/create";
import { NotFoundRoute } from "./routes/not-found";
import { Shell } from "./shell";
import { followSystemTheme } from "./theme";

const JobsRoute = lazy(async () => ({ default: (await import("./routes/jobs")).JobsRoute }));
const JobRoute = lazy(async () => ({ default: (await import("./routes/job")).JobRoute }));

export function App() {
  useEffect(followSystemTheme, []);
  return (
    <Shell>
      <KeyGate>
        {(key) => (
          <Answers key={key}>
            <Suspense fallback={<Skeleton className="h-96" />}>
              <Switch>
                <Route path="/" component={CreateRoute} />
                <Route path="/jobs" component={JobsRoute} />
                <Route path="/jobs/:id">{({ id }) => <JobRoute key={id} id={id} />}</Route>
                <Route component={NotFoundRoute} />
              </Switch>
            </Suspense>
          </Answers>
        )}
      </KeyGate>
    </Shell>
  );
}

/** What one key has been answered; another key must not see it, so it begins anew. */
function Answers({ children }: { readonly children: ReactNode }) {
  const [client] = useState<QueryClient>(newQueryClient);
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}
