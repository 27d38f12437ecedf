//! What a video encoding is asked for.

use std::time::Duration;

use media::{FrameRate, Size};

use crate::Error;

/// Smallest picture, either way up.
const SMALLEST: u32 = 128;
/// Largest picture, either way up.
const LARGEST: u32 = 3840;

/// x264's balance of speed against quality; other encoders have none that compares, and ignore it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset(String);

impl Preset {
    /// Every preset, fastest first.
    pub const ALL: [&'static str; 9] =
        ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl Default for Preset {
    fn default() -> Self {
        Self("veryfast".to_owned())
    }
}

impl std::str::FromStr for Preset {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        match Self::ALL.contains(&text) {
            true => Ok(Self(text.to_owned())),
            false => Err(Error::Setting(format!(
                "\"{text}\" is not a preset; use one of {}",
                Self::ALL.join(", ")
            ))),
        }
    }
}

/// What the encoder optimises for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tune {
    /// No look-ahead: a picture leaves as soon as it is encoded.
    #[default]
    ZeroLatency,
    /// Look-ahead for a better picture, at the price of about a second.
    None,
}

impl std::str::FromStr for Tune {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "zerolatency" => Ok(Self::ZeroLatency),
            "none" => Ok(Self::None),
            _ => Err(Error::Setting(format!("\"{text}\" is not a tune; use zerolatency or none"))),
        }
    }
}

/// H.264 profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// The encoder's own choice: High where it can.
    #[default]
    Auto,
    /// For the oldest players.
    Baseline,
    /// CABAC, no 8x8 transform.
    Main,
    /// What every current player takes.
    High,
}

impl Profile {
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Auto => None,
            Self::Baseline => Some("baseline"),
            Self::Main => Some("main"),
            Self::High => Some("high"),
        }
    }
}

impl std::str::FromStr for Profile {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "auto" => Ok(Self::Auto),
            "baseline" => Ok(Self::Baseline),
            "main" => Ok(Self::Main),
            "high" => Ok(Self::High),
            _ => {
                Err(Error::Setting(format!("\"{text}\" is not a profile; use auto, baseline, main or high")))
            }
        }
    }
}

/// What a video encoding is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoSettings {
    /// Pixels; even both ways.
    pub size: Size,
    /// Pictures per second.
    pub frame_rate: FrameRate,
    /// Bits per second.
    pub bitrate: u32,
    /// Time between keyframes, met to the nearest picture.
    pub keyframe_interval: Duration,
    /// Speed against quality.
    pub preset: Preset,
    /// Delay against quality.
    pub tune: Tune,
    /// H.264 profile.
    pub profile: Profile,
}

impl Default for VideoSettings {
    fn default() -> Self {
        Self {
            size: Size::new(1280, 720),
            frame_rate: FrameRate::FPS_30,
            bitrate: 2_500_000,
            keyframe_interval: Duration::from_secs(2),
            preset: Preset::default(),
            tune: Tune::default(),
            profile: Profile::default(),
        }
    }
}

impl VideoSettings {
    /// Pictures from one keyframe to the next.
    pub fn keyframe_frames(&self) -> u32 {
        self.frame_rate.frames_in(self.keyframe_interval.as_secs_f64())
    }

    /// Refuses what cannot be encoded, with a sentence that says what can.
    pub fn validate(&self) -> Result<(), Error> {
        let Size { width, height } = self.size;
        let refuse = |sentence: String| Err(Error::Setting(sentence));
        if width % 2 == 1 || height % 2 == 1 {
            return refuse(format!("the size {} is odd; width and height must be even", self.size));
        }
        if width.min(height) < SMALLEST || width.max(height) > LARGEST || width.min(height) > 2160 {
            return refuse(format!(
                "the size {} cannot be sent; use {SMALLEST} to {LARGEST} pixels each way, such as 426x240 or 3840x2160",
                self.size
            ));
        }
        if !(100_000..=60_000_000).contains(&self.bitrate) {
            return refuse(format!("the video bitrate {} kbps is outside 100 to 60000", self.bitrate / 1000));
        }
        if !(0.25..=20.0).contains(&self.keyframe_interval.as_secs_f64()) {
            return refuse("the keyframe interval must be between 0.25 and 20 seconds".to_owned());
        }
        Ok(())
    }
}
