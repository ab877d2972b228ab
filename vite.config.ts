import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Builds the page of src/web into dist/web, from where the embedded host serves it. */
export default defineConfig({
  root: "src/web",
  plugins: [react()],
  build: { outDir: "../../dist/web", emptyOutDir: true },
});
