/** Serves this folder with the API of a running `errand serve` beside it: `npx vite examples/plain-page`. */
export default {
  server: { proxy: { "/api": `http://127.0.0.1:${process.env["PORT"] ?? "8787"}` } },
};
