//! JPEGs for the window, each asked for.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use codec::jpeg::Preview as Encoder;
use media::Size;
use stage::Preview;

use crate::lock;

/// From one picture to the next at the least: a little over 25 a second.
const INTERVAL: Duration = Duration::from_millis(39);
/// Who asks is answered by then, with a picture or without.
const LIMIT: Duration = Duration::from_millis(500);

/// Encodes what the window asks for. Nothing is done for it, here or on the stage, while nobody asks.
#[derive(Default)]
pub(crate) struct Previews(Mutex<State>);

#[derive(Default)]
struct State {
    seen: u64,
    due: Option<Instant>,
    encoder: Option<Fitted>,
}

/// An encoder and what it was made for.
struct Fitted {
    source: Size,
    bounds: Size,
    encoder: Encoder,
}

impl Previews {
    /// Waits for a picture that was not given out yet; none when the stage shows none in good time.
    pub(crate) fn next(&self, preview: &Preview, bounds: Size) -> Option<Vec<u8>> {
        let mut state = lock(&self.0);
        if let Some(due) = state.due {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let (number, frame) = preview.next(state.seen, bounds, LIMIT)?;
        state.seen = number;
        // Counted from when it was due, so that a late question does not lower the rate.
        let now = Instant::now();
        state.due = Some(state.due.map_or(now + INTERVAL, |due| now.max(due + INTERVAL)));
        let encoder = state.encoder_for(frame.size(), bounds)?;
        encoder.encode(&frame).inspect_err(|error| tracing::debug!(%error, "a preview was not encoded")).ok()
    }
}

impl State {
    fn encoder_for(&mut self, source: Size, bounds: Size) -> Option<&mut Encoder> {
        if self.encoder.as_ref().is_none_or(|fitted| fitted.source != source || fitted.bounds != bounds) {
            let encoder = Encoder::new(source, bounds)
                .inspect_err(|error| tracing::error!(%error, "no preview"))
                .ok()?;
            self.encoder = Some(Fitted { source, bounds, encoder });
        }
        self.encoder.as_mut().map(|fitted| &mut fitted.encoder)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use capture::video::Choice;
    use words::Language;

    use crate::{Connections, Studio};

    use super::*;

    const BOUNDS: Size = Size::new(320, 180);

    #[tokio::test]
    async fn pictures_are_whole_jpegs_and_a_stage_without_a_camera_has_none() {
        let studio =
            Studio::new(Connections::in_memory("/nonexistent", Language::English), Arc::new(|_| ())).unwrap();
        assert_eq!(studio.next_preview(BOUNDS), None);
        studio.choose_camera(Choice::Pattern).unwrap();
        let begun = Instant::now();
        for _ in 0..5 {
            let jpeg = studio.next_preview(BOUNDS).unwrap();
            assert!(jpeg.starts_with(&[0xFF, 0xD8]) && jpeg.ends_with(&[0xFF, 0xD9]));
        }
        assert!(begun.elapsed() >= INTERVAL * 4, "no more are made than anybody sees");
    }
}
