//! One of the stage's two inputs: what was chosen for it, and the device that is open.

use std::sync::{Mutex, PoisonError};

use crate::{Board, Source, Status};

/// The device of one input, and where its choice and state are shown.
///
/// Choice, device and failure change under one lock, so that quick choices follow each other whole:
/// what is shown is always about the device that is open.
pub(crate) struct Input<D, C> {
    none: C,
    show: fn(&mut Status) -> (&mut C, &mut Source),
    board: Board,
    device: Mutex<Option<D>>,
}

impl<D, C: Clone + PartialEq> Input<D, C> {
    /// An input that shows itself in a part of the board's status; `none` is the choice of no device.
    pub(crate) const fn new(none: C, board: Board, show: fn(&mut Status) -> (&mut C, &mut Source)) -> Self {
        Self { none, show, board, device: Mutex::new(None) }
    }

    /// Closes the device and opens the one that `choose` makes of the choice and state so far, or does
    /// nothing when that is none. Blocks until it delivers or fails.
    pub(crate) fn open(
        &self,
        choose: impl FnOnce(&C, &Source) -> Option<C>,
        start: impl FnOnce(&C) -> Result<Option<D>, capture::Error>,
    ) -> Result<(), capture::Error> {
        let mut device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        let mut status = self.board.status();
        let (choice, source) = (self.show)(&mut status);
        let Some(choice) = choose(choice, source) else { return Ok(()) };
        drop(device.take());
        self.board.change(|status| {
            let (chosen, source) = (self.show)(status);
            *source = if choice == self.none { Source::Off } else { Source::Opening };
            *chosen = choice.clone();
        });
        match start(&choice) {
            Ok(opened) => {
                *device = opened;
                Ok(())
            }
            Err(error) => {
                self.board.change(|status| (self.show)(status).1.fail(error.clone()));
                Err(error)
            }
        }
    }

    /// Closes the device.
    pub(crate) fn close(&self) {
        drop(self.device.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
