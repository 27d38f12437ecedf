import type { Camera } from "$lib/bindings/Camera";
import type { Encoder } from "$lib/bindings/Encoder";
import type { Microphone } from "$lib/bindings/Microphone";
import type { Settings } from "$lib/bindings/Settings";
import type { Stage } from "$lib/bindings/Stage";
import { causeHere } from "$lib/i18n/cause";

const modes = [{ width: 1280, height: 720, fps: 30, format: "mjpeg" }];

export const cameras: Camera[] = [
  { id: "usb-c920", name: "HD Pro Webcam C920", modes },
  { id: "builtin", name: "Integrated Camera: FHD Integrated Camera", modes },
];

export const microphones: Microphone[] = [
  { id: "yeti", name: "Yeti Stereo Microphone", default: true },
  { id: "builtin", name: "Built-in Audio Analog Stereo", default: false },
];

export const encoders: Encoder[] = [
  {
    name: "libx264",
    hardware: false,
    usable: true,
    reason: "it has encoded a test picture",
    cause: causeHere("encoder-works"),
    changes_bitrate_live: true,
  },
  {
    name: "h264_vaapi",
    hardware: true,
    usable: false,
    reason: "it encoded nothing here: no graphics device",
    cause: causeHere("encoder-refused", "no graphics device"),
    changes_bitrate_live: false,
  },
  {
    name: "h264_nvenc",
    hardware: true,
    usable: false,
    reason: "it encoded nothing here: no NVIDIA driver",
    cause: causeHere("encoder-refused", "no NVIDIA driver"),
    changes_bitrate_live: false,
  },
];

export const settings: Settings = {
  width: 1280,
  height: 720,
  fps: "30",
  video_kbps: 2500,
  audio_kbps: 128,
  keyframe_s: 2,
  encoder: "auto",
  preset: "veryfast",
  tune: "zerolatency",
  profile: "auto",
};

const failed = (id: string, code: string) => ({
  id,
  name: "",
  state: "failed" as const,
  mode: null,
  cause: causeHere(code, "", { name: "HD Pro Webcam C920" }),
});

/** The sources, with the fault asked for: `no-camera`, `camera-busy`, `no-microphone`, `microphone-denied`… */
export function stageWith(fault: string): Stage {
  const code = fault.replace(/^no-(camera|microphone)$/, "$1-not-found");
  const camera = cameras[0];
  const microphone = microphones[0];
  return {
    camera: code.startsWith("camera-")
      ? failed("default", code)
      : {
          id: camera?.id ?? "",
          name: camera?.name ?? "",
          state: "running",
          mode: modes[0] ?? null,
          cause: null,
        },
    microphone: code.startsWith("microphone-")
      ? failed("default", code)
      : { id: microphone?.id ?? "", name: microphone?.name ?? "", state: "running", mode: null, cause: null },
    muted: false,
  };
}
