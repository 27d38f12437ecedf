//! From the encoders to every target.

use std::sync::Arc;

use media::Packet;

use crate::interleave::Interleaver;
use crate::queue::Queue;

/// Both tracks in order of DTS, to each queue. A further target costs a reference to each packet: the bytes are
/// shared. Nothing here waits, so it may be held while another thread wants it.
pub(crate) struct Fanout {
    interleaver: Interleaver,
    queues: Vec<Arc<Queue>>,
    finished: bool,
}

impl Fanout {
    pub(crate) fn new(has_video: bool, queues: Vec<Arc<Queue>>) -> Self {
        Self { interleaver: Interleaver::new(has_video), queues, finished: false }
    }

    /// Whether a queue lost video, so that a keyframe should be asked for.
    pub(crate) fn put_out(&mut self, packets: Vec<Packet>) -> bool {
        let mut lost = false;
        for packet in packets {
            for ready in self.interleaver.push(packet) {
                for queue in &self.queues {
                    lost |= queue.push(ready.clone());
                }
            }
        }
        lost
    }

    /// Passes the rest on and tells every queue that nothing more comes.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
        for packet in self.interleaver.finish() {
            self.queues.iter().for_each(|queue| _ = queue.push(packet.clone()));
        }
        self.queues.iter().for_each(|queue| queue.finish());
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
}
