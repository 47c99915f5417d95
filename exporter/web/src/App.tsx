/** The frame around all pages, or the login where the server asks for a token. */

import { Suspense } from "react";
import { Route, Switch } from "wouter";

import { useAsk } from "./core/ask";
import { Boundary } from "./core/ui/Boundary";
import { Login } from "./core/ui/Login";
import { Loading } from "./core/ui/Loading";
import { Shell } from "./core/ui/Shell";
import { Nowhere } from "./core/ui/Nowhere";
import { PAGES } from "./pages";

const UNAUTHORIZED = 401;

export function App() {
  const session = useAsk("/api/session", {});
  if (session.error?.problem.status === UNAUTHORIZED) return <Login onDone={session.again} />;
  if (session.isLoading) return null; // pages ask nothing before it is known who asks
  return (
    <Shell asker={session.data}>
      <Boundary>
        <Suspense fallback={<Loading />}>
          <Switch>
            {PAGES.map(({ path, view }) => (
              <Route key={path} path={path === "/" ? "/" : `${path}/*?`} component={view} />
            ))}
            <Route component={Nowhere} />
          </Switch>
        </Suspense>
      </Boundary>
    </Shell>
  );
}
