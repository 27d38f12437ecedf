//! Microphones through cpal.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, Data, ErrorKind, FromSample, InputCallbackInfo, Sample, SampleFormat, StreamConfig};
use media::Clock;
use rtrb::{Consumer, Producer, RingBuffer};

use crate::Error;
use crate::audio::{Listener, Signal};
use crate::name::{self, Found};
use crate::thread::{self, Guard, Ready, Stop};

/// A microphone that gives nothing for this long is in trouble.
const READ_LIMIT: Duration = Duration::from_secs(1);
/// How often a lost microphone is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The ring between callback and thread: when full, what comes is lost and counted.
const RING: Duration = Duration::from_millis(1000);
/// Blocks that may wait in the ring.
const BLOCKS: usize = 512;

/// What the ids of PulseAudio's devices begin with.
const PULSE: &str = "pulseaudio:";

/// A connected microphone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Names it across restarts.
    pub id: String,
    /// The name that it gives itself.
    pub name: String,
    /// Whether the system would take this one.
    pub default: bool,
}

/// PulseAudio (and PipeWire through its Pulse server) shares microphones; bare ALSA does not, so it
/// comes second. Other systems have one host.
fn hosts() -> Vec<Arc<cpal::Host>> {
    #[cfg(target_os = "linux")]
    let order = [cpal::HostId::PulseAudio, cpal::HostId::Alsa];
    #[cfg(not(target_os = "linux"))]
    let order = [cpal::default_host().id()];
    order.into_iter().filter_map(host).collect()
}

/// The one host of this kind, made anew when it no longer answers: what PulseAudio's client began, a thread
/// and three descriptors, stays for as long as the server does, even when it is dropped (pulseaudio 0.3.2).
fn host(id: cpal::HostId) -> Option<Arc<cpal::Host>> {
    static KEPT: Mutex<Vec<Arc<cpal::Host>>> = Mutex::new(Vec::new());
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let known = kept().iter().find(|host| host.id() == id).cloned();
    // Asked without the lock: a sound server may also not answer.
    if let Some(host) = known.filter(|host| host.input_devices().is_ok()) {
        return Some(host);
    }
    let host = Arc::new(cpal::host_from_id(id).ok()?);
    let mut kept = kept();
    kept.retain(|host| host.id() != id);
    kept.push(host.clone());
    Some(host)
}

/// The microphones of the first host that has some.
pub fn list() -> Vec<Device> {
    hosts()
        .iter()
        .map(|host| devices_of(host))
        .find(|devices| !devices.is_empty())
        .unwrap_or_default()
        .into_iter()
        .map(|(device, _)| device)
        .collect()
}

fn id_of(device: &cpal::Device) -> String {
    device.id().map(|id| id.to_string()).unwrap_or_default()
}

fn devices_of(host: &cpal::Host) -> Vec<(Device, cpal::Device)> {
    let default = host.default_input_device().map(|device| id_of(&device));
    let Ok(found) = host.input_devices() else { return Vec::new() };
    let mut devices: Vec<_> = found
        .filter(is_a_device)
        .map(|handle| {
            let id = id_of(&handle);
            let name = handle
                .description()
                .map(|description| description.name().to_owned())
                .unwrap_or_else(|_| id.clone());
            let default = default.as_ref() == Some(&id);
            (Device { id, name, default }, handle)
        })
        .collect();
    devices.sort_by_key(|(device, _)| is_monitor(&device.id));
    devices
}

/// ALSA lists its plug-ins (rate converters, the null device) as if they were microphones.
fn is_a_device(device: &cpal::Device) -> bool {
    let id = id_of(device);
    let is_card = |name: &str| name.contains("hw:") || name.contains("CARD=");
    !id.is_empty() && id.strip_prefix("alsa:").is_none_or(is_card)
}

