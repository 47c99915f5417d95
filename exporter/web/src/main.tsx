import "./trusted";

import "@mantine/core/styles.css";
import "@fontsource-variable/inter";
import "@fontsource-variable/jetbrains-mono";
import "uplot/dist/uPlot.min.css";
import "./styles.css";

import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";
import { askAhead, questions } from "./core/ask";
import { nonce } from "./core/nonce";
import { here } from "./pages";
import { theme } from "./theme";

const SETTLED_MS = 10_000;
// A page that was opened before an upgrade asks for parts that are gone; one that was opened just now would do so again.
addEventListener("vite:preloadError", (event) => {
  if (performance.now() < SETTLED_MS) return;
  event.preventDefault();
  location.reload();
});

// Until the page is drawn and asks by itself takes 0.3 s. Whoever is refused asks nothing more.
askAhead("/api/session", {})
  .then(() => here)
  .then((page) => page?.ahead?.())
  .catch(() => undefined);

setNonce(nonce()); // for the style by which a dialog keeps the page behind it from scrolling
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={nonce}>
      <QueryClientProvider client={questions}>
        <App />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
