//! One run, from Go live to Stop.
//!
//! ```text
//! stage feeds -> encode-video, encode-audio (threads) -> interleave (by DTS) -+-> queue -> output task -> ingest 0
//!                                                                             +-> queue -> output task -> ingest 1
//! ```
//!
//! Promises: one target's trouble never disturbs another or the encoders; every queue is bounded and
//! every loss counted; a target's state has one writer; a stop is bounded by [`FLUSH_LIMIT`], a
//! second one is immediate. Nothing here knows whether a window or a command line is watching.

mod backoff;
mod encode;
mod error;
mod interleave;
mod output;
mod queue;
mod run;
mod state;
mod statistics;

pub use error::Error;
pub use output::FLUSH_LIMIT;
pub use run::{Event, Listener, Run, Settings, Started, Target, Video};
pub use state::{State, Trouble};
pub use statistics::{Gap, Statistics, Summary, TargetStatistics, TargetSummary};