fn find(wanted: Option<&str>) -> Result<(Device, cpal::Device), Error> {
    let mut found =
        hosts().iter().map(|host| devices_of(host)).find(|devices| !devices.is_empty()).unwrap_or_default();
    let at = choose(found.iter().map(|(device, _)| device), wanted)?;
    Ok(found.swap_remove(at))
}

/// Which device is meant; without a wish the system's default, else the first that hears the room.
fn choose<'a>(
    devices: impl Iterator<Item = &'a Device> + Clone,
    wanted: Option<&str>,
) -> Result<usize, Error> {
    let Some(wanted) = wanted else {
        let default = devices.clone().position(|device| device.default);
        let first = || devices.clone().position(|device| !is_monitor(&device.id));
        return default.or_else(first).ok_or_else(|| Error::MicrophoneNotFound("default".to_owned()));
    };
    match name::find(devices.map(|device| (device.id.as_str(), device.name.as_str())), wanted) {
        Found::One(at) => Ok(at),
        Found::None => Err(Error::MicrophoneNotFound(wanted.to_owned())),
        Found::Several(names) => Err(Error::MicrophoneAmbiguous { wanted: wanted.to_owned(), names }),
    }
}

/// PulseAudio lists what a loudspeaker plays as if it were a microphone.
fn is_monitor(id: &str) -> bool {
    id.starts_with(PULSE) && id.ends_with(".monitor")
}

pub(crate) fn start(wanted: Option<String>, clock: Clock, listener: Listener) -> Result<Guard, Error> {
    let name = wanted.clone().unwrap_or_else(|| "default".to_owned());
    let pump = Pump { wanted, clock, listener };
    thread::start(
        "microphone",
        move || Error::MicrophoneStalled(name),
        move |stop, ready| pump.run(&stop, ready),
    )
}

struct Pump {
    wanted: Option<String>,
    clock: Clock,
    listener: Listener,
}

impl Pump {
    fn run(mut self, stop: &Stop, mut ready: Ready) {
        let mut open = match Open::new(self.wanted.as_deref()) {
            Ok(open) => open,
            Err(error) => return ready.failed(error),
        };
        ready.ok();
        loop {
            // From now on it is this microphone or none, even if "default" would have become another.
            self.wanted = Some(open.device.id.clone());
            let trouble = self.deliver(&mut open, stop);
            drop(open);
            let Some(trouble) = trouble else { return };
            tracing::warn!(error = %trouble, "microphone in trouble");
            (self.listener)(Signal::Trouble(trouble));
            match self.reopen(stop) {
                Some(found) => open = found,
                None => return,
            }
        }
    }

