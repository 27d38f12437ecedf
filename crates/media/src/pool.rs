//! Buffers for pictures, used again and again.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use crate::video::Layout;
use crate::{Size, VideoFrame};

/// Hands out [`VideoFrame`]s and takes their buffers back when they are dropped.
///
/// It holds at most `spare` idle buffers; more frames than that may be out at once, the surplus is
/// freed as it returns.
#[derive(Clone, Debug)]
pub struct FramePool {
    size: Size,
    shelf: Arc<Shelf>,
}

#[derive(Debug)]
struct Shelf {
    spare: usize,
    idle: Mutex<Vec<Vec<u8>>>,
}

impl FramePool {
    /// A pool of frames of `size` that keeps up to `spare` idle buffers.
    pub fn new(size: Size, spare: usize) -> Self {
        Self { size, shelf: Arc::new(Shelf { spare, idle: Mutex::new(Vec::with_capacity(spare)) }) }
    }

    /// The size of its frames.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// A frame whose pixels are whatever was in the buffer before.
    pub fn take(&self) -> VideoFrame {
        let idle = self.shelf.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = idle.unwrap_or_else(|| vec![0; Layout::of(self.size).bytes()]);
        VideoFrame::new(self.size, Buffer { bytes, home: self.shelf.clone() })
    }
}

/// Bytes that return to their pool on drop.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    home: Arc<Shelf>,
}

impl Deref for Buffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut idle = self.home.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.home.spare {
            idle.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_frame_is_handed_out_again() {
        let pool = FramePool::new(Size::new(64, 36), 1);
        let mut first = pool.take();
        first.fill(7, 8, 9);
        let address = first.planes()[0].data.as_ptr();
        drop(first);
        let second = pool.take();
        assert_eq!(second.planes()[0].data.as_ptr(), address);
        assert_eq!(second.planes()[1].data[0], 8);
        drop((second, pool.take()));
        assert_eq!(pool.shelf.idle.lock().unwrap().len(), 1, "only the spare one is kept");
    }
}
