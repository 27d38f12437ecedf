import { expect, test } from "vitest";
import { ingestProblem, serverName, serverPart } from "./ingest";

test.each([
  ["rtmp://host/app/KEY", "rtmp://host/app"],
  ["rtmp://host/app/inst/KEY?token=KEY", "rtmp://host/app"],
  ["rtmp://host/app?auth=KEY", "rtmp://host/app"],
  ["rtmp://user:KEY@host/app", "rtmp://host/app"],
  ["rtmps://host:443/app/", "rtmps://host:443/app"],
  ["rtmp://host:80/app/KEY", "rtmp://host:80/app"],
  ["rtmp://KEY@KEY@host/app", "rtmp://host/app"],
  ["RTMPS://Host/app/KEY#KEY", "rtmps://host/app"],
  ["rtmp://[::1]:1935/app/KEY", "rtmp://[::1]:1935/app"],
  ["  rtmp://host/app  ", "rtmp://host/app"],
  ["KEY-without-a-scheme", ""],
  ["https://host/KEY", ""],
  ["", ""],
])("what is stored of %s", (address, stored) => {
  expect(serverPart(address)).toBe(stored);
  expect(serverPart(address)).not.toContain("KEY");
});

test("a server is named by host and app", () => {
  expect(serverName("rtmps://live.example.com:443/app/KEY")).toBe("live.example.com:443/app");
});

test.each([
  ["rtmp://host/app", null],
  ["rtmps://host/app/key", null],
  ["", "empty"],
  ["   ", "empty"],
  ["rtmp://host", "bad-url"],
  ["rtmp://host/", "bad-url"],
  ["rtmp:///app", "bad-url"],
  ["http://host/app", "bad-url"],
  ["rtmp://ho st/app", "bad-url"],
])("%s is judged %s", (address, problem) => {
  expect(ingestProblem(address)).toBe(problem);
});
