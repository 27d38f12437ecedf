//! What happens to the broadcast.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use e2e::{Cameras, Microphone, Nginx, Proxy, Run};

use crate::LIMIT;

/// Faults by number, those of the network first.
pub(crate) const LAST_OF_NETWORK: u64 = 4;
pub(crate) const LAST: u64 = 7;

/// The broadcast's surroundings.
pub(crate) struct Scene {
    pub(crate) path: Proxy,
    pub(crate) nginx: Nginx,
    pub(crate) camera: Cameras,
    pub(crate) microphone: Microphone,
}

impl Scene {
    /// One fault, from its beginning to its end; its name.
    pub(crate) fn strike(
        &mut self,
        kinds: &RangeInclusive<u64>,
        chance: &mut Chance,
        run: &mut Run,
    ) -> &'static str {
        let seconds = chance.between(2, 12);
        let camera = self.camera.iter().next().expect("it is plugged");
        match chance.between(*kinds.start(), *kinds.end()) {
            0 => {
                self.path.cut();
                "the connection was cut"
            }
            1 => {
                self.path.refuse();
                pass(run, seconds);
                self.path.admit();
                "connections were refused"
            }
            2 => {
                self.path.stall();
                pass(run, seconds);
                self.path.resume();
                "nothing passed"
            }
            3 => {
                self.nginx.kill();
                pass(run, seconds);
                self.nginx.restart();
                "the server died"
            }
            4 => {
                self.path.set_rate(Some(400_000));
                pass(run, seconds);
                self.path.set_rate(None);
                "the path was slow"
            }
            5 => {
                camera.stall();
                pass(run, seconds);
                camera.deliver();
                "the camera stalled"
            }
            6 => {
                camera.vanish();
                pass(run, seconds);
                camera.come_back();
                "the camera was unplugged"
            }
            _ => {
                self.microphone.unplug();
                pass(run, seconds);
                self.microphone.plug_in();
                "the microphone was unplugged"
            }
        }
    }
}

/// Figures come once a second, whatever happens.
fn pass(run: &mut Run, seconds: u64) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(seconds) {
        run.wait_for_event("stats", LIMIT);
    }
}

/// Numbers that look like chance and are the same for the same seed (Marsaglia's xorshift64).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// A number from `least` to `most`.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        least + self.0 % (most - least + 1)
    }
}