    /// Passes sound on until something is wrong; `None` when the guard was dropped.
    fn deliver(&mut self, open: &mut Open, stop: &Stop) -> Option<Error> {
        (self.listener)(open.running());
        let mut heard = Instant::now();
        while !stop.is_set() {
            if open.pass_on(&self.clock, &mut self.listener) {
                heard = Instant::now();
            }
            if let Some(lost) = open.lost() {
                (self.listener)(Signal::Lost(lost));
            }
            if let Some(error) = open.trouble() {
                return Some(error);
            }
            if heard.elapsed() > READ_LIMIT {
                return Some(Error::MicrophoneStalled(open.device.name.clone()));
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        None
    }

    fn reopen(&mut self, stop: &Stop) -> Option<Open> {
        while stop.sleep_until(Instant::now() + LOOK_AGAIN) {
            if let Ok(open) = Open::new(self.wanted.as_deref()) {
                return Some(open);
            }
        }
        None
    }
}

/// One callback's worth of samples in the ring.
#[derive(Clone, Copy)]
struct Block {
    samples: usize,
    captured: Instant,
}

/// A started stream and our end of its ring.
struct Open {
    device: Device,
    rate: u32,
    channels: usize,
    samples: Consumer<f32>,
    blocks: Consumer<Block>,
    faults: Arc<Faults>,
    _stream: cpal::Stream,
}

/// What callbacks may leave behind: they neither lock, allocate nor log.
#[derive(Default)]
struct Faults {
    gone: AtomicBool,
    lost: AtomicU64,
}

impl Open {
    fn new(wanted: Option<&str>) -> Result<Self, Error> {
        let (device, handle) = find(wanted)?;
        let failed = |error: cpal::Error| explain(&device.name, &error);
        let offered = handle.default_input_config().map_err(failed)?;
        let (rate, channels) = (offered.sample_rate(), usize::from(offered.channels()));
        let config = StreamConfig {
            channels: offered.channels(),
            sample_rate: rate,
            // Without a wish PulseAudio would hand sound over in blocks of two seconds. It also keeps no
            // more than one block for us (cpal asks for that), so a short one is lost at every hiccup.
            buffer_size: if cfg!(target_os = "linux") {
                BufferSize::Fixed(rate / 20)
            } else {
                BufferSize::Default
            },
        };
        let ring = (u64::from(rate) * RING.as_millis() as u64 / 1000) as usize * channels;
        let (to_samples, samples) = RingBuffer::new(ring);
        let (to_blocks, blocks) = RingBuffer::new(BLOCKS);
        let faults = Arc::new(Faults::default());
        let callback = Callback {
            samples: to_samples,
            blocks: to_blocks,
            faults: faults.clone(),
            reader: std::thread::current(),
        };
        let stream = open_stream(&handle, config, offered.sample_format(), callback, faults.clone())
            .map_err(failed)?;
        stream.play().map_err(failed)?;
        if device.id.starts_with(PULSE) {
            watch(&device.id, &faults);
        }
        Ok(Self { device, rate, channels, samples, blocks, faults, _stream: stream })
    }

    fn running(&self) -> Signal<'static> {
        let (id, name) = (self.device.id.clone(), self.device.name.clone());
        Signal::Running { id, name, rate: self.rate, channels: self.channels }
    }

    /// Passes every waiting block on; whether there was one.
    fn pass_on(&mut self, clock: &Clock, listener: &mut Listener) -> bool {
        let mut any = false;
        while let Ok(block) = self.blocks.pop() {
            let Ok(chunk) = self.samples.read_chunk(block.samples) else { break };
            let (first, second) = chunk.as_slices();
            let at = clock.at(block.captured);
            listener(Signal::Sound { at, samples: first });
            if !second.is_empty() {
                let later =
                    Duration::from_secs_f64((first.len() / self.channels) as f64 / f64::from(self.rate));
                listener(Signal::Sound { at: at + later, samples: second });
            }
            chunk.commit_all();
            any = true;
        }
        any
    }

    /// How much sound found the ring full since the last call.
    fn lost(&self) -> Option<Duration> {
        let samples = self.faults.lost.swap(0, Ordering::Relaxed) / self.channels as u64;
        let lost = Duration::from_secs_f64(samples as f64 / f64::from(self.rate));
        if samples > 0 {
            tracing::warn!(?lost, microphone = %self.device.name, "sound lost: the machine is too busy");
        }
        (samples > 0).then_some(lost)
    }

    fn trouble(&self) -> Option<Error> {
        self.faults.gone.load(Ordering::Acquire).then(|| Error::MicrophoneGone {
            name: self.device.name.clone(),
            reason: "the sound system closed it".to_owned(),
        })
    }
}

/// PulseAudio moves a recording to another source when its own goes, and says nothing of it: to a
/// microphone that nobody chose, or to what a loudspeaker plays. So for as long as a device is read it
/// is looked for in the list, on a thread of its own, since a sound server may also not answer.
fn watch(id: &str, faults: &Arc<Faults>) {
    let (id, faults) = (id.to_owned(), Arc::downgrade(faults));
    let look = move || {
        let known = id.parse::<cpal::DeviceId>().ok().and_then(|id| host(id.host()));
        let Some(host) = known else { return };
        while let Some(faults) = faults.upgrade() {
            let is_gone =
                host.input_devices().is_ok_and(|mut devices| devices.all(|found| id_of(&found) != id));
            if is_gone {
                return faults.gone.store(true, Ordering::Release);
            }
            drop(faults);
            std::thread::sleep(LOOK_AGAIN);
        }
    };
    if let Err(error) = std::thread::Builder::new().name("microphone-watch".to_owned()).spawn(look) {
        tracing::warn!(%error, "the microphone is read without being watched");
    }
}

/// Runs on the sound system's own thread.
struct Callback {
    samples: Producer<f32>,
    blocks: Producer<Block>,
    faults: Arc<Faults>,
    reader: Thread,
}

impl Callback {
    fn take<T>(&mut self, data: &[T], info: &InputCallbackInfo)
    where
        T: Sample,
        f32: FromSample<T>,
    {
        let timestamp = info.timestamp();
        let captured = Instant::now() - timestamp.callback.duration_since(timestamp.capture);
        match self.samples.write_chunk_uninit(data.len()) {
            Ok(chunk) if self.blocks.slots() > 0 => {
                let samples = chunk.fill_from_iter(data.iter().map(|sample| f32::from_sample(*sample)));
                let _ = self.blocks.push(Block { samples, captured });
            }
            _ => {
                self.faults.lost.fetch_add(data.len() as u64, Ordering::Relaxed);
            }
        }
        self.reader.unpark();
    }

