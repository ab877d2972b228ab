/** Serves this folder with the API of a running `errand serve` beside it: `npx vite examples/plain-page`. */
export default {
  server: {
    proxy: {
      // The server compares the page's origin with the host that was asked: both must stay this one.
      "/api": { target: `http://127.0.0.1:${process.env["PORT"] ?? "8787"}`, changeOrigin: false },
    },
  },
};
