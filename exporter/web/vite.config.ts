import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const server = process.env["AX_UI"] ?? "http://127.0.0.1:4319";
const TEXT = /\.(css|js|svg)$/;

/** Beside each text its `.br` and `.gz`, so that the server only hands out. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    async writeBundle({ dir = "dist" }, bundle) {
      for (const name of Object.keys(bundle).filter((one) => TEXT.test(one))) {
        const text = await readFile(join(dir, name));
        await writeFile(join(dir, `${name}.br`), brotliCompressSync(text));
        await writeFile(join(dir, `${name}.gz`), gzipSync(text, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), compressed()],
  build: {
    target: "es2023",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // those that know light-dark(), which would be written out wrongly
    assetsInlineLimit: 0, // the policy lets no font and no style come from `data:`
    license: { fileName: "licenses.txt" },
    manifest: true, // by which the size of the first view is measured
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What most pages share is one file: a browser has six connections, and twenty small files took 0.3 s of the first view.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "shared", minShareCount: 4 }] } } },
  },
  server: {
    proxy: {
      // The server answers its own pages only, so a request from the development server must look like one.
      "/api": {
        target: server,
        changeOrigin: true,
        ws: true,
        configure: (proxy) => {
          proxy.on("proxyReq", (request) => {
            request.setHeader("origin", server);
            request.removeHeader("sec-fetch-site");
          });
          proxy.on("proxyReqWs", (request) => {
            request.setHeader("origin", server);
          });
        },
      },
    },
  },
});
