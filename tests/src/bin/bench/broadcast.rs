//! A whole `tamarack live` beside a whole `ffmpeg` doing the same from the same camera.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use e2e::{Camera, Format, Nginx, Process, Tamarack, Usage, With};
use media::FrameRate;

use crate::figures::row;

const PAIRS: usize = 3;
const SECONDS: u64 = 15;
/// More of them, since a few hundredths are to be seen.
const PAIRS_OF_TARGETS: usize = 6;

/// Pairs of runs to the same nginx, each with its own freshly plugged camera.
pub(crate) fn against_ffmpeg(name: &str, width: u32, height: u32, bitrate: &str) {
    println!(
        "\n{name} at {bitrate}, {PAIRS} pairs of {SECONDS} s, x264 veryfast zerolatency, AAC 128k from a tone"
    );
    let nginx = Nginx::start();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for pair in 0..=PAIRS {
        let tamarack = tamarack(std::slice::from_ref(&nginx), width, height, bitrate);
        let ffmpeg = ffmpeg(&nginx, width, height, bitrate);
        // The first pair warms caches up.
        if pair > 0 {
            ours.push(tamarack);
            theirs.push(ffmpeg);
        }
    }
    let cores = |usage: &Usage| usage.cpu.as_secs_f64() / SECONDS as f64;
    let megabytes = |usage: &Usage| usage.peak_memory as f64 / 1e6;
    let ratios = |figure: fn(&Usage) -> f64| -> Vec<f64> {
        ours.iter().zip(&theirs).map(|(ours, theirs)| figure(ours) / figure(theirs)).collect()
    };
    row("tamarack, processor", "cores", &ours.iter().map(cores).collect::<Vec<_>>(), "");
    row("ffmpeg, processor", "cores", &theirs.iter().map(cores).collect::<Vec<_>>(), "");
    row("processor, tamarack / ffmpeg", "x", &ratios(|usage| usage.cpu.as_secs_f64()), "at most 1.15");
    row("tamarack, peak memory", "MB", &ours.iter().map(megabytes).collect::<Vec<_>>(), "");
    row("ffmpeg, peak memory", "MB", &theirs.iter().map(megabytes).collect::<Vec<_>>(), "");
    row("peak memory, tamarack / ffmpeg", "x", &ratios(|usage| usage.peak_memory as f64), "at most 1.00");
}

/// Pairs of runs from one encoder: to four servers, and to one.
pub(crate) fn four_targets_against_one() {
    println!("\n720p30 at 2500k to four servers and to one, {PAIRS_OF_TARGETS} pairs of {SECONDS} s");
    let servers = [(); 4].map(|()| Nginx::start());
    let (mut four, mut one) = (Vec::new(), Vec::new());
    for pair in 0..=PAIRS_OF_TARGETS {
        // Each comes first in every other pair: what heats the machine up hits both.
        let mut legs = [&servers[..], &servers[..1]];
        legs.rotate_left(pair % 2);
        for servers in legs {
            let usage = tamarack(servers, 1280, 720, "2500k");
            if pair > 0 {
                if servers.len() > 1 { four.push(usage) } else { one.push(usage) }
            }
        }
    }
    let cores = |usage: &Usage| usage.cpu.as_secs_f64() / SECONDS as f64;
    let ratio = |(four, one): (&Usage, &Usage)| cores(four) / cores(one);
    row("four targets, processor", "cores", &four.iter().map(cores).collect::<Vec<_>>(), "");
    row("one target, processor", "cores", &one.iter().map(cores).collect::<Vec<_>>(), "");
    let ratios: Vec<_> = four.iter().zip(&one).map(ratio).collect();
    row("processor, four targets / one", "x", &ratios, "at most 1.05");
}

fn camera(width: u32, height: u32) -> e2e::Cameras {
    Camera::new("Bench").mode(Format::Yuyv, width, height, FrameRate::FPS_30).plug()
}