    fn take_any(&mut self, data: &Data, info: &InputCallbackInfo) {
        macro_rules! take {
            ($($format:ident => $sample:ty),*) => {
                match data.sample_format() {
                    $(SampleFormat::$format => if let Some(samples) = data.as_slice::<$sample>() { self.take(samples, info) },)*
                    _ => {}
                }
            };
        }
        take!(I8 => i8, I16 => i16, I24 => cpal::I24, I32 => i32, I64 => i64, U8 => u8, U16 => u16, U24 => cpal::U24,
              U32 => u32, U64 => u64, F32 => f32, F64 => f64);
    }
}

fn open_stream(
    device: &cpal::Device,
    config: StreamConfig,
    format: SampleFormat,
    mut callback: Callback,
    faults: Arc<Faults>,
) -> Result<cpal::Stream, cpal::Error> {
    let on_error = move |error: cpal::Error| {
        // These leave the stream running; all others end it.
        if !matches!(error.kind(), ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied) {
            faults.gone.store(true, Ordering::Release);
        }
    };
    device.build_input_stream_raw(
        config,
        format,
        move |data, info| callback.take_any(data, info),
        on_error,
        Some(READ_LIMIT),
    )
}

fn explain(name: &str, error: &cpal::Error) -> Error {
    match error.kind() {
        ErrorKind::DeviceBusy => Error::MicrophoneBusy(name.to_owned()),
        ErrorKind::PermissionDenied => Error::MicrophoneDenied(name.to_owned()),
        _ => Error::MicrophoneGone { name: name.to_owned(), reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str, default: bool) -> Device {
        Device { id: format!("pulseaudio:{id}"), name: id.to_owned(), default }
    }

    #[test]
    fn what_a_loudspeaker_plays_is_only_taken_when_it_is_the_systems_default() {
        let (monitor, microphone) = (device("hdmi.monitor", false), device("usb", false));
        let choose = |devices: &[Device], wanted| choose(devices.iter(), wanted);
        assert_eq!(choose(&[monitor.clone(), microphone.clone()], None).unwrap(), 1);
        assert!(matches!(choose(std::slice::from_ref(&monitor), None), Err(Error::MicrophoneNotFound(_))));
        assert_eq!(choose(&[microphone.clone(), device("hdmi.monitor", true)], None).unwrap(), 1);
        assert_eq!(choose(&[microphone, monitor], Some("hdmi")).unwrap(), 1, "when it is asked for");
    }
}
