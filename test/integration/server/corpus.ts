/** Bad input of research/reliability.md section 8, as far as it can be sent through a fetch handler. */

const encoder = new TextEncoder();

/** Bodies that are wrong whatever they are sent to. */
export function brokenBodies(): readonly (readonly [string, string | Uint8Array<ArrayBuffer>])[] {
  return [
    ["truncated", '{"type":"echo","input":'],
    ["two values", "{}{}"],
    ["comments", "{} // no"],
    ["NaN", '{"type":NaN}'],
    ["Infinity", '{"input":1e400,"type":"echo"}'],
    ["a 100 KB number", `{"input":${"9".repeat(100_000)}}`],
    ["a scalar", "1"],
    ["null", "null"],
    ["an array", "[]"],
    ["100,000 deep arrays", "[".repeat(100_000) + "]".repeat(100_000)],
    ["50,000 deep objects", '{"a":'.repeat(50_000) + "1" + "}".repeat(50_000)],
    ["65 deep", `{"input":${"[".repeat(65)}${"]".repeat(65)}}`],
    ["60,000 keys", `{${Array.from({ length: 60_000 }, (_, index) => `"k${index}":1`).join(",")}}`],
    ["UTF-16", new Uint8Array([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00])],
    ["invalid UTF-8", new Uint8Array([...encoder.encode('{"type":"'), 0xff, 0xc0, 0xaf, ...encoder.encode('"}')])],
    ["an encoded surrogate", new Uint8Array([...encoder.encode('{"type":"'), 0xed, 0xa0, 0x80, ...encoder.encode('"}')])],
    ["NUL", "\u0000"],
    ["only space", " \n\t"],
    ["2 MB", `{"input":"${"x".repeat(2_000_000)}"}`],
    ["__proto__", '{"__proto__":{"polluted":1}}'],
    ["constructor.prototype", '{"constructor":{"prototype":{"polluted":1}}}'],
    ["a form", "type=echo&input=1"],
    ["XML", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'],
    ["gzip", new Uint8Array([0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3])],
  ];
}

/** Content types that are not read. */
export const wrongTypes: readonly Readonly<Record<string, string>>[] = [
  { "content-type": "text/plain" },
  { "content-type": "application/x-www-form-urlencoded" },
  { "content-type": "multipart/form-data" },
  { "content-type": 'multipart/form-data; boundary="' },
  { "content-type": "text/json" },
  { "content-type": "application/json; charset=utf-7" },
  { "content-type": "application/json", "content-encoding": "gzip" },
  { "content-type": "application/json", "content-encoding": "br, gzip" },
  { "content-type": "application/octet-stream" },
  { "content-type": ";;;" },
];

/** Values that no field asks for; some fields take some of them. */
export function wrongValues(): readonly unknown[] {
  return [null, true, 0, -1, 0.5, 1e308, -1e308, 2 ** 53, "", " ", [], {}, [[]], { length: 1e9 }, { toString: 1 }, Array.from({ length: 5_000 }, () => 1), "x".repeat(500_000), "\ud83d", "\u0000", "a".repeat(101)];
}

/** Strings that bite somewhere. */
export const bitingStrings: readonly string[] = [
  "' OR 1=1 --",
  '"; DROP TABLE task; --',
  "1); DELETE FROM log; --",
  '{"$gt":""}',
  "$(touch /tmp/x)",
  "`id`",
  "; cat /etc/passwd |",
  "{{constructor.constructor('return process')()}}",
  "${7*7}",
  "<%= 7*7 %>",
  "#{7*7}",
  "a\r\nSet-Cookie: x=1",
  "a\r\n\r\n<html>",
  "../../../../etc/passwd",
  "..\\..\\windows\\win.ini",
  "%2e%2e%2f%2e%2e%2fetc",
  "%252e%252e%252f",
  "\u2025/\u2025/etc",
  "file:///etc/passwd",
  "http://169.254.169.254/latest/meta-data/",
  "http://[::ffff:127.0.0.1]:1234/",
  "http://0x7f000001/",
  "http://127.1/",
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "javascript:alert(1)",
  "*/0 * * * *",
  "61 25 32 13 8",
  "2030-02-30",
  "+275760-09-13T00:00:00.001Z",
  "-000001-01-01",
  "\u202eevil",
  "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a",
  "\u{1f469}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}",
  "\ufdfa\ufdfa",
  "\u0430dmin",
  "caf\u00e9",
  "cafe\u0301",
  "\ud83d",
  "\udc00\ud800",
  "null",
  "undefined",
  "NaN",
  "__proto__",
  "constructor",
  "hasOwnProperty",
  "toString",
  "CON",
  "-1",
  "0x10",
  "1e3",
  "1_000",
  "9".repeat(400),
  " ".repeat(60_000),
  "a.".repeat(30_000),
  "[".repeat(60_000),
  `${"1".repeat(60_000)}x`,
  "task_" + "0".repeat(60_000),
  "![](".repeat(15_000),
];

/** Headers that are odd on any request. */
export function oddHeaders(): readonly Readonly<Record<string, string>>[] {
  return [
    { "x-request-id": "a".repeat(10_000) },
    { "x-request-id": "<script>" },
    { "idempotency-key": "\u00fc" },
    { "idempotency-key": "k".repeat(5_000) },
    { "last-event-id": "-1" },
    { "last-event-id": "9".repeat(5_000) },
    { "if-none-match": '"'.repeat(10_000) },
    { "if-none-match": ",".repeat(30_000) },
    { authorization: "Bearer" },
    { authorization: `Basic ${"A".repeat(10_000)}` },
    { "x-api-key": " ".repeat(5_000) },
    { accept: "*/*;q=".repeat(3_000) },
    { "accept-encoding": "gzip;q=1e400" },
    { range: `bytes=${Array.from({ length: 1_500 }, (_, index) => `${index}-`).join(",")}` },
    { traceparent: "00-" + "f".repeat(5_000) },
    { "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "evil.test", forwarded: "host=evil.test" },
    { "x-http-method-override": "DELETE" },
    { cookie: "a=b; ".repeat(2_000) },
    { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" },
    Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`x-h${index}`, "1"])),
  ];
}
