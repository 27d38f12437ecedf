import type { Connection } from "$lib/bindings/Connection";
import type { Step } from "$lib/bindings/Step";
import { causeHere } from "$lib/i18n/cause";

const step = (ingest: number | null, name: string, evidence: string, took_ms: number): Step => ({
  ingest,
  step: name,
  result: "passed",
  evidence,
  likely_cause: null,
  cause: null,
  took_ms,
});

const skipped = (ingest: number | null, name: string, evidence: string): Step => ({
  ...step(ingest, name, evidence, 0),
  result: "skipped",
  took_ms: null,
});

function ingestSteps(at: number, server: string, fails: boolean, publish: boolean): Step[] {
  const tls = server.startsWith("rtmps:");
  const host = /^\w+:\/\/([^/:]+)/.exec(server)?.[1] ?? server;
  const steps = [
    step(at, "dns", `${host} is 198.51.100.99`, 12.4),
    step(at, "tcp", "198.51.100.99:1935 accepted", 31.2),
    ...(tls ? [step(at, "tls", "TLS 1.3, certificate of *.live-video.net", 44.8)] : []),
    step(at, "handshake", "RTMP 3", 30.1),
  ];
  if (fails) {
    steps.push({
      ...step(at, "connect", "closed after connect('live')", 29.6),
      result: "failed",
      likely_cause:
        "The application name is likely not the input's, or this computer's address is not in its security group.",
      cause: causeHere("hung-up-connect", "closed after connect('live')", { provider: "medialive" }),
    });
    return [...steps, skipped(at, "publish", "the step before failed")];
  }
  steps.push(step(at, "connect", "NetConnection.Connect.Success", 33.5));
  steps.push(step(at, "create-stream", "stream 1", 30.9));
  if (!publish) return [...steps, skipped(at, "publish", "nothing goes on air without consent")];
  return [
    ...steps,
    step(at, "publish", "NetStream.Publish.Start", 41),
    step(at, "uplink", "5.6 Mbps for 4 s", 4012),
  ];
}

/** What a check finds; `fails` lets the last ingest refuse. */
export function stepsOf(connection: Connection, fails: boolean, publish: boolean): Step[] {
  const last = connection.ingests.length - 1;
  const ingests = connection.ingests.flatMap(({ server }, at) =>
    ingestSteps(at, server, fails && at === last, publish),
  );
  if (!connection.playback) return ingests;
  return [
    ...ingests,
    step(null, "playback", "200 in 88 ms", 88.2),
    step(null, "cors", "access-control-allow-origin: *", 0.1),
    step(null, "playlist", "3 renditions, 1080 to 480", 102.7),
  ];
}