/// One run to all of these servers.
fn tamarack(servers: &[Nginx], width: u32, height: u32, bitrate: &str) -> Usage {
    let camera = camera(width, height);
    let size = format!("{width}x{height}");
    let words = ["live", "--mic", "tone", "--size", &size, "--video-bitrate", bitrate, "--json"];
    let mut run = Tamarack::new(words).with(&camera);
    for server in servers {
        run = run.arg("--to").arg(server.url("ours"));
    }
    let mut run = run.start();
    std::thread::sleep(Duration::from_secs(SECONDS));
    let usage = run.usage();
    run.interrupt();
    assert_eq!(run.exit_code(30), 0, "{}", run.output());
    servers.iter().for_each(|server| server.wait_until_gone("ours"));
    usage
}

fn ffmpeg(nginx: &Nginx, width: u32, height: u32, bitrate: &str) -> Usage {
    let camera = camera(width, height);
    let mut command = Command::new("ffmpeg");
    command.args([
        "-nostdin",
        "-loglevel",
        "error",
        "-f",
        "v4l2",
        "-input_format",
        "yuyv422",
        "-framerate",
        "30",
    ]);
    command.args(["-video_size", &format!("{width}x{height}"), "-i", &camera[0].path()]);
    command.args(["-f", "lavfi", "-i", "sine=1000:r=48000", "-ac", "2", "-pix_fmt", "yuv420p"]);
    command.args(["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-g", "60", "-bf", "0"]);
    command.args(["-sc_threshold", "0", "-b:v", bitrate, "-maxrate", bitrate, "-bufsize", bitrate]);
    command.args(["-c:a", "aac", "-b:a", "128k", "-f", "flv", &nginx.url("theirs")]);
    let mut process = Process::spawn("ffmpeg", command.with(&camera));
    std::thread::sleep(Duration::from_secs(SECONDS));
    let usage = process.usage();
    process.signal(libc::SIGINT);
    process.wait(Duration::from_secs(30));
    nginx.wait_until_gone("theirs");
    usage
}

/// The handshake and every command before the first media, with room to spare (RTMP 1.0, 5.2).
const BEFORE_MEDIA: usize = 3073 + 2048;

/// From the start of the process until media is on the wire, seen by a relay before nginx.
pub(crate) fn first_media_byte() {
    println!("\nFirst media byte on the wire, from the start of `tamarack live`, 720p30 camera");
    let nginx = Nginx::start();
    let mut seconds = Vec::new();
    for _ in 0..7 {
        let camera = camera(1280, 720);
        let (seen, first) = channel();
        let relay = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("rtmp://{}/live/first", relay.local_addr().unwrap());
        let server = nginx.rtmp_port();
        let relaying = std::thread::spawn(move || relay_one(&relay, server, &seen));
        let begun = Instant::now();
        let run = Tamarack::new(["live", "--to", &url, "--mic", "tone", "--json"]).with(&camera).start();
        let at: Instant =
            first.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("{}", run.output()));
        seconds.push((at - begun).as_secs_f64());
        drop(run);
        relaying.join().unwrap();
    }
    row("first media byte", "s", &seconds, "at most 1.00");
}

fn relay_one(listener: &TcpListener, server: u16, seen: &Sender<Instant>) {
    let (mut client, _) = listener.accept().unwrap();
    let mut upstream = TcpStream::connect(("127.0.0.1", server)).unwrap();
    let (mut back, mut to_client) = (upstream.try_clone().unwrap(), client.try_clone().unwrap());
    let answers = std::thread::spawn(move || {
        let _ = std::io::copy(&mut back, &mut to_client);
    });
    let (mut buffer, mut passed) = (vec![0; 65536], 0);
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let before = passed;
        passed += count;
        if before < BEFORE_MEDIA && passed >= BEFORE_MEDIA {
            let _ = seen.send(Instant::now());
        }
        if upstream.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = upstream.shutdown(std::net::Shutdown::Both);
    let _ = answers.join();
}
