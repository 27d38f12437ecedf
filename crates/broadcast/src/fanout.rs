//! From the encoders to every target.

use std::sync::Arc;

use media::{Item, Packet};

use crate::interleave::Interleaver;
use crate::queue::Queue;
use crate::recording;

/// Both tracks in order of DTS, to each queue. A further target costs a reference to each packet: the bytes are
/// shared. Nothing here waits, so it may be held while another thread wants it.
pub(crate) struct Fanout {
    interleaver: Interleaver,
    queues: Vec<Arc<Queue>>,
    recording: Option<Arc<recording::Queue>>,
    finished: bool,
}

impl Fanout {
    pub(crate) fn new(has_video: bool, queues: Vec<Arc<Queue>>) -> Self {
        Self { interleaver: Interleaver::new(has_video), queues, recording: None, finished: false }
    }

    /// Whether a queue lost something, so that a keyframe should be asked for.
    pub(crate) fn put_out(&mut self, packets: Vec<Packet>) -> bool {
        let mut lost = false;
        for packet in packets {
            for ready in self.interleaver.push(packet) {
                for queue in &self.queues {
                    lost |= queue.push(ready.clone());
                }
                lost |= self.recording.as_ref().is_some_and(|recording| recording.push(Item::Packet(ready)));
            }
        }
        lost
    }

    /// Passes the rest on and tells every queue that nothing more comes.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
        for packet in self.interleaver.finish() {
            self.queues.iter().for_each(|queue| _ = queue.push(packet.clone()));
            self.recording.iter().for_each(|recording| _ = recording.push(Item::Packet(packet.clone())));
        }
        self.queues.iter().for_each(|queue| queue.finish());
        self.recording.iter().for_each(|recording| recording.finish());
    }

    pub(crate) fn join(&mut self, queue: Arc<Queue>) {
        if self.finished {
            queue.finish();
        }
        self.queues.push(queue);
    }

    pub(crate) fn leave(&mut self, queue: &Arc<Queue>) {
        self.queues.retain(|known| !Arc::ptr_eq(known, queue));
        queue.discard();
    }
    /// From now on this recording gets what every target gets; the one before gets nothing more.
    pub(crate) fn record(&mut self, recording: Option<Arc<recording::Queue>>) {
        self.recording.iter().for_each(|before| before.finish());
        if self.finished {
            recording.iter().for_each(|recording| recording.finish());
        }
        self.recording = recording;
    }
}
