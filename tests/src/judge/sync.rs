//! Whether sound and picture fit.

use super::{Frame, Received};
use crate::camera;

/// Mean luma of the bottom third above which it flashes; the scene stays below 180.
const FLASH: f64 = 200.0;

impl Received {
    /// When each flash begins, in seconds of the file's time: its first white picture.
    pub fn flashes(&self) -> Vec<f64> {
        let lit = |frame: &Frame| frame.light > FLASH;
        self.frames()
            .windows(2)
            .filter(|pair| !lit(&pair[0]) && lit(&pair[1]))
            .map(|pair| pair[1].time)
            .collect()
    }

    /// For each flash, how many seconds later its beep begins.
    ///
    /// A camera whose rate does not divide the second (29.97) flashes up to a frame late: use
    /// [`Received::sync_by_marks`] for those.
    pub fn sync(&self) -> Vec<f64> {
        let offset = |flash: &f64| {
            let nearest =
                self.beeps().iter().map(|beep| beep - flash).min_by(|a, b| a.abs().total_cmp(&b.abs()))?;
            (nearest.abs() < 0.5).then_some(nearest)
        };
        self.flashes().iter().filter_map(offset).collect()
    }

    /// For each beep, how many seconds later than the picture of its instant it is heard.
    ///
    /// A picture's mark names the instant at which the camera took it, a beep is at a whole second:
    /// no picture rate rounds this. Compares with the pictures within half a second of the beep, of
    /// which a repeated one counts where it first came.
    pub fn sync_by_marks(&self, stream: &camera::Stream) -> Vec<f64> {
        let mut seen = None;
        // Shown minus taken, in seconds.
        let delays: Vec<(f64, f64)> = self
            .frames()
            .iter()
            .filter(|frame| frame.mark.is_some() && std::mem::replace(&mut seen, frame.mark) != frame.mark)
            .filter_map(|frame| Some((frame.time, frame.time - stream.due(frame.mark?) as f64 / 1e9)))
            .collect();
        let offset = |beep: &f64| {
            let mut near: Vec<f64> = delays
                .iter()
                .filter(|(time, _)| (time - beep).abs() < 0.5)
                .map(|(_, delay)| *delay)
                .collect();
            near.sort_by(f64::total_cmp);
            let instant = beep - near.get(near.len() / 2)?;
            Some(instant - instant.round())
        };
        self.beeps().iter().filter_map(offset).collect()
    }
}
